"""Can these passages answer? Features of retrieval, coverage and agreement to a calibrated probability.

A logistic model whose few coefficients ship in `confidence.json` with their provenance (`pilot evals calibrate` fits
them); nothing is imported for it at run time.
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
from assistant.understand import Kind, content_terms
from assistant.values import asks_money, names_money, numbers, years

_FILE = Path(__file__).resolve().parent / "confidence.json"


class ConfidenceModel(BaseModel):
    """A logistic model over standardised features.

    Attributes:
        provenance: Which command fitted it, on what, with which result.
        features: Names, in order.
        mean, scale, weight: One number a feature.
        intercept: Added to the weighted sum.
        thresholds: Least probability of an answer by the share of given answers that may be wrong.
        topic: Least similarity of a question that is about the documents' subject at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: str
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float
    thresholds: dict[str, float]
    topic: float

    def probability(self, features: Mapping[str, float]) -> float:
        """Probability that the evidence answers, 0 to 1."""
        total = self.intercept
        for name, mean, scale, weight in zip(self.features, self.mean, self.scale, self.weight, strict=True):
            total += weight * (features[name] - mean) / scale
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

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


def _heading(passage: Passage) -> str:
    return f"{passage.document.title} {passage.chunk.section} {passage.document.document_number}"


def measure(
    query: Query, kind: Kind, passages: Sequence[Passage], evidence: Sequence[Evidence], *, overlap: Overlap
) -> dict[str, float]:
    """The features of one question; all 0 where nothing was retrieved."""
    if not passages or not evidence:
        return dict.fromkeys(load_confidence().features, 0.0)
    first, best = passages[0], evidence[0]
    language = first.chunk.language
    passage_text = f"{_heading(first)} {first.chunk.text}"
    sentence = overlap.coverage(best.text, best.passage.chunk.language)
    whole = overlap.coverage(passage_text, language)
    wider = overlap.coverage(
        " ".join(one.chunk.text for one in passages[:3] if one.chunk.language == language), language
    )
    weights = overlap.weights(language)
    rarest = max(weights.values(), default=0.0)
    logits = sorted((one.logit for one in evidence), reverse=True)
    near = overlap.closeness(best.text)
    stated = f"{_heading(best.passage)} {best.text}"
    whole_text = f"{stated} {best.passage.chunk.text}"
    return {
        "score": first.score,
        "gap": first.score - _rival(passages),
        "dense": first.dense,
        "sentence": max((float(one.sentences.max()) for one in passages[:5] if len(one.sentences)), default=0.0),
        "words": first.words,
        "evidence": best.score,
        "evidence_gap": best.score - (evidence[1].score if len(evidence) > 1 else 0.0),
        "sentence_share": sentence.share,
        "sentence_missing": sentence.missing,
        "passage_share": whole.share,
        "passage_missing": whole.missing,
        "wide_share": wider.share,
        "unseen": sum(1.0 for weight in weights.values() if weight >= rarest) / max(len(weights), 1),
        "numbers_missing": float(bool(numbers(query.text) - numbers(whole_text))),
        "years_missing": float(bool(years(query.text) - years(stated))),
        "names_missing": overlap.names_missing(whole_text),
        "money_missing": float(asks_money(query.text) and not names_money(best.text)),
        "fits": fits_kind(best.text, query.text, kind),
        "valued": float(kind in (Kind.WHEN, Kind.HOW_MANY)),
        "near": near.mean,
        "near_lowest": near.lowest,
        "length": math.log1p(len(content_terms(query.text))),
        "agreement": float(best.passage.row == first.row),
        "dense_agrees": float(max(passages, key=lambda one: one.dense).row == first.row),
        "words_agree": float(max(passages, key=lambda one: one.words).row == first.row),
        "logit": logits[0],
        "logit_gap": logits[0] - logits[1] if len(logits) > 1 else 0.0,
        "crossing": float(language != query.language),
        "open_kind": float(kind in (Kind.WHY, Kind.HOW, Kind.OTHER, Kind.DEFINITION)),
    }
