"""Lines of PDF pages -> blocks: headings, paragraphs, list items and table rows, running headers and footers left out.

PDF knows no paragraphs. What counts here: gaps between lines, sizes against the body's, weight, bullets, indents, lines
that end short, and lines that come back on page after page. The page's text is never changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from index.loaders.pdf_page import Line, PageText
from index.loaders.text import MARKER
from index.types import Block, BlockKind

HEADING_CHARS = 120
BIGGER = 1.12
EDGE_LINES = 2
_END = re.compile(r"[.。!！?？；;][”’\"')）\]】」』》]*$")
_OPEN_END = re.compile(r"[,，、:：—\-(（]$")
_CHAPTER = re.compile(r"第[一二三四五六七八九十百\d]{1,4}[编章节篇部]\s*\S|[一二三四五六七八九十]{1,3}、\S")
_PAGE_NUMBER = re.compile(
    r"[-–—·\s]*(?:page\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:/|of)\s*\d{1,4})?[-–—·\s]*|第\s*\d{1,4}\s*页(?:\s*[,，/]?\s*共\s*\d+\s*页)?",
    re.IGNORECASE,
)
_LEADER = re.compile(r"\.{4,}|(?:\. ){4,}|…{2,}|·{4,}")


def document_blocks(pages: Sequence[PageText]) -> list[tuple[Block, ...]]:
    """Blocks of every page, in order.

    Args:
        pages: All pages of one document; sizes and running lines are judged over all of them.
    """
    sizes = Counter[float]()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size, 1)] += line.end - line.start
    body = _body_size(sizes)
    levels = _levels(sizes, body)
    running = _running(pages)
    return [_PageLayout(page, body, levels, running).blocks() for page in pages]


def _body_size(sizes: Counter[float]) -> float:
    """The size that most characters have, 0 where sizes are unknown."""
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _levels(sizes: Counter[float], body: float) -> dict[float, int]:
    """Heading levels by size, the largest first; sizes within 4 % of each other are one."""
    levels: dict[float, int] = {}
    level, last = 0, 0.0
    for size in sorted((s for s in sizes if body and s >= BIGGER * body), reverse=True):
        if not last or size < 0.96 * last:
            level, last = level + 1, size
        levels[size] = min(level, 4)
    return levels


def _edges(page: PageText) -> list[Line]:
    """The first and last lines by order in the text and by place on the page."""
    lines = page.lines
    placed = sorted((line for line in lines if line.size), key=lambda line: -line.box[3])
    found = [*lines[:EDGE_LINES], *lines[-EDGE_LINES:], *placed[:EDGE_LINES], *placed[-EDGE_LINES:]]
    return list(dict.fromkeys(found))


def _shape(text: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", " ".join(text.split()).lower())


def _running(pages: Sequence[PageText]) -> frozenset[str]:
    """Shapes of lines (digits as #) that stand at the edge of three pages or more and of a fifth of them."""
    counts = Counter[str]()
    for page in pages:
        counts.update({_shape(page.text[line.start : line.end]) for line in _edges(page)})
    return frozenset(shape for shape, count in counts.items() if count >= max(3, len(pages) / 5))


class _PageLayout:
    """Finds the blocks of one page."""

    def __init__(self, page: PageText, body: float, levels: dict[float, int], running: frozenset[str]) -> None:
        self._text = page.text
        self._body = body
        self._levels = levels
        edges = set(_edges(page))
        self._lines = [line for line in page.lines if line not in edges or not self._is_running(line, running, page)]
        self._pitch = self._line_pitch()
        self._row_pitch = 0.0
        self._right = max((line.box[2] for line in self._lines), default=0.0)

    def blocks(self) -> tuple[Block, ...]:
        """Blocks in reading order."""
        found: list[Block] = []
        group: list[Line] = []
        kind: BlockKind = "paragraph"
        rows = self._table_lines()
        self._row_pitch = self._distance_of_rows(rows)
        for position, line in enumerate(self._lines):
            line_kind = self._kind(line, alone=self._alone(position), row=position in rows)
            if group and self._goes_on(group, line, kind, line_kind):
                group.append(line)
                continue
            if group:
                found.append(self._block(kind, group))
            group, kind = [line], line_kind
        if group:
            found.append(self._block(kind, group))
        return tuple(found)

    def _of(self, line: Line) -> str:
        return self._text[line.start : line.end].strip()

    def _is_running(self, line: Line, running: frozenset[str], page: PageText) -> bool:
        text = self._of(line)
        if len(page.lines) > 1 and _PAGE_NUMBER.fullmatch(text):
            return True
        return _shape(text) in running and not _END.search(text)

    def _line_pitch(self) -> float:
        """The usual distance of a line from the one above, 0 where it is unknown."""
        drops = [above.box[3] - below.box[3] for above, below in zip(self._lines, self._lines[1:], strict=False)]
        close = [
            drop for drop, line in zip(drops, self._lines, strict=False) if 0.5 * line.size < drop < 2.2 * line.size
        ]
        return median(close) if close else 0.0

    def _gap_above(self, position: int) -> bool:
        """Whether more than the usual distance separates a line from the one before."""
        if position == 0:
            return True
        above, line = self._lines[position - 1], self._lines[position]
        if "\n\n" in self._text[above.end : line.start]:
            return True
        drop = above.box[3] - line.box[3]
        return bool(self._pitch) and (drop > 1.35 * max(self._pitch, 0.0) or drop < -0.5 * self._pitch)

    def _alone(self, position: int) -> bool:
        last = position + 1 == len(self._lines)
        return self._gap_above(position) and (last or self._gap_above(position + 1))

    def _kind(self, line: Line, *, alone: bool, row: bool) -> BlockKind:
        text = self._of(line)
        if row:
            return "table_row"
        short = len(text) <= HEADING_CHARS and not _END.search(text) and not text.endswith((",", "，", "、"))
        if short and any(char.isalpha() for char in text):
            if _CHAPTER.match(text) and len(text) <= 40:
                return "heading"
            if self._body and line.size >= BIGGER * self._body:
                return "heading"
            if line.bold and (alone or self._next_is_plain(line)) and not MARKER.match(text) and len(text) <= 80:
                return "heading"
        marker = MARKER.match(text)
        return "list_item" if marker is not None and text[marker.end() :].strip() else "paragraph"

    def _next_is_plain(self, line: Line) -> bool:
        """Whether a bold line stands above text that is not bold and leaves room at its right."""
        position = self._lines.index(line)
        below = self._lines[position + 1] if position + 1 < len(self._lines) else None
        return below is not None and not below.bold and line.box[2] < 0.8 * self._right and self._gap_above(position)

    def _goes_on(self, group: Sequence[Line], line: Line, kind: BlockKind, line_kind: BlockKind) -> bool:
        """Whether a line belongs to the block that the lines before it began."""
        last = group[-1]
        if "\n" not in self._text[last.end : line.start]:
            return True
        drop = last.box[3] - line.box[3]
        if kind == "table_row":  # a cell that wraps: closer than rows are
            return line_kind == kind and 0 < drop < 0.85 * self._row_pitch and not (last.gaps and line.gaps)
        if "\n\n" in self._text[last.end : line.start]:
            return False
        close = not self._pitch or 0 < drop <= 1.35 * max(self._pitch, last.size)
        similar = not last.size or not line.size or abs(last.size - line.size) <= 0.1 * max(last.size, line.size)
        lower = self._of(line)[:1].islower()
        if kind == "heading":
            same = similar and line.bold == last.bold and close
            return same and (lower or (line_kind == "heading" and not _CHAPTER.match(self._of(line))))
        if line_kind != "paragraph" or not similar:
            return False
        text = self._of(last)
        if drop < 0:  # the next column: a sentence may go on there
            return not _END.search(text)
        return close and (lower or not self._breaks(group, line, text))

    def _breaks(self, group: Sequence[Line], line: Line, text: str) -> bool:
        """Whether the line before ends a paragraph: much room at its right, or a finished sentence before an indent."""
        last = group[-1]
        width = max(self._column_right(last) - min(entry.box[0] for entry in group), 1.0)
        room = self._column_right(last) - last.box[2]
        if room > max(0.35 * width, 2 * last.size):
            return True
        if not _END.search(text) and not text.endswith((":", "：")):
            return False
        indent = line.box[0] - min(entry.box[0] for entry in group[-2:])
        return room > max(0.12 * width, 2 * last.size) or (bool(line.size) and indent > 0.9 * line.size)

    def _column_right(self, line: Line) -> float:
        """Right edge of the lines near a line that begin where it does and are as large."""
        position = self._lines.index(line)
        near = self._lines[max(0, position - 8) : position + 9]
        return max(
            other.box[2]
            for other in near
            if other is line
            or (abs(other.box[0] - line.box[0]) < 4 * line.size and abs(other.size - line.size) < 0.1 * line.size)
        )

    def _table_lines(self) -> frozenset[int]:
        """Positions of lines that are table rows: neighbours with gaps as between cells, and what wraps in them."""
        gaps = [bool(line.gaps) and not _END.search(self._of(line)) for line in self._lines]
        rows = {i for i, wide in enumerate(gaps) if wide and any(gaps[max(i - 2, 0) : i] + gaps[i + 1 : i + 3])}
        rows |= {i for i, line in enumerate(self._lines) if _LEADER.search(self._of(line))}
        between = {
            i for i in range(len(gaps)) if i - 1 in rows and i + 1 in rows and not _END.search(self._of(self._lines[i]))
        }
        return frozenset(rows | between)

    def _distance_of_rows(self, rows: frozenset[int]) -> float:
        """The usual distance between rows of a table that do not wrap, 0 where there are none."""
        pairs = [(self._lines[i], self._lines[i + 1]) for i in rows if i + 1 in rows]
        drops = [above.box[3] - below.box[3] for above, below in pairs if above.gaps and below.gaps]
        return median([drop for drop in drops if drop > 0] or [0.0])

    def _block(self, kind: BlockKind, group: Sequence[Line]) -> Block:
        start, end = group[0].start, group[-1].end
        piece = self._text[start:end]
        if kind == "list_item":
            marker = MARKER.match(piece)
            start += marker.end() if marker is not None else 0
            piece = self._text[start:end]
        start += len(piece) - len(piece.lstrip())
        end -= len(piece) - len(piece.rstrip())
        if kind == "heading":
            return Block(kind, start, end, self._level(group[0]))
        return Block(kind, start, end, 1 if kind == "list_item" else 0)

    def _level(self, line: Line) -> int:
        deepest = max(self._levels.values(), default=0)
        return self._levels.get(round(line.size, 1)) or min(deepest + 1, 5)
