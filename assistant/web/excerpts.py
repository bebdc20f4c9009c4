"""Quotes in their surroundings: a page and the spans cited on it in, lines of marked and unmarked text out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.language import HAN, sentence_spans, unwrap, visible
from index.types import Block, BlockKind, Page, Span

_OPEN, _CLOSE = "\ue000", "\ue001"
_SPACE_AT_MARK = re.compile(rf"(?<=[{HAN}，。；：、！？）》”]) (?=[{_OPEN}{_CLOSE}]+[{HAN}（《“])")
_PARAGRAPH = re.compile(r"\S(?:.|\n(?!\s*\n))*")
_MARKS = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of shown text.

    Attributes:
        text: On one line.
        n: Number of the citation that quotes it; 0 where none does.
    """

    text: str
    n: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One shown block of a page.

    Attributes:
        kind: Heading, paragraph, list item or table row.
        pieces: Its text in order.
    """

    kind: BlockKind
    pieces: tuple[Piece, ...]

    @property
    def cited(self) -> bool:
        """Whether any of it is quoted."""
        return any(piece.n for piece in self.pieces)


def page_blocks(page: Page) -> tuple[Block, ...]:
    """The blocks of a page; where the loader gave none, its paragraphs between blank lines."""
    if page.blocks:
        return page.blocks
    return tuple(Block("paragraph", m.start(), m.end()) for m in _PARAGRAPH.finditer(page.text))


def block_at(page: Page, start: int) -> Block | None:
    """The block that holds the character at start, or None."""
    return next((block for block in page_blocks(page) if block.start <= start < block.end), None)


def flow(text: str, marks: Sequence[tuple[Span, int]]) -> tuple[Piece, ...]:
    """The text on one line, cut where marks begin and end; marks are in order and do not overlap."""
    parts: list[str] = []
    position = 0
    for (start, end), _ in marks:
        parts += [_clean(text[position:start]), _OPEN, _clean(text[start:end]), _CLOSE]
        position = end
    line = _SPACE_AT_MARK.sub("", unwrap("".join([*parts, _clean(text[position:])])))
    pieces: list[Piece] = []
    position = 0
    for found, (_, n) in zip(_MARKS.finditer(line), marks, strict=True):
        pieces += [Piece(line[position : found.start()]), Piece(found[1], n)]
        position = found.end()
    pieces.append(Piece(line[position:]))
    return tuple(piece for piece in pieces if piece.text)


def page_lines(page: Page, spans: Mapping[int, Span]) -> tuple[Line, ...]:
    """The whole page, block by block, with the spans of citation numbers marked."""
    return _lines(page, page_blocks(page), spans)


def excerpt(page: Page, spans: Mapping[int, Span], *, min_chars: int = 160, max_chars: int = 700) -> tuple[Line, ...]:
    """The blocks that hold the spans, with enough around them to be understood, marked.

    A list keeps its lead-in and its items, a short block gets its neighbours until min_chars; headings are not crossed.
    A long block is cut at sentence ends around the marks. Blocks that do not fit into max_chars are left out unless
    they hold a mark. Spans outside of the page give no line.
    """
    blocks = page_blocks(page)
    held = [
        i for i, block in enumerate(blocks) if any(s.start < block.end and s.end > block.start for s in spans.values())
    ]
    if not held:
        return ()
    first, last = _widen(blocks, held[0], held[-1], limits=(min_chars, max_chars))
    return _lines(page, blocks[first : last + 1], spans, trim=max_chars)


def _widen(blocks: Sequence[Block], first: int, last: int, *, limits: tuple[int, int]) -> tuple[int, int]:
    """The range of blocks to show: the whole list where it fits, then neighbours of a short one."""
    least, most = limits

    def size() -> int:
        return blocks[last].end - blocks[first].start

    in_list = blocks[first].kind == "list_item"
    while first > 0 and blocks[last].end - blocks[first - 1].start <= most:
        before = blocks[first - 1].kind
        if before == "heading" or not (in_list or size() < least):
            break
        first -= 1
        in_list = in_list and before == "list_item"
    while last + 1 < len(blocks) and blocks[last + 1].end - blocks[first].start <= most:
        after = blocks[last + 1].kind
        goes_on = after == blocks[last].kind and after in ("list_item", "table_row") and size() < most // 2
        if after == "heading" or not (goes_on or size() < least):
            break
        last += 1
    return first, last


def _lines(page: Page, blocks: Sequence[Block], spans: Mapping[int, Span], *, trim: int = 0) -> tuple[Line, ...]:
    lines = []
    for block in blocks:
        marks = _marks_in(block, spans)
        shown = _trimmed(page.text, block, marks, trim) if trim else Span(block.start, block.end)
        inside = [(Span(span.start - shown.start, span.end - shown.start), n) for span, n in marks]
        pieces = list(flow(page.text[shown.start : shown.end], inside))
        if shown.start > block.start:
            pieces.insert(0, Piece("… "))
        if shown.end < block.end:
            pieces.append(Piece(" …"))
        if any(piece.text.strip() for piece in pieces):
            lines.append(Line(block.kind, tuple(pieces)))
    return tuple(lines)


def _marks_in(block: Block, spans: Mapping[int, Span]) -> list[tuple[Span, int]]:
    """The parts of spans inside the block, in order; of two that overlap, the later begins where the earlier ends."""
    marks: list[tuple[Span, int]] = []
    position = block.start
    for n, span in sorted(spans.items(), key=lambda item: (item[1].start, item[0])):
        start, end = max(span.start, position), min(span.end, block.end)
        if start < end:
            marks.append((Span(start, end), n))
            position = end
    return marks


def _trimmed(text: str, block: Block, marks: Sequence[tuple[Span, int]], most: int) -> Span:
    """The part of a long block to show: whole sentences around its marks, or its first ones."""
    if block.end - block.start <= most:
        return Span(block.start, block.end)
    low = marks[0][0].start if marks else block.start
    high = marks[-1][0].end if marks else block.start
    room = max(0, most - (high - low)) // 2
    sentences = [
        Span(block.start + s.start, block.start + s.end) for s in sentence_spans(text[block.start : block.end])
    ]
    start = min([s.start for s in sentences if low - room <= s.start <= low] or [low])
    end = max([s.end for s in sentences if high <= s.end <= high + room] or [min(block.end, max(high, low + 1))])
    return Span(start, end)


def _clean(text: str) -> str:
    return visible(text).replace(_OPEN, "").replace(_CLOSE, "")
