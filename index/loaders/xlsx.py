"""Workbooks: a sheet is a page with its name as label, every row with the names of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

import openpyxl

from index.loaders.office import check_archive, readable
from index.loaders.page_text import PageBuilder, looks_like_header
from index.loaders.types import LoadedDocument
from index.metadata import Metadata
from index.settings import LimitSettings

NAME = "xlsx/1"
COLUMNS = 200
ROWS = 1_048_576
BLANK_ROWS = 5000


class _Cell(Protocol):
    value: object
    number_format: str


class _Sheet(Protocol):
    title: str
    sheet_state: str
    max_column: int | None

    def iter_rows(self, *, max_col: int) -> Iterable[Sequence[_Cell]]: ...


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
                _add_sheet(builder, sheet)
        workbook.close()
    pages, notes = builder.finish()
    return LoadedDocument(NAME, Metadata(), pages, notes, len(sheets), Metadata(title=title))


def _add_sheet(builder: PageBuilder, sheet: _Sheet) -> None:
    """Adds a sheet: lone cells above and between tables as text, every run of rows between blank ones as a table."""
    table: list[list[str]] = []
    blank = 0
    for row in islice(sheet.iter_rows(max_col=min(sheet.max_column or COLUMNS, COLUMNS)), ROWS):
        cells = [_shown(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        blank = 0 if cells else blank + 1
        if blank > BLANK_ROWS or builder.full:
            break
        if sum(map(bool, cells)) > 1 or (cells and table):
            table.append(cells)
        else:
            _add_table(builder, table)
            table = []
            builder.paragraph(" ".join(cells))
    _add_table(builder, table)


def _add_table(builder: PageBuilder, table: list[list[str]]) -> None:
    width = max(map(len, table), default=0)
    rows = [row + [""] * (width - len(row)) for row in table]
    builder.table(rows, header=looks_like_header(rows))


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
