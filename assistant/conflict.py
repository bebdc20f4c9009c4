"""Do the sources disagree? Finds evidence that gives different values for the same thing, or says that sources do."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.confidence import are_kin
from assistant.evidence import Evidence
from assistant.understand import Kind, says_sources_differ
from assistant.values import Quantity, days, magnitudes, quantities, years

_REACH = 0.5
_LOGIT_REACH = 2.0
_HELD = 0.5
_SHOWN = 3
_LOOKED_AT = 8


def _comparable(left: Quantity, right: Quantity) -> bool:
    return bool(left.unit) and left.unit == right.unit


def _values_differ(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences count the same unit, for the same years, with no value in common."""
    here, there = years(one.text), years(other.text)
    return not (here and there and here != there) and _values_apart(one, other)


def _values_apart(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences count the same unit with no value in common."""
    left, right = quantities(one.text), quantities(other.text)
    pairs = [(a, b) for a in left for b in right if _comparable(a, b)]
    return bool(pairs) and all(abs(a.value - b.value) > 0.005 * max(a.value, b.value) for a, b in pairs)


def _days_differ(one: Evidence, other: Evidence) -> bool:
    """Whether both sentences name days of the same year, or of none, and no day in common."""
    here, there = years(one.text), years(other.text)
    if here and there and here != there:
        return False
    left, right = days(one.text), days(other.text)
    return bool(left and right and not left & right)


_DIFFER = {Kind.HOW_MANY: _values_differ, Kind.WHEN: _days_differ}


def _amounts(text: str) -> frozenset[float]:
    """The values that a text gives, years left out."""
    return magnitudes(text) - frozenset(float(year) for year in years(text))


def find_conflict(evidence: Sequence[Evidence], kind: Kind) -> list[Evidence]:
    """The sentences that disagree, best first; empty where sources agree or nothing is comparable.

    A sentence that itself says that sources differ comes first, with those that give its values, or others of the same
    unit, beside it; alone it must give both values. Otherwise
    two sentences of unrelated documents must both answer the question, as far as words and scorer tell, and give
    different values of one unit for the same year, or, to a question for a time, different days of the same year.
    """
    prose = [one for one in evidence if one.span.kind != "heading"]
    if not prose:
        return []
    best = prose[0]
    near = [
        one
        for one in prose[:_LOOKED_AT]
        if one.score >= best.score - _REACH
        and one.overlap >= _HELD * best.overlap
        and one.logit >= best.logit - _LOGIT_REACH
        and one.passage.chunk.language == best.passage.chunk.language
    ]
    said = [one for one in near[:4] if says_sources_differ(one.text)]
    if said:
        told = _amounts(said[0].text)
        others = [
            one
            for one in prose[:_LOOKED_AT]
            if one not in said
            and one.overlap >= _HELD * best.overlap
            and one.passage.chunk.language == best.passage.chunk.language
            and (told & _amounts(one.text) or _values_apart(said[0], one))
        ]
        if others or len(told) > 1:
            return [*said[:1], *others[: _SHOWN - 1]]
    differ = _DIFFER.get(kind)
    if differ is None:
        return []
    rivals = [one for one in near[1:] if not are_kin(one.passage, best.passage) and differ(best, one)]
    return [best, rivals[0]] if rivals else []
