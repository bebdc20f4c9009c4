"""Workbooks: a sheet is a page with its name as label, every row with the names of its columns."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

import openpyxl

from index.loaders.office import check_archive, readable
from index.loaders.page_text import PageBuilder
from index.loaders.table import COLUMNS, Cell
from index.loaders.types import LoadedDocument
from index.metadata import Metadata
from index.settings import LimitSettings

NAME = "xlsx/2"
ROWS = 1_048_576
BLOCK = 1 << 16
OVERLAP = 200
_MERGED = re.compile(rb'<mergeCell [^>]{0,60}?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_NOT_COMPUTED = re.compile(rb"</f>\s{0,9}(?:<v\s?/>|<v></v>)?\s{0,9}</c>")
BLANK_ROWS = 5000
MERGED = 100_000


class _Cell(Protocol):
    value: object
    number_format: str


class _Sheet(Protocol):
    title: str
    _worksheet_path: str
    sheet_state: str

    def reset_dimensions(self) -> None: ...
    def iter_rows(self) -> Iterable[Sequence[_Cell]]: ...


def load(path: Path, limits: LimitSettings) -> LoadedDocument:
    """A workbook, hidden sheets left out and reported; formulas count with the values last computed.

    Raises:
        UnreadableError: If it is encrypted, damaged or unpacks to too much.
    """
    check_archive(path, limits)
    builder = PageBuilder(pages=limits.pages, chars=limits.chars)
    with readable("Excel"):
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        title = " ".join((workbook.properties.title or "").split())
        sheets = [cast(_Sheet, sheet) for sheet in workbook.worksheets]
        for position, sheet in enumerate(sheets):
            if builder.full:
                break
            if position:
                builder.next_page(sheet.title)
            else:
                builder.open_page(1, sheet.title)
            if sheet.sheet_state != "visible":
                builder.note("hidden_text", f"the hidden sheet {sheet.title!r} is left out")
            else:
                _add_sheet(builder, sheet, _extras(path, sheet))
        workbook.close()
    pages, notes = builder.finish()
    return LoadedDocument(NAME, Metadata(), pages, notes, len(sheets), Metadata(title=title))


@dataclass
class _Extras:
    """What openpyxl does not tell when it reads a sheet row by row.

    Attributes:
        spans: Rows and columns of each merged cell by its row and column, from 0.
        covered: The other places of merged cells.
        not_computed: Formulas that no value was stored for.
    """

    spans: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    covered: set[tuple[int, int]] = field(default_factory=set)
    not_computed: int = 0


def _extras(path: Path, sheet: _Sheet) -> _Extras:
    """Merged cells and formulas without a value, from the sheet's XML a block at a time."""
    found = _Extras()
    with zipfile.ZipFile(path) as archive, archive.open(sheet._worksheet_path.lstrip("/")) as file:
        rest = b""
        while block := file.read(BLOCK):
            text = rest + block
            end = 0
            for match in _NOT_COMPUTED.finditer(text):
                found.not_computed += 1
                end = match.end()
            for match in _MERGED.finditer(text):
                _merge(found, match)
                end = max(end, match.end())
            rest = text[max(end, len(text) - OVERLAP) :]
    return found


def _merge(found: _Extras, match: re.Match[bytes]) -> None:
    left, top, right, bottom = match.groups()
    row, column = int(top) - 1, _column(left)
    rows, columns = int(bottom) - row, min(_column(right) - column + 1, COLUMNS)
    if rows < 1 or columns < 1 or rows * columns > MERGED or len(found.covered) > MERGED:
        return
    found.spans[row, column] = (rows, columns)
    places = {(row + down, column + across) for down in range(rows) for across in range(columns)}
    found.covered |= places - {(row, column)}


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _add_sheet(builder: PageBuilder, sheet: _Sheet, extras: _Extras) -> None:
    """Adds a sheet: lone cells above and between tables as text, every run of rows between blank ones as a table."""
    table: list[list[Cell]] = []
    blank = 0
    widest = 0
    sheet.reset_dimensions()  # some programs write A1 whatever the sheet holds
    for number, row in enumerate(islice(sheet.iter_rows(), ROWS)):
        widest = max(widest, len(row))
        texts = [_shown(cell) for cell in row[:COLUMNS]]
        while texts and not texts[-1]:
            texts.pop()
        blank = 0 if texts else blank + 1
        if blank > BLANK_ROWS or builder.full:
            break
        if sum(map(bool, texts)) > 1 or (texts and table):
            table.append(list(_cells(number, texts, extras)))
        else:
            builder.cells(table, header=None)
            table = []
            builder.paragraph(" ".join(texts))
    builder.cells(table, header=None)
    if widest > COLUMNS:
        builder.note("over_limit", f"indexed in part: at most {COLUMNS} of {widest:,} columns are read")
    if extras.not_computed:
        what = "1 formula" if extras.not_computed == 1 else f"{extras.not_computed:,} formulas"
        builder.note("no_text", f"{what} without a stored value left out; open it in a spreadsheet program and save it")


def _cells(row: int, texts: Sequence[str], extras: _Extras) -> Iterator[Cell]:
    """The cells that begin in a row."""
    for column, text in enumerate(texts):
        if (row, column) not in extras.covered:
            rows, columns = extras.spans.get((row, column), (1, 1))
            yield Cell(text, columns, rows)


def _shown(cell: _Cell) -> str:
    """A cell's value as a reader sees it: dates as ISO, per cent as such, thousands separated where the cell asks."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes") if value.time() != time() else value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format or ""))
    return str(value)


def _number(value: int | float, pattern: str) -> str:
    percent = "%" in pattern
    shown = value * 100 if percent else value
    text = f"{round(shown, 10):,.10f}" if "," in pattern else f"{round(shown, 10):.10f}"
    text = text.rstrip("0").rstrip(".")
    return f"{text}%" if percent else text
