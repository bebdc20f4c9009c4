"""The writer without a model: chooses the fewest evidence sentences that answer and quotes them verbatim.

A list that answers keeps its lead-in and all its items and is cited as one, a sentence that starts with a pronoun keeps
the one before it, and the same fact in a translation becomes a second citation instead of a second sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.evidence import Evidence
from assistant.overlap import Overlap
from assistant.retrieve import Passage
from assistant.twins import Twins
from assistant.understand import Kind
from assistant.values import magnitudes
from index.language import tokenise
from index.types import Chunk, Language, SentenceSpan, Span

_PRONOUN_START = re.compile(
    r"^(?:it|its|they|their|he|she|his|her|both|such|the latter|the former)\b"
    r"|^(?:this|that|these|those) (?:is|are|was|were|has|have|had|means?|includes?|will|would|covers?|comes?)\b"
    r"|^(?:它|他|她|其(?!他|中|次|余)|该|此(?!外|前|后|次)|上述|前者|后者|两者|这(?:是|意味|使|也|一))",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?。！？][)）”\"'’]*\s*$")
_LEADS_IN = re.compile(r"[:：][)）”\"'’]*\s*$")
_SEPARATOR = re.compile(r"[,，](?!\d{3}(?!\d))|[;；、和]|\band\b")
_ONE_OF_A_LIST = frozenset({Kind.WHEN, Kind.HOW_MANY})  # one value answers; other kinds can ask for all that are listed
_MARGIN = 0.3
_LOGIT_MARGIN = 1.0
_GAIN = 0.3
_SAME_LANGUAGE = 0.75
_CONSIDERED = 16
_ALSO = 2
_SHORT_ITEM = 60  # characters; a longer item says what it is about itself
_SHORT_LIST = 12  # items; a longer list is shown whole only to a question for a list
_NAMED_GAIN = 0.1
_ENUMERATED = 2  # separators


@dataclass(frozen=True, slots=True)
class Place:
    """Words of a page.

    Attributes:
        passage: The passage that they are taken from.
        start, end: Their span in the page's text.
    """

    passage: Passage
    start: int
    end: int

    @property
    def text(self) -> str:
        """The exact words."""
        return _text(self.passage.chunk, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Quote(Place):
    """One sentence to show and what is cited for it.

    Attributes:
        within: The longer span that is cited: a whole list, or a sentence and the one before that it refers to; None
            where the sentence is cited alone.
        also: Other places that say the same, for further citations.
    """

    within: Span | None = None
    also: tuple[Place, ...] = ()

    @property
    def cited(self) -> Place:
        """What the quote's own citation opens."""
        span = self.within or Span(self.start, self.end)
        return Place(self.passage, span.start, span.end)


def _text(chunk: Chunk, start: int, end: int) -> str:
    return chunk.text[start - chunk.start : end - chunk.start]


def _similarity(left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard similarity of two sets of terms; 0 where both are empty."""
    union = left | right
    return len(left & right) / len(union) if union else 0.0


def says_the_same(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences of one language state one fact in nearly the same words and the same figures."""
    if one.passage.chunk.language != other.passage.chunk.language:
        return False
    same = _similarity(frozenset(tokenise(one.text)), frozenset(tokenise(other.text)))
    return same >= _SAME_LANGUAGE and magnitudes(one.text) == magnitudes(other.text)


def _fact(best: Evidence, prose: Sequence[Evidence], language: Language, twins: Twins) -> list[Evidence]:
    """A sentence and the other places of its fact, one a document; the reader's language leads."""
    twin = twins.of(best)
    stated = [best] if twin is None else [best, twin]
    group = [*stated, *(one for one in prose if any(says_the_same(said, one) for said in stated))]
    group.sort(key=lambda one: one.passage.chunk.language != language)
    places = {group[0].passage.document.id: group[0]}
    for one in group[1:]:
        places.setdefault(one.passage.document.id, one)
    return list(places.values())[: _ALSO + 1]


def _list_of(chunk: Chunk, item: SentenceSpan) -> list[SentenceSpan]:
    """All items of the list that a sentence belongs to or leads in, in order; empty where there is none.

    What stands between items that share a lead-in, as a table under the same heading, ends the list.
    """
    lead = item.lead if item.lead is not None else Span(item.start, item.end)
    listed: list[SentenceSpan] = []
    for one in chunk.sentences:
        if one.kind == "list_item" and one.lead == lead:
            listed.append(one)
        elif listed and item.lead is not None and item not in listed:
            listed = []
        elif listed:
            break
    return listed


def _stand_alone(chunk: Chunk, items: Sequence[SentenceSpan]) -> bool:
    """Whether the items of a list are sentences of their own, which need no lead-in: all end with a full stop."""
    return all(_SENTENCE_END.search(_text(chunk, item.start, item.end)) for item in items)


def _is_prose(chunk: Chunk, span: Span) -> bool:
    """Whether a span is in the chunk and no heading: a heading above a list is shown as the section, not quoted."""
    return any(one.start == span.start and one.kind != "heading" for one in chunk.sentences)


def _antecedent(chunk: Chunk, number: int) -> SentenceSpan | None:
    """The sentence before one that starts with a pronoun."""
    if not number:
        return None
    before = chunk.sentences[number - 1]
    return before if before.kind != "heading" else None


def _asks_for_all(one: Evidence, items: Sequence[SentenceSpan], kind: Kind, overlap: Overlap) -> bool:
    """Whether the list that a sentence stands in, or leads in, answers rather than the sentence alone.

    A lead-in answers with its items where it ends in a colon or a list is asked for. An item brings the others where a
    list is asked for, unless both the line above and the item are full sentences and the item enumerates something
    itself. To another question it does where it is a bare term of a short list that the question does not name: then
    nothing tells it from the others.
    """
    chunk, lead = one.passage.chunk, one.span.lead
    if lead is None:
        return kind is Kind.LIST or bool(_LEADS_IN.search(one.text))
    above = _text(chunk, lead.start, lead.end) if _is_prose(chunk, lead) else ""
    alone = _stand_alone(chunk, items)
    if kind is Kind.LIST:
        return not alone or bool(_LEADS_IN.search(above)) or len(_SEPARATOR.findall(one.text)) < _ENUMERATED
    if not above or alone or kind in _ONE_OF_A_LIST or len(one.text) >= _SHORT_ITEM or len(items) > _SHORT_LIST:
        return False
    told = overlap.coverage(above, chunk.language).share
    return overlap.coverage(f"{above} {one.text}", chunk.language).share - told < _NAMED_GAIN


def _list_span(chunk: Chunk, items: Sequence[SentenceSpan]) -> Span:
    """A list from its lead-in, where that is prose of the same chunk, to its last item."""
    lead = items[0].lead
    first = lead if lead is not None and _is_prose(chunk, lead) else items[0]
    return Span(first.start, items[-1].end)


def _whole_place(one: Evidence) -> Place:
    """The whole list that a sentence belongs to; the sentence alone where there is none."""
    items = _list_of(one.passage.chunk, one.span)
    span = _list_span(one.passage.chunk, items) if items else one.span
    return Place(one.passage, span.start, span.end)


def _whole_list(one: Evidence, items: Sequence[SentenceSpan], also: Sequence[Evidence]) -> list[Quote]:
    """A list's lead-in and all its items, cited as one; translations are cited with their whole list too."""
    chunk = one.passage.chunk
    whole = _list_span(chunk, items)
    spans = [] if whole.start == items[0].start else [items[0].lead or whole]
    spans += [Span(item.start, item.end) for item in items]
    others = tuple(_whole_place(other) for other in also)
    return [Quote(one.passage, span.start, span.end, within=whole, also=others) for span in spans]


def _expand(one: Evidence, also: Sequence[Evidence], kind: Kind, overlap: Overlap) -> list[Quote]:
    """The sentence with what it needs to be understood, in reading order."""
    chunk = one.passage.chunk
    items = _list_of(chunk, one.span)
    if items and _asks_for_all(one, items, kind, overlap):
        return _whole_list(one, items, also)
    places = tuple(Place(other.passage, other.span.start, other.span.end) for other in also)
    own = Quote(one.passage, one.span.start, one.span.end, also=places)
    before = _antecedent(chunk, one.number) if _PRONOUN_START.match(one.text) else None
    if before is not None:
        both = Span(before.start, one.span.end)
        return [Quote(one.passage, before.start, before.end, within=both), replace(own, within=both)]
    lead = one.span.lead
    short = one.span.kind == "list_item" and len(one.text) < _SHORT_ITEM and not _stand_alone(chunk, items)
    if short and lead is not None and _is_prose(chunk, lead):
        return [Quote(one.passage, lead.start, lead.end), own]
    return [own]


def write(
    evidence: Sequence[Evidence], kind: Kind, language: Language, *, overlap: Overlap, twins: Twins, max_sentences: int
) -> list[Quote]:
    """The quotes that answer, best fact first, each span once.

    The best sentence always; a further one only while it scores within reach of the best and adds terms of the
    question that are not yet covered. A list keeps all its items and so may pass max_sentences.
    """
    prose = [one for one in evidence[:_CONSIDERED] if one.span.kind != "heading"]
    if not prose:
        return []
    best = prose[0]
    lead, *also = _fact(best, prose, language, twins)
    quotes = _expand(lead, also, kind, overlap)
    told = [best, lead, *also]
    shown = best.text
    for one in prose[1:]:
        if len(quotes) >= max_sentences or one.score < best.score - _MARGIN:
            break
        foreign = one.passage.chunk.language != best.passage.chunk.language
        if foreign or one.logit < best.logit - _LOGIT_MARGIN or any(says_the_same(said, one) for said in told):
            continue
        gain = overlap.coverage(f"{shown} {one.text}", best.passage.chunk.language).share
        if gain - overlap.coverage(shown, best.passage.chunk.language).share >= _GAIN:
            first, *others = _fact(one, prose, language, twins)
            quotes += _expand(first, others, kind, overlap)
            told += [one, first, *others]
            shown = f"{shown} {one.text}"
    return _each_span_once(quotes)


def _each_span_once(quotes: Sequence[Quote]) -> list[Quote]:
    """The quotes in order, of two of the same span the one of a longer quote, else that with further citations."""
    kept: dict[tuple[str, int, int], Quote] = {}
    for quote in quotes:
        place = (quote.passage.chunk.document_id, quote.passage.chunk.page, quote.start)
        if place not in kept or (quote.also and kept[place].within is None):
            kept[place] = quote
    return list(kept.values())
