"""Do the sources disagree? Finds evidence that gives different values for the same thing, or says that sources do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.confidence import are_kin
from assistant.evidence import Evidence
from assistant.overlap import Overlap
from assistant.understand import Kind, asks_latest, asks_one_source, says_sources_differ
from assistant.values import Quantity, days, magnitudes, moments, quantities, years, years_counted
from index.language import fold

_REACH = 0.5
_LOGIT_REACH = 2.0
_REMARK_REACH = 3.0
_NAMING_REACH = 6.0  # for a remark that names what is asked for as well as the best sentence does
_NAMES = 0.9
_HELD = 0.5
_SHOWN = 3
_LOOKED_AT = 8
_QUOTED = re.compile(r"[“「『‘]([^”」』’]{1,20})[”」』’]|\"(?=\S)([^\"]{1,20})(?<=\S)\"")
_LABEL = re.compile(  # numbers that name a thing and count nothing
    r"\b(?:lines?|phases?|stages?|articles?|no\.?|numbers?|sections?|chapters?|pages?) \d+|第\d+|\d+号|\b\d+[a-z]\b",
    re.IGNORECASE,
)


def _comparable(left: Quantity, right: Quantity) -> bool:
    return bool(left.unit) and left.unit == right.unit


def _of_one_time(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences speak of the same years, or one of them of none; the year of a source is none of these."""
    here, there = years_counted(one.text), years_counted(other.text)
    return not here or not there or here == there


def _values_differ(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences count the same unit, for the same years, with no value in common."""
    return _of_one_time(one, other) and _values_apart(one, other)


def _values_apart(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences count the same unit with no value in common."""
    left, right = quantities(one.text), quantities(other.text)
    pairs = [(a, b) for a in left for b in right if _comparable(a, b)]
    return bool(pairs) and all(abs(a.value - b.value) > 0.005 * max(a.value, b.value) for a, b in pairs)


def _days_differ(one: Evidence, other: Evidence) -> bool:
    """Whether both sentences name days of the same year, or of none, and no day in common."""
    if not _of_one_time(one, other):
        return False
    left, right = days(one.text), days(other.text)
    return bool(left and right and not left & right)


_DIFFER = {Kind.HOW_MANY: _values_differ, Kind.WHEN: _days_differ}


def _amounts(text: str) -> frozenset[float]:
    """The values that a text gives, years and the numbers of lines, phases and the like left out."""
    plain = _LABEL.sub(" ", fold(text))
    return magnitudes(plain) - frozenset(float(year) for year in years(plain))


def _quoted(text: str) -> frozenset[str]:
    """The words that a text puts in quotation marks, without the comma that American English puts inside."""
    return frozenset((curly or straight).strip(" ,.，。") for curly, straight in _QUOTED.findall(text))


def _told(text: str) -> frozenset[float | str]:
    """The amounts and the quoted words of a text: what two sentences about one matter share."""
    return _amounts(text) | _quoted(text)


def _gives_two(text: str) -> bool:
    return len(_amounts(text)) > 1 or len(_quoted(text)) > 1


def _remark(best: Evidence, prose: Sequence[Evidence]) -> Evidence | None:
    """A sentence of the same document that says that sources differ over what the best sentence says.

    It shares an amount or a quoted word with that sentence, gives two, and comes near to answering.
    """
    said = _told(best.text)
    return next(
        (
            one
            for one in prose
            if one.passage.document.id == best.passage.document.id
            and says_sources_differ(one.text)
            and one.logit >= best.logit - (_NAMING_REACH if one.overlap >= _NAMES * best.overlap else _REMARK_REACH)
            and said & _told(one.text)
            and _gives_two(one.text)
        ),
        None,
    )


def _said(remarks: Sequence[Evidence], best: Evidence, prose: Sequence[Evidence]) -> list[Evidence]:
    """The first of the sentences that say that sources differ and what gives its values; empty where no value is."""
    if not remarks:
        return []
    told = _amounts(remarks[0].text)
    others = [
        one
        for one in prose[:_LOOKED_AT]
        if one not in remarks
        and one.overlap >= _HELD * best.overlap
        and one.passage.chunk.language == best.passage.chunk.language
        and (told & _amounts(one.text) or _values_apart(remarks[0], one))
    ]
    return [remarks[0], *others[: _SHOWN - 1]] if others or len(told) > 1 else []


def find_conflict(evidence: Sequence[Evidence], kind: Kind) -> list[Evidence]:
    """The sentences that disagree, best first; empty where sources agree or nothing is comparable.

    A sentence that itself says that sources differ comes first, with those that give its values, or others of the same
    unit, beside it; alone it must give both values. A remark of the same document that sources differ, over an amount
    or a quoted word that the best sentence gives, follows that sentence. Otherwise two sentences of unrelated documents
    must both answer the question, as far as words and scorer tell, and give different values of one unit for the same
    year, or, to a question for a time, different days of the same year.
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
    said = _said([one for one in near[:4] if says_sources_differ(one.text)], best, prose)
    if said:
        return said
    remark = _remark(best, prose)
    if remark is not None:
        return [best, remark] if remark is not best else [best]
    differ = _DIFFER.get(kind)
    if differ is None:
        return []
    rivals = [one for one in near[1:] if not are_kin(one.passage, best.passage) and differ(best, one)]
    return [best, rivals[0]] if rivals else []


def _newest(one: Evidence) -> tuple[float, str]:
    """The newest time that a sentence names, and its document's date: what holds now is what was said last."""
    return max(moments(one.text), default=0.0), one.passage.document.published


def _named(one: Evidence, overlap: Overlap) -> float:
    """Share of the question's weight that a sentence holds with its document's title and issuer, 0 to 1."""
    document = one.passage.document
    return overlap.coverage(f"{document.title} {document.issuer} {one.text}", one.passage.chunk.language).share


def settle(rivals: Sequence[Evidence], question: str, overlap: Overlap) -> Evidence | None:
    """The one of sources that differ that the question asks for: the newest, or the one that it names.

    None where it asks for neither, or none stands out. A remark that sources differ is not chosen beside others, but
    beside a single one it may tell the newer value.
    """
    plain = [one for one in rivals if not says_sources_differ(one.text)] or list(rivals)
    if asks_latest(question):
        ordered = sorted(plain if len(plain) > 1 else rivals, key=_newest, reverse=True)
        return ordered[0] if len(ordered) > 1 and _newest(ordered[0]) > _newest(ordered[1]) else None
    if not asks_one_source(question):
        return None
    shares = [_named(one, overlap) for one in plain]
    return plain[shares.index(max(shares))] if shares.count(max(shares)) == 1 else None
