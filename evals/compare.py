"""Two runs of the same questions: by how much each figure differs, how surely, and which questions changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.metrics import mcnemar, paired_bootstrap
from evals.saved import SavedResult, SavedRun
from index.errors import PilotError


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure in both runs, over the questions that define it in both.

    Attributes:
        name: Name of the figure.
        n: Questions.
        first, second: Its mean in each run.
        low, high: 95 % interval of second - first, by paired bootstrap.
        up, down: Questions that score 1 only in the second run, only in the first; 0 for a score that is not 0 or 1.
        p: McNemar's exact p-value; None for a score that is not 0 or 1.
    """

    name: str
    n: int
    first: float
    second: float
    low: float
    high: float
    up: int
    down: int
    p: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """One question whose score differs.

    Attributes:
        id, question: Of the question.
        first, second: Outcome in each run.
        up: Figures that rose, by name (a rise of `refused` is for the worse).
        down: Figures that fell.
    """

    id: str
    question: str
    first: str
    second: str
    up: tuple[str, ...]
    down: tuple[str, ...]


def compare(first: SavedRun, second: SavedRun) -> tuple[tuple[Difference, ...], tuple[Change, ...]]:
    """Differences by figure, and the questions that changed, both in the first run's order.

    Raises:
        PilotError: If the runs have no question in common.
    """
    later = {result.id: result for result in second.results}
    pairs = [(result, later[result.id]) for result in first.results if result.id in later]
    if not pairs:
        raise PilotError(f"{first.name} and {second.name} have no question in common; compare two runs of one suite")
    names = dict.fromkeys(name for one, two in pairs for name in one.scores if name in two.scores)
    differences = tuple(_difference(name, pairs) for name in names)
    changes = tuple(change for one, two in pairs if (change := _change(one, two)) is not None)
    return differences, changes


def _difference(name: str, pairs: Sequence[tuple[SavedResult, SavedResult]]) -> Difference:
    scored = [(one.scores[name], two.scores[name]) for one, two in pairs if name in one.scores and name in two.scores]
    first, second = [one for one, _ in scored], [two for _, two in scored]
    low, high = paired_bootstrap(first, second)
    binary = all(score in (0.0, 1.0) for pair in scored for score in pair)
    up = sum(two > one for one, two in scored) if binary else 0
    down = sum(two < one for one, two in scored) if binary else 0
    return Difference(
        name=name,
        n=len(scored),
        first=sum(first) / len(first),
        second=sum(second) / len(second),
        low=low,
        high=high,
        up=up,
        down=down,
        p=mcnemar(up, down) if binary else None,
    )


def _change(one: SavedResult, two: SavedResult) -> Change | None:
    shared = [name for name in one.scores if name in two.scores]
    up = tuple(name for name in shared if two.scores[name] > one.scores[name])
    down = tuple(name for name in shared if two.scores[name] < one.scores[name])
    if not up and not down and one.outcome == two.outcome:
        return None
    return Change(one.id, one.question, one.outcome, two.outcome, up=up, down=down)
