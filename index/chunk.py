"""Pages -> chunks: spans of whole sentences, packed block by block under their heading path.

A chunk never reaches over a page or a section, keeps a list with its lead-in while both fit, and cuts no sentence but
one of many chunks' length, as text without any full stop is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from index.language import detect, sentence_spans, unwrap
from index.types import Block, Chunk, Document, Page, SentenceSpan, Span

SECTION_SEPARATOR = " › "
HEADING_CHARS = 160
_VAST = 4  # a sentence longer than so many chunks is cut
_NOT_SPACE = re.compile(r"\S")
_SOFT_END = re.compile(r"[;；,，、:：。.]|\s")
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]")

Headings = tuple[tuple[int, str], ...]
"""The open headings from the outermost in, each with its level."""


@dataclass(frozen=True)
class _Unit:
    """Sentences that stay together when they fit: a heading, a paragraph, or a lead-in with its list.

    Attributes:
        sentences: In reading order, never empty.
        section: Heading path that it stands under.
        is_heading: Whether it only opens what follows.
    """

    sentences: tuple[SentenceSpan, ...]
    section: str
    is_heading: bool = False


def chunk_id(document_id: str, page: int, text: str, start: int) -> str:
    """Id of a chunk, "zh/a.md#p1-0f3a9c2b41d7": the same document, page, position and text give the same id."""
    digest = hashlib.sha256(f"{start}\n{text}".encode()).hexdigest()
    return f"{document_id}#p{page}-{digest[:12]}"


def weight(text: str) -> int:
    """Length of a text by its content, in characters of English: a Chinese character or full-width mark counts 3."""
    return len(text) + 2 * len(_WIDE.findall(text))


def chunk_page(document: Document, page: Page, *, chunk_chars: int, headings: Headings = ()) -> list[Chunk]:
    """Chunks of one page in reading order; together they hold every sentence of its blocks once.

    Args:
        document: The document that the page belongs to.
        page: Its text and blocks; without blocks its text is one paragraph.
        chunk_chars: Longest chunk in `weight`; a longer single sentence is a chunk of its own, up to four times that.
        headings: Headings still open from the pages before, see `headings_after`.
    """
    packer = _Packer(page.text, chunk_chars)
    for unit in _units(page, headings):
        sentences = (piece for sentence in unit.sentences for piece in _cut(sentence, page.text, chunk_chars))
        packer.add(replace(unit, sentences=tuple(sentences)))
    return [_chunk(document, page, group) for group in packer.groups()]


def chunk_pages(document: Document, pages: Iterable[Page], *, chunk_chars: int) -> Iterator[Chunk]:
    """Chunks of a document's pages in order, with the sections that run on from page to page."""
    headings: Headings = ()
    for page in pages:
        yield from chunk_page(document, page, chunk_chars=chunk_chars, headings=headings)
        headings = headings_after(page, headings)


def headings_after(page: Page, headings: Headings = ()) -> Headings:
    """The headings that are open at the end of a page, given those open at its start."""
    for block in page.blocks:
        if block.kind == "heading":
            headings = _opened(headings, block, page.text)
    return headings


def _opened(headings: Headings, block: Block, text: str) -> Headings:
    level = max(block.level, 1)
    outer = tuple(pair for pair in headings if pair[0] < level)
    return (*outer, (level, unwrap(text[block.start : block.end])[:HEADING_CHARS]))


def _path(headings: Headings) -> str:
    return SECTION_SEPARATOR.join(title for _, title in headings)


def _sentences(text: str, block: Block, lead: Span | None) -> tuple[SentenceSpan, ...]:
    """The sentences of a block in page offsets; headings and table rows are one each."""
    piece = text[block.start : block.end]
    if block.kind in ("heading", "table_row"):
        left = block.start + len(piece) - len(piece.lstrip())
        right = block.end - (len(piece) - len(piece.rstrip()))
        return (SentenceSpan(left, right, block.kind),) if right > left else ()
    return tuple(
        SentenceSpan(block.start + span.start, block.start + span.end, block.kind, lead)
        for span in sentence_spans(piece)
    )


def _cut(sentence: SentenceSpan, text: str, chunk_chars: int) -> Iterator[SentenceSpan]:
    """The sentence, a vast one in pieces that fit a chunk: after a comma or the like, a space, or anywhere."""
    start, end = sentence.start, sentence.end
    if weight(text[start : min(end, start + _VAST * chunk_chars + 1)]) <= _VAST * chunk_chars:
        yield sentence
        return
    while start < end:
        window = text[start : min(end, start + chunk_chars)]
        stop = min(end, start + max(1, chunk_chars * len(window) // weight(window)))
        soft = [match.end() for match in _SOFT_END.finditer(text, (start + stop) // 2, stop)]
        stop = soft[-1] if soft and stop < end else stop
        yield replace(sentence, start=start, end=start + len(text[start:stop].rstrip()))
        following = _NOT_SPACE.search(text, stop, end)
        start = following.start() if following else end


def _blocks(page: Page) -> tuple[Block, ...]:
    if page.blocks or not page.text.strip():
        return page.blocks
    return (Block("paragraph", 0, len(page.text)),)


def _units(page: Page, headings: Headings) -> Iterator[_Unit]:
    """Units of a page in reading order."""
    pending: list[SentenceSpan] = []
    leads: dict[int, Span | None] = {0: None}
    for block in _blocks(page):
        is_item = block.kind == "list_item"
        depth = max(block.level, 1)
        lead = _lead(leads, depth) if is_item else None
        sentences = _sentences(page.text, block, lead)
        if not sentences:
            continue
        if pending and not is_item:
            yield _Unit(tuple(pending), _path(headings))
            pending = []
        if block.kind == "heading":
            headings = _opened(headings, block, page.text)
            leads = {0: Span(sentences[0].start, sentences[0].end)}
            yield _Unit(sentences, _path(headings), is_heading=True)
        else:
            if block.kind == "paragraph":
                leads = {0: Span(sentences[-1].start, sentences[-1].end)}
            elif is_item:
                leads = {level: span for level, span in leads.items() if level < depth}
                leads[depth] = Span(sentences[0].start, sentences[0].end)
            pending.extend(sentences)
    if pending:
        yield _Unit(tuple(pending), _path(headings))


def _lead(leads: dict[int, Span | None], depth: int) -> Span | None:
    """What introduces an item: the item that it is nested under, else the paragraph or heading before its list."""
    return leads[max(level for level in leads if level < depth)]


class _Packer:
    """Packs units into groups of sentences that become chunks."""

    def __init__(self, text: str, chunk_chars: int) -> None:
        self._text = text
        self._limit = chunk_chars
        self._groups: list[tuple[str, list[SentenceSpan]]] = []
        self._open: list[SentenceSpan] = []
        self._section = ""
        self._only_headings = True

    def add(self, unit: _Unit) -> None:
        """Adds a unit to the open group, or closes that one where the unit does not fit or opens a section."""
        if unit.is_heading and not self._only_headings:
            self._close()
        self._section = unit.section if self._only_headings or not self._open else self._section
        if not self._fits(unit.sentences):
            if not self._only_headings:
                self._close()
                self._section = unit.section
            if not self._fits(unit.sentences):
                self._split(unit)
                return
        self._open.extend(unit.sentences)
        self._only_headings = self._only_headings and unit.is_heading

    def groups(self) -> list[tuple[str, list[SentenceSpan]]]:
        """Closes the open group and gives all of them, each with its section."""
        self._close()
        return self._groups

    def _fits(self, sentences: tuple[SentenceSpan, ...]) -> bool:
        start = self._open[0].start if self._open else sentences[0].start
        return weight(self._text[start : sentences[-1].end]) <= self._limit

    def _split(self, unit: _Unit) -> None:
        """Adds the sentences of a unit that is longer than a chunk one by one."""
        for sentence in unit.sentences:
            if self._open and not self._fits((sentence,)):
                self._close()
                self._section = unit.section
            self._open.append(sentence)
            self._only_headings = unit.is_heading

    def _close(self) -> None:
        if self._open:
            self._groups.append((self._section, self._open))
        self._open, self._only_headings = [], True


def _chunk(document: Document, page: Page, group: tuple[str, list[SentenceSpan]]) -> Chunk:
    section, sentences = group
    start, end = sentences[0].start, sentences[-1].end
    text = page.text[start:end]
    return Chunk(
        id=chunk_id(document.id, page.number, text, start),
        document_id=document.id,
        page=page.number,
        start=start,
        end=end,
        section=section,
        text=text,
        language=detect(text),
        sentences=tuple(sentences),
    )
