"""The source view: one page of one document with the cited passage marked, and the list of documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.web.dates import spoken_date
from assistant.web.excerpts import Line, page_lines
from assistant.web.links import chat_link, source_link
from assistant.web.protocols import PageSource
from assistant.web.render import render
from assistant.web.texts import Words
from assistant.web.view import Near, first_page
from index.language import unwrap, visible
from index.types import Document, Language, Page, Span

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Place:
    """Which page is asked for, and the cited characters of it; from the address, so nothing is sure to exist."""

    document_id: str
    page: int
    start: int
    end: int
    generation: str

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Place:
        """The place that an address names; no page is the first, a number that is none counts as 0."""
        numbers = (query.get("page", "1"), query.get("start", ""), query.get("end", ""))
        page, start, end = (int(text) if _NUMBER.fullmatch(text) else 0 for text in numbers)
        return cls(query.get("document", ""), page, start, end, query.get("generation", ""))


@dataclass(frozen=True, slots=True)
class Notice:
    """A banner above the page: "warn" for what a reader must know, "note" for the rest."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceView:
    """Everything that the source view shows; `lines` is the whole page."""

    title: str
    language: Language
    page_label: str
    page_count: int
    facts: tuple[tuple[str, str], ...]
    notices: tuple[Notice, ...]
    translation: Near | None
    lines: tuple[Line, ...]
    has_quote: bool
    previous: str
    next: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One document of the list."""

    title: str
    link: str
    issuer: str
    published: str
    replaced: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """A page as it was cited, or as it stands now where that copy is gone; `current` is the live document."""

    document: Document
    page: Page
    current: Document | None
    cited_copy: bool


def source_html(pages: PageSource, place: Place, words: Words) -> tuple[int, str]:
    """HTTP status and HTML of the source view: 200, or 404 with a page that says so.

    A citation of an earlier generation shows that generation's text while it is kept; the banner says whether the
    document was replaced, withdrawn or changed since.

    Raises:
        PilotError: If the index cannot be read.
    """
    found = _find(pages, place)
    if found is None:
        return 404, plain_html(words, words.source_missing_title, words.source_missing)
    view = _view(pages, place, found, words)
    switch = source_link(
        place.document_id, place.page, span=(place.start, place.end), generation=place.generation
    ).replace("#quote", f"&lang={'en' if words.language == 'zh' else 'zh'}#quote")
    return 200, render("source.html", w=words, source=view, chat=chat_link(words.language), switch=switch)


def plain_html(words: Words, title: str, body: str) -> str:
    """A page that only says something."""
    return render("plain.html", w=words, title=title, body=body, chat=chat_link(words.language), switch="documents")


def documents_html(pages: PageSource, words: Words) -> str:
    """The list of all documents, the page's own language first, then by date, newest first.

    Raises:
        PilotError: If the index cannot be read.
    """
    documents = sorted(pages.documents(), key=lambda d: (d.published, d.title), reverse=True)
    order: tuple[Language, ...] = ("zh", "en") if words.language == "zh" else ("en", "zh")
    lists = [
        (
            words.documents_in[language],
            language,
            [_listed(pages, d, words) for d in documents if d.language == language],
        )
        for language in order
    ]
    return render(
        "documents.html",
        w=words,
        count=len(documents),
        lists=[shelf for shelf in lists if shelf[2]],
        chat=chat_link(words.language),
        switch=f"documents?lang={'en' if words.language == 'zh' else 'zh'}",
    )


def _find(pages: PageSource, place: Place) -> _Found | None:
    live = pages.generation()
    current = pages.document(place.document_id)
    if place.generation and place.generation != live:
        document = pages.document(place.document_id, generation=place.generation)
        page = pages.page(place.document_id, place.page, generation=place.generation)
        if document and page:
            return _Found(document, page, current, True)
    page = pages.page(place.document_id, place.page)
    if current is None or page is None:
        return None
    return _Found(current, page, current, place.generation in ("", live))


def _view(pages: PageSource, place: Place, found: _Found, words: Words) -> SourceView:
    document, page = found.document, found.page
    start, end = max(0, place.start), min(place.end, len(page.text))
    lines = page_lines(page, {1: Span(start, end)} if start < end else {})
    has_quote = any(line.cited for line in lines)
    wanted = place.end > place.start
    return SourceView(
        title=unwrap(visible(document.title)),
        language=document.language,
        page_label=page.label or str(page.number),
        page_count=max(document.page_count, page.number),
        facts=_facts(document, words),
        notices=_notices(pages, found, words, lost=wanted and not has_quote),
        translation=_translation(pages, document),
        lines=lines,
        has_quote=has_quote,
        previous=_beside(pages, place, -1),
        next=_beside(pages, place, 1),
    )


def _facts(document: Document, words: Words) -> tuple[tuple[str, str], ...]:
    facts = (
        (words.issued_by, document.issuer),
        (words.published, spoken_date(document.published, words)),
        (words.number_name, document.document_number),
        (words.effective, spoken_date(document.effective, words)),
        (words.expires, spoken_date(document.expires, words)),
        (words.original, document.source),
        (words.note, document.note),
    )
    return tuple((name, unwrap(visible(value))) for name, value in facts if value)


def _notices(pages: PageSource, found: _Found, words: Words, *, lost: bool) -> tuple[Notice, ...]:
    notices = []
    if found.current is None:
        notices.append(Notice("warn", words.source_withdrawn))
    elif found.current.superseded_by:
        newer = pages.document(found.current.superseded_by)
        title = unwrap(visible(newer.title if newer else found.current.superseded_by))
        notices.append(Notice("warn", words.source_superseded.format(title=title)))
    elif found.current.sha256 != found.document.sha256:
        notices.append(Notice("warn", words.source_changed))
    if not found.cited_copy:
        notices.append(Notice("note", words.source_generation_gone))
    if lost:
        notices.append(Notice("note", words.source_no_quote))
    return tuple(notices)


def _translation(pages: PageSource, document: Document) -> Near | None:
    """The same document in the other language, whichever of the two names the other."""
    others = [d for d in pages.documents() if d.id == document.translation_of or d.translation_of == document.id]
    if not others:
        return None
    other = min(others, key=lambda d: d.id)
    return Near(unwrap(visible(other.title)), source_link(other.id, first_page(pages, other.id)), other.language)


def _beside(pages: PageSource, place: Place, step: int) -> str:
    """Address of the page before or after, or empty."""
    number = place.page + step
    there = number > 0 and pages.page(place.document_id, number, generation=place.generation) is not None
    return source_link(place.document_id, number, generation=place.generation) if there else ""


def _listed(pages: PageSource, document: Document, words: Words) -> Listed:
    return Listed(
        title=unwrap(visible(document.title)),
        link=source_link(document.id, first_page(pages, document.id)),
        issuer=unwrap(visible(document.issuer)),
        published=spoken_date(document.published, words),
        replaced=bool(document.superseded_by),
    )
