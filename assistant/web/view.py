"""An answer as the page shows it: paragraphs and lists with their numbers, and one card per cited place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from assistant.types import Answer, Citation, Outcome, Sentence, shown_marks
from assistant.web.dates import spoken_date
from assistant.web.excerpts import Line, Piece, block_at, excerpt
from assistant.web.links import source_link
from assistant.web.protocols import PageSource
from assistant.web.texts import OutcomeWords, Words
from index.language import detect, unwrap, visible
from index.types import BlockKind, Language, Page, Span

_CARD_CHARS = 700
_KEEP_STEP = frozenset({Outcome.PARTIAL, Outcome.CONFLICTING, Outcome.OFF_TOPIC, Outcome.SMALL_TALK})
"""Outcomes whose step is shown besides the assistant's own message; the other messages say what to do next."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of the answer on one line, the citation numbers behind it, and the language of its words."""

    text: str
    numbers: tuple[int, ...]
    language: Language


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences shown together: a paragraph, or the items of a list."""

    is_list: bool
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """What one document says, where documents disagree."""

    title: str
    issuer: str
    published: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One cited place of one document.

    Attributes:
        numbers: The citations it carries.
        language: Of the quoted text.
        links: Address of the source view at each number's quote, in order of `numbers`.
        lines: The quotes in their surroundings.
        published: As people write it in the language of the question.
    """

    numbers: tuple[int, ...]
    title: str
    issuer: str
    published: str
    document_number: str
    page_label: str
    section: str
    superseded_by: str
    language: Language
    links: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """A document to look into: its title, and the address of its first page."""

    title: str
    link: str
    language: Language


@dataclass(frozen=True, slots=True)
class TurnView:
    """Everything that a turn of the conversation shows.

    Attributes:
        id: Unique on the page.
        done: Whether the answer is complete.
        said: Title, message and next step of the outcome.
        understood_as: Empty where it is the question itself.
        groups: The answer; empty where `sides` show it.
        sides: The answer by document, where documents disagree.
        documents: How many different documents are cited.
    """

    id: str
    done: bool
    outcome: Outcome
    question: str
    question_language: Language
    understood_as: str
    said: OutcomeWords
    groups: tuple[Group, ...]
    sides: tuple[Side, ...]
    cards: tuple[Card, ...]
    nearest: tuple[Near, ...]
    readings: tuple[str, ...]
    unanswered: tuple[str, ...]
    documents: int


def turn_view(answer: Answer, pages: PageSource, words: Words, *, turn_id: str, done: bool) -> TurnView:
    """The view of an answer; a page that cannot be read leaves the quote without surroundings."""
    held = _pages_of(answer, pages)
    said = words.outcomes[answer.outcome]
    if answer.message and answer.outcome is not Outcome.CONFLICTING:
        step = said.step if answer.outcome in _KEEP_STEP else ""
        said = replace(said, body=unwrap(visible(answer.message)), step=step)
    conflicting = answer.outcome is Outcome.CONFLICTING
    sides = _sides(answer, held, words) if conflicting else ()
    if conflicting and len(sides) < 2:
        said = replace(said, step="")
    question, understood = unwrap(visible(answer.question)), unwrap(visible(answer.understood_as))
    return TurnView(
        id=turn_id,
        done=done,
        outcome=answer.outcome,
        question=question,
        question_language=detect(question),
        understood_as=understood if understood != question else "",
        said=said,
        groups=() if conflicting else _groups(answer.sentences, answer, held),
        sides=sides,
        cards=_cards(answer, held, words),
        nearest=_nearest(answer, pages),
        readings=tuple(unwrap(visible(reading)) for reading in answer.readings),
        unanswered=tuple(unwrap(visible(part)) for part in answer.unanswered),
        documents=len({citation.document_id for citation in answer.citations}),
    )


_Held = dict[tuple[str, int], Page]


def _pages_of(answer: Answer, pages: PageSource) -> _Held:
    wanted = {(citation.document_id, citation.page) for citation in answer.citations}
    found = {key: pages.page(*key, generation=answer.generation) for key in sorted(wanted)}
    return {key: page for key, page in found.items() if page is not None}


def _kind(sentence: Sentence, citation: Citation | None, held: _Held) -> tuple[BlockKind, int]:
    """Kind and start of the block that a sentence stands in; a paragraph of its own where the page is not known."""
    if citation is None:
        return "paragraph", -1
    page = held.get((citation.document_id, citation.page))
    block = block_at(page, sentence.start if sentence.start >= 0 else citation.start) if page else None
    return (block.kind, block.start) if block else ("paragraph", -1 - citation.n)


def _groups(sentences: Sequence[Sentence], answer: Answer, held: _Held) -> tuple[Group, ...]:
    """Sentences of one block are one paragraph; neighbouring list items or table rows are one list."""
    by_number = {citation.n: citation for citation in answer.citations}

    def key(marked: tuple[Sentence, tuple[int, ...]]) -> tuple[bool, str, int]:
        """Whether it stands in a list, its document, and its block where it does not."""
        sentence = marked[0]
        first = by_number.get(sentence.citations[0]) if sentence.citations else None
        kind, start = _kind(sentence, first, held)
        is_list = kind in ("list_item", "table_row")
        return is_list, first.document_id if first else "", 0 if is_list else start

    groups = []
    for (is_list, _, _), members in groupby(zip(sentences, shown_marks(sentences), strict=True), key):
        claims = [_claim(sentence, numbers) for sentence, numbers in members]
        if is_list and len(claims) > 1:
            groups.append(Group(True, tuple(claims)))
        else:
            groups.append(Group(False, tuple(claims)))
    return tuple(groups)


def _claim(sentence: Sentence, numbers: tuple[int, ...]) -> Claim:
    text = unwrap(visible(sentence.text))
    return Claim(text, numbers, detect(text))


def _sides(answer: Answer, held: _Held, words: Words) -> tuple[Side, ...]:
    """The sentences by the document that each cites first, in order of first use."""
    by_number = {citation.n: citation for citation in answer.citations}
    by_document: dict[str, list[Sentence]] = {}
    heads: dict[str, Citation] = {}
    for sentence in answer.sentences:
        first = next((by_number[n] for n in sentence.citations if n in by_number), None)
        if first is not None:
            by_document.setdefault(first.document_id, []).append(sentence)
            heads.setdefault(first.document_id, first)
    return tuple(
        Side(
            unwrap(visible(heads[document].title)),
            unwrap(visible(heads[document].issuer)),
            spoken_date(heads[document].published, words),
            _groups(sentences, answer, held),
        )
        for document, sentences in by_document.items()
    )


def _cards(answer: Answer, held: _Held, words: Words) -> tuple[Card, ...]:
    """One card per place: citations of one page share a card while their quotes fit into it together."""
    gathered: list[list[Citation]] = []
    for citation in answer.citations:
        place = next((card for card in gathered if _fits(card, citation)), None)
        if place is None:
            gathered.append([citation])
        else:
            place.append(citation)
    return tuple(_card(card, held, words, answer.generation) for card in gathered)


def _fits(card: Sequence[Citation], citation: Citation) -> bool:
    same = (card[0].document_id, card[0].page) == (citation.document_id, citation.page)
    together = [*card, citation]
    return same and max(c.end for c in together) - min(c.start for c in together) <= _CARD_CHARS


def _card(citations: Sequence[Citation], held: _Held, words: Words, generation: str) -> Card:
    first = citations[0]
    page = held.get((first.document_id, first.page))
    spans = {citation.n: Span(citation.start, citation.end) for citation in citations}
    lines = excerpt(page, spans, max_chars=_CARD_CHARS) if page else ()
    shown = {piece.n for line in lines for piece in line.pieces}
    missing = [c for c in citations if c.n not in shown and not _covered(c, citations)]
    lines += tuple(Line("paragraph", (Piece(unwrap(visible(c.quote)), c.n),)) for c in missing)
    return Card(
        numbers=tuple(citation.n for citation in citations),
        title=unwrap(visible(first.title)),
        issuer=unwrap(visible(first.issuer)),
        published=spoken_date(first.published, words),
        document_number=unwrap(visible(first.document_number)),
        page_label=first.page_label or str(first.page),
        section=unwrap(visible(first.section)),
        superseded_by=unwrap(visible(first.superseded_by)),
        language=detect("".join(citation.quote for citation in citations)),
        links=tuple(
            source_link(c.document_id, c.page, span=(c.start, c.end), generation=generation) for c in citations
        ),
        lines=lines,
    )


def _covered(citation: Citation, others: Sequence[Citation]) -> bool:
    """Whether another citation's quote holds this one's, so that its mark is shown already."""
    return any(
        other.n != citation.n and other.start <= citation.start and citation.end <= other.end for other in others
    )


def _nearest(answer: Answer, pages: PageSource) -> tuple[Near, ...]:
    near = []
    for document in answer.nearest:
        title = unwrap(visible(document.title))
        number = first_page(pages, document.document_id, generation=answer.generation)
        near.append(Near(title, source_link(document.document_id, number, generation=answer.generation), detect(title)))
    return tuple(near)


def first_page(pages: PageSource, document_id: str, *, generation: str = "") -> int:
    """The first page of a document that has text; 1 where none of the first twenty has."""
    numbers = (n for n in range(1, 21) if pages.page(document_id, n, generation=generation) is not None)
    return next(numbers, 1)
