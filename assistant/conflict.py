"""Do the sources disagree? Finds evidence that gives different values for the same thing, or says that sources do."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.confidence import are_kin
from assistant.evidence import Evidence
from assistant.understand import Kind, says_sources_differ
from assistant.values import Quantity, magnitudes, quantities, years

_REACH = 0.5
_HELD = 0.5
_SHOWN = 3


def _comparable(left: Quantity, right: Quantity) -> bool:
    return bool(left.unit) and left.unit == right.unit


def _values_differ(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences count the same unit, for the same years, with no value in common."""
    here, there = years(one.text), years(other.text)
    if here and there and here != there:
        return False
    left, right = quantities(one.text), quantities(other.text)
    pairs = [(a, b) for a in left for b in right if _comparable(a, b)]
    return bool(pairs) and all(abs(a.value - b.value) > 0.005 * max(a.value, b.value) for a, b in pairs)


def _amounts(text: str) -> frozenset[float]:
    """The values that a text gives, years left out."""
    return magnitudes(text) - frozenset(float(year) for year in years(text))


def find_conflict(evidence: Sequence[Evidence], kind: Kind) -> list[Evidence]:
    """The sentences that disagree, best first; empty where sources agree or nothing is comparable.

    A sentence that itself says that sources differ comes first, with those that give its values beside it. Otherwise
    two sentences of unrelated documents must both hold most of the question and give different values of one unit for
    the same year.
    """
    prose = [one for one in evidence if one.span.kind != "heading"]
    if not prose:
        return []
    best = prose[0]
    near = [
        one
        for one in prose[:8]
        if one.score >= best.score - _REACH
        and one.overlap >= _HELD * best.overlap
        and one.passage.chunk.language == best.passage.chunk.language
    ]
    said = [one for one in near[:4] if says_sources_differ(one.text)]
    if said:
        told = _amounts(said[0].text)
        others = [one for one in near if one not in said and told & _amounts(one.text)]
        return [*said[:1], *others[: _SHOWN - 1]]
    if kind not in (Kind.HOW_MANY, Kind.WHEN):
        return []
    rivals = [one for one in near[1:] if not are_kin(one.passage, best.passage) and _values_differ(best, one)]
    return [best, rivals[0]] if rivals else []
