"""Tables whose cells span rows and columns: in come the cells of each row, out goes a text for every column of each.

A cell over several rows says the same in each, so that no row stands without what it is about. Headers in two or three
rows become one: `Poles` over `2023` and `2024` gives `Poles 2023` and `Poles 2024`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEADER_CELL_CHARS = 80
COLUMNS = 200
_HEADER_ROWS = 3
_FIGURES = re.compile(r"[\d.,%\s+\-–—¥$€]+")
_YEAR = re.compile(r"(?:19|20)\d\d(?:\s*[-–/]\s*(?:19|20)?\d\d)?")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, and how many columns and rows it spans, from 1."""

    text: str
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table laid out.

    Attributes:
        captions: Texts of first rows that are one cell over the whole width.
        rows: Text by column; headers in several rows are the first one.
    """

    captions: tuple[str, ...]
    rows: list[list[str]]


@dataclass(slots=True)
class _Place:
    """What stands at one place of the grid.

    Attributes:
        text: The cell's text.
        across: Whether it is a further column of a cell that spans several.
        wide: Whether the cell spans several columns.
        down: Whether it is a further row of a cell that spans several.
    """

    text: str = ""
    across: bool = False
    wide: bool = False
    down: bool = False


def lay_out(rows: Sequence[Sequence[Cell]]) -> Table:
    """The table of these rows; a row lists the cells that begin in it, in order, none that come down from above.

    A text of more than 80 characters over several rows stands in the first only.
    """
    grid = _grid(rows)
    captions: list[str] = []
    while len(grid) > 1 and len(grid[0]) > 1 and all(place.across for place in grid[0][1:]):
        captions.append(grid.pop(0)[0].text)
    deep = _header_depth(grid)
    texts = [["" if place.across else place.text for place in row] for row in grid]
    if deep > 1:
        names = [" ".join(dict.fromkeys(filter(None, column))) for column in _columns(grid[:deep])]
        texts = [names, *texts[deep:]]
    return Table(tuple(filter(None, captions)), texts)


def _grid(rows: Sequence[Sequence[Cell]]) -> list[list[_Place]]:
    """All rows at the same width, every place filled."""
    found: list[dict[int, _Place]] = [{} for _ in rows]
    for number, row in enumerate(rows):
        column = 0
        for cell in row:
            while column in found[number]:
                column += 1
            if column >= COLUMNS:
                break
            for line in range(number, min(number + max(cell.rows, 1), len(rows))):
                text = cell.text if line == number or len(cell.text) <= HEADER_CELL_CHARS else ""
                for at in range(column, min(column + max(cell.columns, 1), COLUMNS)):
                    found[line][at] = _Place(text, at > column, cell.columns > 1, line > number)
            column += max(cell.columns, 1)
    width = max((max(row, default=-1) + 1 for row in found), default=0)
    return [[row.get(column) or _Place() for column in range(width)] for row in found]


def _header_depth(grid: Sequence[Sequence[_Place]]) -> int:
    """How many first rows are one header: those below cells over several columns, where nothing else has a text."""
    deep = 1
    while deep < min(_HEADER_ROWS, len(grid) - 1) and any(place.wide for place in grid[deep - 1]):
        pairs = list(zip(grid[deep - 1], grid[deep], strict=True))
        if any(below.text and not below.down and not above.wide for above, below in pairs):
            break
        deep += 1
    return deep


def _columns(grid: Sequence[Sequence[_Place]]) -> list[list[str]]:
    return [[row[column].text for row in grid] for column in range(len(grid[0]))]


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: full, short, distinct and without figures, above a further row.

    Years are no figures here, unless the first cell is one or the next row has years below them.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = [cell for cell in rows[0] if cell]
    if len(first) < max(2, len(rows[0]) - 1) or len(set(first)) < len(first):
        return False
    return all(len(cell) <= HEADER_CELL_CHARS for cell in first) and all(
        _is_year_above(column, cell, rows[1]) for column, cell in enumerate(rows[0]) if _FIGURES.fullmatch(cell)
    )


def _is_year_above(column: int, cell: str, below: Sequence[str]) -> bool:
    under = below[column] if column < len(below) else ""
    return column > 0 and bool(_YEAR.fullmatch(cell)) and not _YEAR.fullmatch(under)
