"""Word documents: headings by style, lists, tables and footnotes in reading order; a page ends at an explicit break."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast

import docx
from docx.oxml import parse_xml

from index.loaders.office import check_archive, readable
from index.loaders.page_text import PageBuilder, first_heading, table_lines
from index.loaders.table import COLUMNS, Cell, lay_out, looks_like_header
from index.loaders.types import LoadedDocument
from index.metadata import Metadata
from index.settings import LimitSettings

NAME = "docx/2"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING_STYLE = re.compile(r"(?:heading|标题|標題)\s*(\d)", re.IGNORECASE)
_LIST_STYLE = re.compile(r"list\s*(?:bullet|number|paragraph)?|列表|项目符号", re.IGNORECASE)
_SKIPPED = frozenset(
    {f"{_W}del", f"{_W}moveFrom", f"{_W}txbxContent", _FALLBACK, f"{_W}instrText", f"{_W}rPr", f"{_W}pPr"}
)
_WRAPPERS = frozenset({f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins"})
HEADING_CHARS = 200
TINY_HALF_POINTS = 3


class _Element(Protocol):
    """What is used of an lxml element."""

    tag: str
    text: str | None

    def get(self, key: str) -> str | None: ...
    def find(self, path: str) -> _Element | None: ...
    def iter(self, *tags: str) -> Iterator[_Element]: ...
    def __iter__(self) -> Iterator[_Element]: ...


def load(path: Path, limits: LimitSettings) -> LoadedDocument:
    """A .docx file; its pages are what lies between explicit page breaks.

    Raises:
        UnreadableError: If it is encrypted, damaged or unpacks to too much.
    """
    check_archive(path, limits)
    builder = PageBuilder(pages=limits.pages, chars=limits.chars)
    with readable("Word"):
        document = docx.Document(str(path))
        writer = _Writer(builder, cast(_Element, document.element), cast(_Element, document.styles.element))
        writer.body(cast(_Element, document.element.body))
        for part in document.part.package.iter_parts():
            if str(part.partname).endswith(("/footnotes.xml", "/endnotes.xml")):
                writer.notes(cast(_Element, parse_xml(part.blob)))
        title = " ".join((document.core_properties.title or "").split())
    if writer.hidden_chars:
        builder.note("hidden_text", f"{writer.hidden_chars} characters formatted as hidden, white or tiny dropped")
    pages, notes = builder.finish()
    title = "" if title.lower() in ("word document", "untitled", "document") else title
    properties = Metadata(title=title or first_heading(pages))
    return LoadedDocument(NAME, Metadata(), pages, notes, builder.number, properties)


def _value(element: _Element | None, path: str) -> str | None:
    """The value of an element's descendant, "" where it stands without one, None where there is none."""
    found = element.find(path) if element is not None else None
    return None if found is None else found.get(f"{_W}val") or ""


class _Styles:
    """Names, heading levels and hidden flags of paragraph and character styles."""

    def __init__(self, root: _Element) -> None:
        self._styles = {style.get(f"{_W}styleId") or "": style for style in root.iter(f"{_W}style")}

    def heading(self, style_id: str) -> int:
        """Heading level of a style, following what it is based on; 0 if it is none."""
        for style in self._chain(style_id):
            name = _value(style, f"{_W}name") or ""
            match = _HEADING_STYLE.match(name)
            if match or name.lower() == "title":
                return int(match[1]) if match else 1
            outline = _value(style, f"{_W}pPr/{_W}outlineLvl")
            if outline is not None and outline.isdecimal() and int(outline) < 9:
                return int(outline) + 1
        return 0

    def is_list(self, style_id: str) -> bool:
        """Whether paragraphs of a style are list items."""
        return any(
            _LIST_STYLE.match(_value(style, f"{_W}name") or "") or style.find(f"{_W}pPr/{_W}numPr") is not None
            for style in self._chain(style_id)
        )

    def hides(self, style_id: str) -> bool:
        """Whether a style hides its text."""
        return any(_value(style, f"{_W}rPr/{_W}vanish") in ("", "1", "true") for style in self._chain(style_id))

    def _chain(self, style_id: str) -> Iterator[_Element]:
        for _ in range(10):
            style = self._styles.get(style_id)
            if style is None:
                return
            yield style
            style_id = _value(style, f"{_W}basedOn") or ""


class _Writer:
    """Adds the body of a document to a builder."""

    def __init__(self, builder: PageBuilder, root: _Element, styles: _Element) -> None:
        self.hidden_chars = 0
        self._builder = builder
        self._root = root
        self._styles = _Styles(styles)

    @cached_property
    def _has_shading(self) -> bool:
        """Whether white text may stand on a colour somewhere in the document."""
        return next(self._root.iter(f"{_W}shd", f"{_W}background", f"{_W}highlight"), None) is not None

    def body(self, container: _Element) -> None:
        """Adds paragraphs, tables and what content controls hold, in order."""
        for child in container:
            if self._builder.full:
                return
            if child.tag == f"{_W}p":
                self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                self._builder.cells(self._rows(child), header=_marks_header(child) or None)
            elif child.tag in _WRAPPERS:
                self.body(child)

    def notes(self, root: _Element) -> None:
        """Adds footnotes or endnotes as paragraphs."""
        for note in root:
            if note.get(f"{_W}type") in (None, "normal"):
                self._builder.paragraph(" ".join(self._text(paragraph) for paragraph in note.iter(f"{_W}p")))

    def _paragraph(self, paragraph: _Element) -> None:
        properties = paragraph.find(f"{_W}pPr")
        if properties is not None and properties.find(f"{_W}pageBreakBefore") is not None and self._builder.started:
            self._builder.next_page()
        before, broken, after = self._text(paragraph).partition("\f")
        self._add(before, properties)
        if broken:
            self._builder.next_page()
            self._add(after.replace("\f", "\n"), properties)
        for box in paragraph.iter(f"{_W}txbxContent"):
            if not _in_fallback(box, paragraph):
                self.body(box)

    def _add(self, text: str, properties: _Element | None) -> None:
        style = _value(properties, f"{_W}pStyle") or ""
        outline = _value(properties, f"{_W}outlineLvl")
        level = int(outline) + 1 if outline is not None and outline.isdecimal() else self._styles.heading(style)
        number = properties.find(f"{_W}numPr") if properties is not None else None
        if 0 < level < 10 and len(text) <= HEADING_CHARS:
            self._builder.heading(text, level)
        elif number is not None or self._styles.is_list(style):
            depth = _value(number, f"{_W}ilvl") or "0"
            self._builder.list_item(text, int(depth) + 1 if depth.isdecimal() else 1)
        else:
            self._builder.paragraph(text)

    def _text(self, element: _Element) -> str:
        """Visible text below an element; a page break is a form feed."""
        parts: list[str] = []
        for child in element:
            if child.tag in _SKIPPED:
                continue
            if child.tag == f"{_W}r" and self._is_hidden(child):
                self.hidden_chars += sum(len(text.text or "") for text in child.iter(f"{_W}t"))
            elif child.tag == f"{_W}t":
                parts.append(child.text or "")
            elif child.tag in (f"{_W}tab", f"{_W}ptab"):
                parts.append(" ")
            elif child.tag in (f"{_W}br", f"{_W}cr"):
                parts.append("\f" if child.get(f"{_W}type") == "page" else "\n")
            elif child.tag == f"{_W}noBreakHyphen":
                parts.append("-")
            else:
                parts.append(self._text(child))
        return "".join(parts)

    def _is_hidden(self, run: _Element) -> bool:
        properties = run.find(f"{_W}rPr")
        if properties is None:
            return False
        vanish = _value(properties, f"{_W}vanish")
        if vanish is not None:
            return vanish not in ("0", "false")
        size = _value(properties, f"{_W}sz") or ""
        if size.isdecimal() and int(size) <= TINY_HALF_POINTS:
            return True
        if (_value(properties, f"{_W}color") or "").upper() == "FFFFFF" and not self._has_shading:
            return True
        return self._styles.hides(_value(properties, f"{_W}rStyle") or "")

    def _rows(self, table: _Element) -> list[list[Cell]]:
        """The cells that begin in each row of a table."""
        rows: list[list[Cell]] = []
        open_cells: dict[int, tuple[int, int]] = {}  # row and place of the cell that may go on down a column
        for row in _children(table, "tr"):
            rows.append([])
            column = _count(_value(row, f"{_W}trPr/{_W}gridBefore"), 0)
            rows[-1].extend([Cell("")] * column)
            for cell in _children(row, "tc"):
                merge = _value(cell, f"{_W}tcPr/{_W}vMerge")
                columns = max(1, _count(_value(cell, f"{_W}tcPr/{_W}gridSpan"), 1))
                if merge in ("", "continue") and column in open_cells:
                    above, place = open_cells[column]
                    rows[above][place] = replace(rows[above][place], rows=len(rows) - above)
                else:
                    open_cells[column] = (len(rows) - 1, len(rows[-1]))
                    rows[-1].append(Cell(self._cell(cell), columns))
                column += columns
        return rows

    def _cell(self, cell: _Element) -> str:
        """A cell's text; of tables inside it the rows with their headers."""
        parts: list[str] = []
        for child in cell:
            if child.tag == f"{_W}tbl":
                rows = lay_out(self._rows(child)).rows
                parts.append("; ".join(table_lines(rows, header=_marks_header(child) or looks_like_header(rows))))
            elif child.tag == f"{_W}p":
                parts.append(self._text(child).replace("\f", " "))
                parts.extend(self._cell(box) for box in child.iter(f"{_W}txbxContent") if not _in_fallback(box, child))
            elif child.tag in _WRAPPERS:
                parts.append(self._cell(child))
        return " ".join(filter(str.strip, parts))


def _count(value: str | None, otherwise: int) -> int:
    return min(int(value), COLUMNS) if value is not None and value.isdecimal() else otherwise


def _children(element: _Element, name: str) -> Iterator[_Element]:
    """Children of a name, also inside content controls and insertions."""
    for child in element:
        if child.tag == f"{_W}{name}":
            yield child
        elif child.tag in _WRAPPERS:
            yield from _children(child, name)


def _marks_header(table: _Element) -> bool:
    row = table.find(f"{_W}tr")
    return row is not None and row.find(f"{_W}trPr/{_W}tblHeader") is not None


def _in_fallback(box: _Element, paragraph: _Element) -> bool:
    return any(box is inner for fallback in paragraph.iter(_FALLBACK) for inner in fallback.iter(f"{_W}txbxContent"))
