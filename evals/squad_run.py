"""Asks a SQuAD file's questions of an assistant over its paragraphs, and sums up ranks, evidence and refusals."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from assistant.types import Filters, Question
from evals.figures import stage_figures
from evals.match import squash
from evals.metrics import auroc, mrr, percentile, recall_at_k, share
from evals.ports import Traced, TracedPassage, TracedSentence, Tracer
from evals.squad import Squad, SquadQuestion
from evals.squad_corpus import document_id
from evals.suite import GIVEN


@dataclass(frozen=True, slots=True)
class SquadResult:
    """What came of one question.

    Attributes:
        id, question: Of the file.
        rank: Rank from 1 of the question's paragraph among the ranked paragraphs; 0 for none.
        evidence_rank: Fewest evidence sentences that together hold an answer; 0 where all of them do not.
        confidence: With the paragraph in the index, 0 to 1.
        confidence_without: With the paragraph taken out; None where that was not asked.
        outcome: What came of it.
        refused: Whether no answer would be given.
        ms: Milliseconds of the question, wall clock.
        timings_ms: Milliseconds by stage.
    """

    id: str
    question: str
    rank: int
    evidence_rank: int
    confidence: float
    confidence_without: float | None
    outcome: str
    refused: bool
    ms: float
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, float]:
        """The question's own part of each figure, by the figure's name."""
        return {
            **{f"recall@{k}": float(1 <= self.rank <= k) for k in (1, 5)},
            "mrr@10": 1 / self.rank if 1 <= self.rank <= 10 else 0.0,
            **{f"evidence@{k}": float(1 <= self.evidence_rank <= k) for k in (1, 2, 3, 5)},
            "refused": float(self.refused),
        }


@dataclass(frozen=True, slots=True)
class Target:
    """A question with what is right for it.

    Attributes:
        asked: The question.
        gold: Document ids of its paragraph, in each language that is indexed.
        answers: Accepted answer spans in any of those languages.
    """

    asked: SquadQuestion
    gold: tuple[str, ...]
    answers: tuple[str, ...]


def targets(files: Sequence[Squad], asked: Sequence[SquadQuestion]) -> tuple[Target, ...]:
    """Each question with its paragraph in every indexed file that has its id.

    Args:
        files: What is indexed; the questions belong to the first, the others are its translations.
        asked: Questions of the first file.
    """
    found = [{one.id: one for one in file.questions} for file in files]
    result = []
    for question in asked:
        twins = [(number, by_id[question.id]) for number, by_id in enumerate(found) if question.id in by_id]
        gold = tuple(document_id(number, twin.paragraph) for number, twin in twins)
        answers = tuple(dict.fromkeys(answer for _, twin in twins for answer in twin.answers))
        result.append(Target(question, gold, answers))
    return tuple(result)


def ask_all(
    tracer: Tracer, asked: Sequence[Target], *, near_miss: bool, tick: Callable[[], None] = lambda: None
) -> tuple[SquadResult, ...]:
    """Ask every question; with `near_miss` once more with its paragraph excluded before ranking."""
    results = []
    for target in asked:
        results.append(_ask(tracer, target, near_miss=near_miss))
        tick()
    return tuple(results)


def _ask(tracer: Tracer, target: Target, *, near_miss: bool) -> SquadResult:
    """One question, in and out."""
    text = target.asked.text
    started = time.perf_counter()
    trace: Traced = tracer.trace(Question(text))
    ms = (time.perf_counter() - started) * 1000
    without = None
    if near_miss:
        without = tracer.trace(Question(text, filters=Filters(exclude=target.gold))).confidence
    return SquadResult(
        id=target.asked.id,
        question=text,
        rank=paragraph_rank(trace.passages, target.gold),
        evidence_rank=evidence_rank(trace.evidence, target.answers),
        confidence=trace.confidence,
        confidence_without=without,
        outcome=trace.outcome.value,
        refused=trace.outcome not in GIVEN,
        ms=ms,
        timings_ms=dict(trace.timings_ms),
    )


def paragraph_rank(passages: Sequence[TracedPassage], gold: Sequence[str]) -> int:
    """Rank from 1 of the first gold paragraph; a paragraph stands where its best chunk does, 0 for not retrieved."""
    ranked = list(dict.fromkeys(passage.chunk.document_id for passage in passages))
    return next((rank for rank, name in enumerate(ranked, start=1) if name in gold), 0)


def evidence_rank(evidence: Sequence[TracedSentence], answers: Sequence[str]) -> int:
    """Fewest first sentences that, put together, hold an answer; whitespace, case and width count for nothing."""
    wanted = [squash(answer) for answer in answers]
    text = ""
    for count, sentence in enumerate(evidence, start=1):
        text += squash(sentence.text)
        if any(answer and answer in text for answer in wanted):
            return count
    return 0


def squad_figures(results: Sequence[SquadResult]) -> dict[str, float | int | None]:
    """The figures by the names of the JSON output, in its order; `near_miss_auroc` is None where not measured.

    Raises:
        ValueError: If there are no results.
    """
    ranks = [one.rank for one in results]
    evidence = [one.evidence_rank for one in results]
    without = [one.confidence_without for one in results if one.confidence_without is not None]
    return {
        "n": len(results),
        "recall@1": recall_at_k(ranks, k=1),
        "recall@5": recall_at_k(ranks, k=5),
        "mrr@10": mrr(ranks, k=10),
        **{f"evidence@{k}": recall_at_k(evidence, k=k) for k in (1, 2, 3, 5)},
        "near_miss_auroc": auroc([one.confidence for one in results], without) if without else None,
        "refused": share([one.refused for one in results]),
        "ms_p50": percentile([one.ms for one in results], 50),
        "ms_p95": percentile([one.ms for one in results], 95),
    }


def squad_stages(results: Sequence[SquadResult]) -> Mapping[str, Mapping[str, float]]:
    """p50 and p95 of each stage in milliseconds."""
    return stage_figures([one.timings_ms for one in results])
