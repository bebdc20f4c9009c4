"""Can these passages answer? Features of retrieval, coverage and agreement to a calibrated probability.

Logistic models whose few coefficients ship in `confidence.json` with their provenance (`pilot evals calibrate` fits
them); nothing is imported for them at run time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from assistant.evidence import Evidence, fits_kind
from assistant.overlap import Overlap
from assistant.retrieve import Passage, Query
from assistant.understand import Kind
from assistant.values import asks_money, names_money, numbers, years
from index.types import Language

_FIRST = 5
_FILE = Path(__file__).resolve().parent / "confidence.json"


_BY_CORPUS = (
    "score", "gap", "dense", "sentence", "words", "evidence_gap", "sentence_share", "sentence_missing", "passage_share",
    "passage_missing", "near", "near_lowest", "logit", "logit_top", "logit_sum", "logit_other",
)  # fmt: skip
"""Features that say the less the more alike all text of the corpus is; they come with their products with that too."""

_MOST_ALIKE = 0.41
"""Homogeneity of `documents/`, the most alike corpus that the model was fitted on: beyond it nothing is known."""


class LogisticModel(BaseModel):
    """A logistic model over standardised features.

    Attributes:
        features: Names, in order.
        mean, scale, weight: One number a feature.
        intercept: Added to the weighted sum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float

    def probability(self, features: Mapping[str, float]) -> float:
        """Probability of what the model was fitted on, 0 to 1."""
        total = self.intercept
        for name, mean, scale, weight in zip(self.features, self.mean, self.scale, self.weight, strict=True):
            total += weight * (features[name] - mean) / scale
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


class TopicModel(LogisticModel):
    """Is a question about the documents' subject at all?

    Attributes:
        least: Probability from which it counts as such.
    """

    least: float


class ConfidenceModel(LogisticModel):
    """Does the evidence answer?

    Attributes:
        provenance: Which command fitted it, on what, with which result.
        thresholds: Least probability of an answer by the share of given answers that may be wrong.
        topic: Tells questions that nothing answers from those about something else.
    """

    provenance: str
    thresholds: dict[str, float]
    topic: TopicModel

    def threshold(self, wrong_answer_rate: float) -> float:
        """The threshold of the nearest fitted rate that is not above the wanted one; the strictest where none is."""
        rates = sorted(self.thresholds, key=float)
        allowed = [rate for rate in rates if float(rate) <= wrong_answer_rate + 1e-9]
        return self.thresholds[allowed[-1] if allowed else rates[0]]


@lru_cache(maxsize=1)
def load_confidence() -> ConfidenceModel:
    """The fitted model that ships with the package."""
    return ConfidenceModel.model_validate_json(_FILE.read_text(encoding="utf-8"))


def are_kin(one: Passage, other: Passage) -> bool:
    """Whether two passages stand in one document or in translations of each other."""
    first, second = one.document, other.document
    return (
        first.id == second.id
        or first.translation_of == second.id
        or second.translation_of == first.id
        or bool(first.translation_of and first.translation_of == second.translation_of)
    )


def _rival(passages: Sequence[Passage]) -> float:
    """Score of the best passage that is not of the first one's document or its translation; 0 where there is none."""
    return next((one.score for one in passages[1:] if not are_kin(passages[0], one)), 0.0)


def _subject(passages: Sequence[Passage]) -> float:
    """How much even the later passages are about the question: mean cosine of those from the sixth on; 0 without."""
    later = [one.dense for one in passages[_FIRST:]]
    return sum(later) / len(later) if later else 0.0


def _ranking(passages: Sequence[Passage], evidence: Sequence[Evidence], language: Language) -> dict[str, float]:
    """How clearly the first passage and sentence lead."""
    first, best = passages[0], evidence[0]
    own = best.passage.document.id
    logits = sorted((one.logit for one in evidence), reverse=True)
    return {
        "score": first.score,
        "gap": first.score - _rival(passages),
        "dense": first.dense,
        "sentence": max((float(one.sentences.max()) for one in passages[:5] if len(one.sentences)), default=0.0),
        "words": first.words,
        "evidence": best.score,
        "evidence_gap": best.score - (evidence[1].score if len(evidence) > 1 else 0.0),
        "dense_agrees": float(max(passages, key=lambda one: one.dense).row == first.row),
        "words_agree": float(max(passages, key=lambda one: one.words).row == first.row),
        "logit": best.logit,
        "logit_top": logits[0],
        "logit_sum": math.log(sum(math.exp(one) for one in logits)),
        "logit_other": max((one.logit for one in evidence if one.passage.document.id != own), default=logits[-1]),
        "crossing": float(first.chunk.language != language),
        "subject": _subject(passages),
    }


def _coverage(first: Passage, best: Evidence, overlap: Overlap) -> dict[str, float]:
    """How much of the question the best sentence and the first passage hold, in words and by token vectors."""
    sentence = overlap.coverage(best.text, best.passage.chunk.language)
    whole = overlap.coverage(f"{first.heading} {first.chunk.text}", first.chunk.language)
    near = overlap.closeness(best.text)
    return {
        "sentence_share": sentence.share,
        "sentence_missing": sentence.missing,
        "passage_share": whole.share,
        "passage_missing": whole.missing,
        "near": near.mean,
        "near_lowest": near.lowest,
    }


def _mismatch(question: str, kind: Kind, best: Evidence, overlap: Overlap) -> dict[str, float]:
    """What the question names or asks for and the best sentence, with its passage and heading, has not."""
    stated = f"{best.passage.heading} {best.text}"
    whole = f"{stated} {best.passage.chunk.text}"
    return {
        "years_missing": float(bool(years(question) - years(stated))),
        "names_missing": overlap.names_missing(whole),
        "money_missing": float(asks_money(question) and not names_money(best.text)),
        "numbers_missing": float(bool(numbers(question) - numbers(whole))),
        "fits": fits_kind(best.text, question, kind),
        "valued": float(kind in (Kind.WHEN, Kind.HOW_MANY)),
    }


def measure(
    query: Query,
    kind: Kind,
    passages: Sequence[Passage],
    evidence: Sequence[Evidence],
    *,
    overlap: Overlap,
    homogeneity: float,
) -> dict[str, float]:
    """The features of one question by name; all 0 where nothing was retrieved.

    `homogeneity` is the corpus's (`PassageStore.homogeneity`). Where everything is about one thing, the passage beside
    the right one has most of the question's words too, and a clear lead says less.
    """
    if not passages or not evidence:
        return dict.fromkeys(load_confidence().features, 0.0)
    features = {
        **_ranking(passages, evidence, query.language),
        **_coverage(passages[0], evidence[0], overlap),
        **_mismatch(query.text, kind, evidence[0], overlap),
    }
    alike = min(homogeneity, _MOST_ALIKE)
    return {**features, "homogeneity": alike, **{f"{name} by corpus": features[name] * alike for name in _BY_CORPUS}}


def measure_topic(near: Sequence[Passage], *, overlap: Overlap) -> dict[str, float]:
    """How near a question comes to what the documents are about; `near` are its passages whatever the filters.

    "dense" is the greatest cosine of the question with a passage; "telling" the same without the words that go without
    saying in these documents, as the city's name: the city's weather is not its transport; "words" the greatest share
    of the question's weight that a passage holds.
    """
    shares = [overlap.coverage(f"{one.heading} {one.chunk.text}", one.chunk.language).share for one in near]
    return {
        "dense": max((one.dense for one in near), default=0.0),
        "telling": overlap.nearness_of_telling(),
        "words": max(shares, default=0.0),
    }
