"""Builds the text of a page from pieces of a marked-up document, with the block that each piece makes.

Comes in: headings, paragraphs, list items, table rows as a loader meets them. Goes out: `LoadedPage`s whose text has
one block per line group, and notes on hidden characters and limits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.language import detect, unwrap, visible
from index.loaders.table import Cell, lay_out, looks_like_header
from index.loaders.types import LoadedPage, PageNote
from index.types import Block, BlockKind, Language

SMUGGLED = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\U000e0000-\U000e007f]")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def clean(text: str) -> tuple[str, int]:
    """The text without invisible and control characters, line ends as "\\n", and how many were of the smuggling kind.

    Zero-width spaces, bidirectional controls and Unicode tag characters count; soft hyphens, joiners and variation
    selectors go uncounted, since ordinary documents have them.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    smuggled = len(SMUGGLED.findall(text))
    return CONTROL.sub("", visible(text)), smuggled


def smuggled_text(count: int) -> str:
    """The words of a note on so many invisible characters."""
    return f"{count} invisible characters (zero-width, direction, tag) dropped"


def join_cells(header: Sequence[str], cells: Sequence[str], language: Language) -> str:
    """One table row in words, each cell after its header: `Indicator: 5G stations; 2025: 50,000` or `指标：…；…`.

    Empty cells are left out; a cell without header stands alone; no cell gives "".
    """
    colon, semicolon = ("：", "；") if language == "zh" else (": ", "; ")
    parts = []
    for column, cell in enumerate(cells):
        name = header[column] if column < len(header) else ""
        if cell:
            parts.append(f"{name.rstrip(':：')}{colon}{cell}" if name and name != cell else cell)
    return semicolon.join(parts)


def table_lines(rows: Sequence[Sequence[str]], *, header: bool) -> list[str]:
    """A line for each row, each cell after its header; rows without text are left out.

    Args:
        rows: Cells as text, row by row.
        header: Whether the first row names the columns.
    """
    tidy = [[unwrap(clean(cell)[0]) for cell in row] for row in rows]
    tidy = [row for row in tidy if any(row)]
    language = detect(" ".join(cell for row in tidy[:50] for cell in row))
    names: Sequence[str] = tidy[0] if header and len(tidy) > 1 else ()
    return [join_cells(names, row, language) for row in tidy[1 if names else 0 :]]


class PageBuilder:
    """Collects the blocks of a document page by page, up to a number of pages and characters."""

    def __init__(self, *, pages: int, chars: int) -> None:
        self._max_pages = pages
        self._room = chars
        self._cut = ""
        self._pages: list[LoadedPage] = []
        self._notes: list[PageNote] = []
        self._smuggled = 0
        self.open_page()

    @property
    def full(self) -> bool:
        """Whether a limit is reached; what is added from now on is left out."""
        return bool(self._cut)

    @property
    def started(self) -> bool:
        """Whether the open page has text."""
        return bool(self._blocks)

    @property
    def number(self) -> int:
        """Physical number of the open page, from 1."""
        return self._number

    def open_page(self, number: int = 1, label: str = "") -> None:
        """Starts a page; what is added goes onto it."""
        self._number, self._label = number, label or str(number)
        self._lines: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []

    def next_page(self, label: str = "") -> None:
        """Closes the page and starts the following one, unless the limit of pages is reached."""
        self.close_page()
        if self._number >= self._max_pages and not self._cut:
            self._cut = f"more than {self._max_pages:,} pages; set PILOT_INDEX__LIMITS__PAGES for more"
        self.open_page(self._number + 1, label)

    def close_page(self) -> None:
        """Keeps the open page if it has text."""
        if self._blocks:
            self._pages.append(LoadedPage(self._number, self._label, "\n".join(self._lines), tuple(self._blocks)))
        if self._smuggled:
            self.note("hidden_text", smuggled_text(self._smuggled))
            self._smuggled = 0

    def note(self, code: str, text: str) -> None:
        """Adds a note on the open page."""
        self._notes.append(PageNote(self._number, code, text))

    def add(self, kind: BlockKind, text: str, *, level: int = 0, prefix: str = "") -> None:
        """Adds a block; empty text adds nothing.

        Args:
            kind: What the block is.
            text: Its text; line breaks stay, so that a block may take several lines.
            level: Heading level or list depth from 1.
            prefix: A bullet or the like that stands before the block on its line and is no part of it.
        """
        kept, smuggled = clean(text)
        self._smuggled += smuggled
        kept = kept.strip()
        if not kept or self._cut:
            return
        if len(kept) + len(prefix) + 1 > self._room:
            self._cut = "more characters than the limit; set PILOT_INDEX__LIMITS__CHARS for more"
            return
        start = self._length + len(prefix)
        self._lines.append(prefix + kept)
        self._blocks.append(Block(kind, start, start + len(kept), level))
        self._length = start + len(kept) + 1
        self._room -= len(prefix) + len(kept) + 1

    def paragraph(self, text: str) -> None:
        """Adds a paragraph, its line breaks and runs of space as one space (nothing between Chinese characters)."""
        self.add("paragraph", unwrap(text))

    def heading(self, text: str, level: int) -> None:
        """Adds a heading of a level from 1."""
        self.add("heading", unwrap(text), level=min(max(level, 1), 9))

    def list_item(self, text: str, level: int, marker: str = "-") -> None:
        """Adds a list item at a depth from 1, its marker before it and outside its block."""
        depth = min(max(level, 1), 9)
        self.add("list_item", unwrap(text), level=depth, prefix="  " * (depth - 1) + marker + " ")

    def table(self, rows: Sequence[Sequence[str]], *, header: bool) -> None:
        """Adds a table's rows, each cell after its header.

        Args:
            rows: Cells as text, row by row.
            header: Whether the first row names the columns.
        """
        for line in table_lines(rows, header=header):
            self.add("table_row", line)

    def cells(self, rows: Sequence[Sequence[Cell]], *, header: bool | None) -> None:
        """Adds a table whose cells may span rows and columns.

        Args:
            rows: The cells that begin in each row.
            header: Whether the first row names the columns; None tells it from what it looks like.
        """
        laid = lay_out(rows)
        for caption in laid.captions:
            self.paragraph(caption)
        self.table(laid.rows, header=looks_like_header(laid.rows) if header is None else header)

    def finish(self) -> tuple[tuple[LoadedPage, ...], tuple[PageNote, ...]]:
        """Closes the last page and gives the pages that have text and the notes."""
        self.close_page()
        if self._cut:
            self._notes.append(PageNote(0, "over_limit", f"indexed in part: {self._cut}"))
        return tuple(self._pages), tuple(self._notes)


def first_heading(pages: Sequence[LoadedPage]) -> str:
    """Text of the first heading on the first two pages, of the lowest level there; "" if there is none."""
    headings = [
        (block.level, page.text[block.start : block.end])
        for page in pages[:2]
        for block in page.blocks
        if block.kind == "heading"
    ]
    return unwrap(min(headings, key=lambda pair: pair[0])[1]) if headings else ""
