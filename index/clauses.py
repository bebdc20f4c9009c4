"""Two states of a document -> which of its clauses are new, changed and gone.

A clause is one sentence, list item, table row or heading, with the section that it stands under.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from index.language import unwrap
from index.types import Chunk

_ALIKE = 0.5  # share of equal characters from which a clause counts as changed, not as gone and another one new
_COMPARED = 40  # clauses of one section that each gone one is compared with; bounds the work on rewritten sections


@dataclass(frozen=True)
class Clause:
    """One sentence, list item, table row or heading.

    Attributes:
        page: Physical page, from 1.
        section: Heading path; empty above the first heading.
        text: Its text on one line.
    """

    page: int
    section: str
    text: str


@dataclass(frozen=True)
class ClauseChange:
    """A clause as it is in the live generation and as it will be."""

    before: Clause
    after: Clause


@dataclass(frozen=True)
class ClauseDiff:
    """What happened to the clauses of one document, each group in reading order.

    Attributes:
        new: Clauses that were not there.
        changed: Clauses with another wording in the same section.
        gone: Clauses that will not be there.
        same: How many stay, wherever they stand.
    """

    new: tuple[Clause, ...] = ()
    changed: tuple[ClauseChange, ...] = ()
    gone: tuple[Clause, ...] = ()
    same: int = 0


def clauses_of(chunks: Iterable[Chunk]) -> Iterator[Clause]:
    """Clauses of chunks in their order; a chunk without sentences is one clause."""
    for chunk in chunks:
        spans = [(one.start - chunk.start, one.end - chunk.start) for one in chunk.sentences]
        for start, end in spans or [(0, len(chunk.text))]:
            yield Clause(chunk.page, chunk.section, unwrap(chunk.text[start:end]))


def diff_clauses(before: Sequence[Clause], after: Sequence[Clause]) -> ClauseDiff:
    """The difference of two states of a document; a clause that only moved is the same, repeats are counted."""
    gone = _without(before, after)
    new = _without(after, before)
    same = len(before) - len(gone)
    changed: list[ClauseChange] = []
    for clause in list(gone):
        counterpart = _counterpart(clause, new)
        if counterpart is not None:
            changed.append(ClauseChange(clause, counterpart))
            gone.remove(clause)
            new.remove(counterpart)
    return ClauseDiff(tuple(new), tuple(changed), tuple(gone), same)


def _without(clauses: Sequence[Clause], others: Iterable[Clause]) -> list[Clause]:
    """The clauses whose text the others do not have, or not so often."""
    left = Counter(other.text for other in others)
    kept: list[Clause] = []
    for clause in clauses:
        if left[clause.text] > 0:
            left[clause.text] -= 1
        else:
            kept.append(clause)
    return kept


def _counterpart(clause: Clause, candidates: Sequence[Clause]) -> Clause | None:
    """The candidate of the same section with the most alike wording, None where none is alike."""
    best: Clause | None = None
    most = _ALIKE
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(clause.text)
    near = [candidate for candidate in candidates if candidate.section == clause.section]
    for candidate in near[:_COMPARED]:
        matcher.set_seq1(candidate.text)
        if matcher.real_quick_ratio() >= most and matcher.quick_ratio() >= most and (ratio := matcher.ratio()) >= most:
            best, most = candidate, ratio
    return best
