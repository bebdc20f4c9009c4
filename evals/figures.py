"""Figures of a suite run: each metric over the questions that it is defined for, with its 95 % interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.types import Outcome
from evals.metrics import auroc, citation_precision, mrr, outcome_accuracy, percentile, recall_at_k, share, wilson
from evals.run import Result

REFUSED_NEAR_MISS = frozenset(
    {Outcome.NOT_IN_DOCUMENTS, Outcome.OFF_TOPIC, Outcome.AMBIGUOUS, Outcome.PARTIAL, Outcome.BLOCKED}
)
"""Outcomes that keep a reader of a near-miss question from a wrong answer; a partial one names what has no evidence."""
REFUSED_OFF_TOPIC = frozenset(
    {Outcome.NOT_IN_DOCUMENTS, Outcome.OFF_TOPIC, Outcome.AMBIGUOUS, Outcome.SMALL_TALK, Outcome.BLOCKED}
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a report.

    Attributes:
        value: The figure; None where no question defines it.
        n: Questions (citations, for citation precision) that it is taken over.
        low, high: Wilson 95 % interval of a share; None for what is no share.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


Figures = dict[str, Figure]


def suite_figures(results: Sequence[Result]) -> Figures:
    """Every figure over these results, in the report's order; a figure without questions has the value None.

    Raises:
        ValueError: If there are no results.
    """
    if not results:
        raise ValueError("figures of no results are undefined; expected at least one")
    answerable = [one for one in results if one.answerable]
    expecting = [one for one in answerable if one.given]
    near = [one.outcome in REFUSED_NEAR_MISS for one in results if one.kind == "near_miss"]
    off = [one.outcome in REFUSED_OFF_TOPIC for one in results if one.kind == "off_topic"]
    accuracy = outcome_accuracy([one.expected for one in results], [one.outcome for one in results])
    figures = {
        "outcome_accuracy": _rated(accuracy, len(results)),
        "correct": _shared([one.correct for one in results]),
        "expected_strings": _shared([not one.missing for one in answerable]),
        **_ranking([one.rank for one in results if one.rank is not None], "recall", (1, 3, 5, 10)),
        **_ranking([one.page_rank for one in results if one.page_rank is not None], "page_recall", (1, 5)),
        "citation_precision": _precision(results),
        "citation_recall": _shared([one.gold_cited for one in expecting]),
        "near_miss_refused": _shared(near),
        "off_topic_refused": _shared(off),
        "false_refusals": _shared([not one.given for one in answerable]),
        "confidence_auroc": _auroc(results),
        "ms_p50": Figure(percentile([one.ms for one in results], 50), len(results)),
        "ms_p95": Figure(percentile([one.ms for one in results], 95), len(results)),
    }
    return figures


def grouped(results: Sequence[Result], key: Callable[[Result], str]) -> dict[str, Figures]:
    """The figures of each group, groups in alphabetical order."""
    names = sorted({key(one) for one in results})
    return {name: suite_figures([one for one in results if key(one) == name]) for name in names}


def stage_figures(timings: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """p50 and p95 of each stage in milliseconds, over the questions that went through it; in order of appearance."""
    stages = list(dict.fromkeys(stage for timing in timings for stage in timing))
    table = {}
    for stage in stages:
        values = [timing[stage] for timing in timings if stage in timing]
        table[stage] = {"p50": percentile(values, 50), "p95": percentile(values, 95)}
    return table


def _rated(value: float, n: int) -> Figure:
    low, high = wilson(round(value * n), n)
    return Figure(value, n, low, high)


def _shared(values: Sequence[bool]) -> Figure:
    return _rated(share(values), len(values)) if values else Figure(None, 0)


def _ranking(ranks: Sequence[int], name: str, cuts: Sequence[int]) -> Figures:
    """Recall at each cut; for the passages themselves the reciprocal rank too."""
    n = len(ranks)
    figures = {f"{name}@{k}": _rated(recall_at_k(ranks, k=k), n) if ranks else Figure(None, 0) for k in cuts}
    if name == "recall":
        figures["mrr@10"] = Figure(mrr(ranks, k=10), n) if ranks else Figure(None, 0)
    return figures


def _precision(results: Sequence[Result]) -> Figure:
    given = [one for one in results if one.citations]
    if not given:
        return Figure(None, 0)
    value = citation_precision([one.citations_right for one in given], [one.citations for one in given])
    return _rated(value, sum(one.citations for one in given))


def _auroc(results: Sequence[Result]) -> Figure:
    """Of the confidence, between questions that the documents answer and near misses and off-topic ones."""
    yes = [one.confidence for one in results if one.answerable]
    no = [one.confidence for one in results if one.expected in (Outcome.NOT_IN_DOCUMENTS, Outcome.OFF_TOPIC)]
    return Figure(auroc(yes, no), len(yes) + len(no)) if yes and no else Figure(None, 0)
