"""Formulas, one small pure function each, with its source. Ranks count from 1; rank 0 means "not found"."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def _require(values: Sequence[object], name: str) -> None:
    if not values:
        raise ValueError(f"{name} of nothing is undefined; expected at least one value")


def share(values: Sequence[bool]) -> float:
    """Share of true values, 0 to 1: accuracy, hit rate, refusal rate.

    Raises:
        ValueError: If there are no values.
    """
    _require(values, "share")
    return sum(values) / len(values)


def recall_at_k(ranks: Sequence[int], *, k: int) -> float:
    """Share of questions whose first gold passage is among the first k, 0 to 1.

    Success@k, which is recall@k where any one gold passage is enough (Manning et al., IIR 2008, 8.4).

    Args:
        ranks: Rank of the first gold passage of each question, from 1; 0 where none was found.
        k: How many passages count, at least 1.

    Raises:
        ValueError: If there are no questions or k is below 1.
    """
    _require(ranks, "recall@k")
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1")
    return sum(1 <= rank <= k for rank in ranks) / len(ranks)


def mrr(ranks: Sequence[int], *, k: int) -> float:
    """Mean reciprocal rank of the first gold passage, cut off after k, 0 to 1 (Voorhees, TREC-8 QA, 1999).

    Args:
        ranks: As for `recall_at_k`.
        k: A rank beyond it counts 0.

    Raises:
        ValueError: If there are no questions.
    """
    _require(ranks, "MRR")
    return sum(1.0 / rank for rank in ranks if 1 <= rank <= k) / len(ranks)


def citation_precision(right: Sequence[int], given: Sequence[int]) -> float:
    """Share of all given citations that lie in a gold passage, pooled over answers, 0 to 1.

    Citation precision of ALCE (Gao et al., EMNLP 2023), with gold passages in the place of an entailment model.

    Args:
        right: Citations in a gold passage, per answer.
        given: Citations, per answer, the same order.

    Raises:
        ValueError: If lengths differ, or no citation was given.
    """
    if len(right) != len(given):
        raise ValueError(f"{len(right)} counts of right citations for {len(given)} answers; expected as many")
    if sum(given) == 0:
        raise ValueError("citation precision of no citations is undefined; expected at least one")
    return sum(right) / sum(given)


def outcome_accuracy(expected: Sequence[str], got: Sequence[str]) -> float:
    """Share of questions with exactly the expected outcome, 0 to 1.

    Raises:
        ValueError: If there are no questions or lengths differ.
    """
    return share([one == two for one, two in zip(expected, got, strict=True)])


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a positive's score exceeds a negative's, ties counting half, 0 to 1.

    The Mann-Whitney statistic divided by the number of pairs (Hanley & McNeil, Radiology 1982).

    Raises:
        ValueError: If either side is empty.
    """
    _require(positive, "AUROC")
    _require(negative, "AUROC")
    ordered = np.sort(np.asarray(negative, dtype=np.float64))
    scores = np.asarray(positive, dtype=np.float64)
    below = np.searchsorted(ordered, scores, side="left")
    not_above = np.searchsorted(ordered, scores, side="right")
    return float((below + not_above).sum() / 2 / (len(scores) * len(ordered)))


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile (0 to 100) by linear interpolation (Hyndman & Fan 1996, type 7).

    Raises:
        ValueError: If there are no values.
    """
    _require(values, "percentile")
    return float(np.percentile(np.asarray(values, dtype=np.float64), q))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share of `hits` in `n`, low and high, 0 to 1 (Wilson, JASA 1927).

    Raises:
        ValueError: If n is below 1 or hits lies outside 0 to n.
    """
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}; expected 0 to n hits and n of at least 1")
    z = 1.959963984540054
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact p-value that gains and losses are equally likely, 0 to 1 (McNemar 1947, binomial form).

    Args:
        gained: Questions right only in the second run.
        lost: Questions right only in the first run.

    Raises:
        ValueError: If a count is negative.
    """
    if gained < 0 or lost < 0:
        raise ValueError(f"{gained} gained and {lost} lost; expected counts of at least 0")
    n = gained + lost
    tail = sum(math.comb(n, i) for i in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / (1 << n))


def paired_bootstrap(first: Sequence[float], second: Sequence[float], *, draws: int = 2000) -> tuple[float, float]:
    """The 95 % percentile interval of mean(second) - mean(first) over questions drawn with replacement.

    Questions are drawn in pairs, with a fixed seed (Efron & Tibshirani 1993; Koehn, EMNLP 2004, for paired systems).

    Args:
        first: One score a question.
        second: The other run's scores, the same order.
        draws: Resamples.

    Raises:
        ValueError: If there are no questions or lengths differ.
    """
    _require(first, "bootstrap")
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} scores; expected pairs")
    deltas = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    rng = np.random.default_rng(0)
    means = [float(deltas[rng.integers(0, len(deltas), len(deltas))].mean()) for _ in range(draws)]
    return percentile(means, 2.5), percentile(means, 97.5)
