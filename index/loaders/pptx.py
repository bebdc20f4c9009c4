"""Presentations: a slide is a page; its title is a heading, its text lists and paragraphs, its notes paragraphs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, cast

import pptx

from index.loaders.office import check_archive, readable
from index.loaders.page_text import PageBuilder, first_heading
from index.loaders.table import Cell
from index.loaders.types import LoadedDocument
from index.metadata import Metadata
from index.settings import LimitSettings

NAME = "pptx/2"
MAX_DEPTH = 20
_JUNK_TITLES = frozenset({"powerpoint presentation", "presentation", "untitled", "ppt演示文稿"})


class _Paragraph(Protocol):
    text: str
    level: int


class _Frame(Protocol):
    paragraphs: Iterable[_Paragraph]


class _Cell(Protocol):
    text: str
    is_merge_origin: bool
    is_spanned: bool
    span_width: int
    span_height: int


class _Row(Protocol):
    cells: Iterable[_Cell]


class _Table(Protocol):
    rows: Iterable[_Row]
    first_row: bool


class _Series(Protocol):
    name: str
    values: Iterable[float | None]


class _Plot(Protocol):
    categories: Iterable[object]
    series: Iterable[_Series]


class _Chart(Protocol):
    plots: Iterable[_Plot]


class _Shape(Protocol):
    shape_id: int
    has_chart: bool
    chart: _Chart
    has_text_frame: bool
    text_frame: _Frame
    is_placeholder: bool
    has_table: bool
    table: _Table
    shapes: Iterable[_Shape]
    top: int | None
    left: int | None


class _Shapes(Protocol):
    title: _Shape | None

    def __iter__(self) -> Iterator[_Shape]: ...


class _Notes(Protocol):
    notes_text_frame: _Frame | None


class _Element(Protocol):
    def get(self, key: str) -> str | None: ...


class _Slide(Protocol):
    shapes: _Shapes
    element: _Element
    has_notes_slide: bool
    notes_slide: _Notes


def load(path: Path, limits: LimitSettings) -> LoadedDocument:
    """A presentation, hidden slides left out and reported.

    Raises:
        UnreadableError: If it is encrypted, damaged or unpacks to too much.
    """
    check_archive(path, limits)
    builder = PageBuilder(pages=limits.pages, chars=limits.chars)
    with readable("PowerPoint"):
        presentation = pptx.Presentation(str(path))
        slides = [cast(_Slide, slide) for slide in presentation.slides]
        for position, slide in enumerate(slides):
            if builder.full:
                break
            if position:
                builder.next_page()
            if slide.element.get("show") in ("0", "false"):
                builder.note("hidden_text", "a hidden slide is left out")
            else:
                _add_slide(builder, slide)
        title = " ".join((presentation.core_properties.title or "").split())
    pages, notes = builder.finish()
    title = "" if title.lower() in _JUNK_TITLES else title
    return LoadedDocument(NAME, Metadata(), pages, notes, len(slides), Metadata(title=title or first_heading(pages)))


def _add_slide(builder: PageBuilder, slide: _Slide) -> None:
    title = slide.shapes.title
    if title is not None:
        builder.heading(" ".join(paragraph.text for paragraph in title.text_frame.paragraphs), 1)
    for shape in _in_order(slide.shapes, 0):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if getattr(shape, "has_table", False):
            rows = [[_cell(cell) for cell in row.cells if not cell.is_spanned] for row in shape.table.rows]
            builder.cells(rows, header=shape.table.first_row or None)
        elif getattr(shape, "has_chart", False):
            for plot in shape.chart.plots:
                builder.table(_plotted(plot), header=True)
        elif shape.has_text_frame:
            _add_frame(builder, shape.text_frame, listed=shape.is_placeholder)
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if notes is not None:
        _add_frame(builder, notes, listed=False)
    if not builder.started and next(_in_order(slide.shapes, 0), None) is not None:
        builder.note("no_text", "no text: a slide of pictures; add what they say as text or notes")


def _plotted(plot: _Plot) -> list[list[str]]:
    """A chart's data as a table, a row a category."""
    series = list(plot.series)
    columns = [[str(category) for category in plot.categories]]
    columns += [["" if value is None else f"{value:.10g}" for value in one.values] for one in series]
    return [["", *(one.name for one in series)], *(list(row) for row in zip(*columns, strict=False))]


def _cell(cell: _Cell) -> Cell:
    return Cell(cell.text, cell.span_width, cell.span_height) if cell.is_merge_origin else Cell(cell.text)


def _add_frame(builder: PageBuilder, frame: _Frame, *, listed: bool) -> None:
    """Adds a text frame: the paragraphs of a placeholder are a list where there are several."""
    paragraphs = [paragraph for paragraph in frame.paragraphs if paragraph.text.strip()]
    for paragraph in paragraphs:
        text = paragraph.text.replace("\v", "\n")
        if paragraph.level or (listed and len(paragraphs) > 1):
            builder.list_item(text, paragraph.level + 1)
        else:
            builder.paragraph(text)


def _in_order(shapes: Iterable[_Shape], depth: int) -> Iterator[_Shape]:
    """Shapes and those in groups, from top to bottom, from left to right."""
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        inner = getattr(shape, "shapes", None)
        if inner is not None and depth < MAX_DEPTH:
            yield from _in_order(inner, depth + 1)
        else:
            yield shape
