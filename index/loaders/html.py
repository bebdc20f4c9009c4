"""HTML: what a reader sees of a page, as headings, paragraphs, list items and table rows.

Scripts, styles, navigation and form controls go; hidden elements go and are reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from index.loaders.encoding import decode, read_bytes
from index.loaders.page_text import PageBuilder, first_heading
from index.loaders.table import Cell
from index.loaders.types import LoadedDocument, UnreadableError
from index.metadata import Metadata, iso_date
from index.settings import LimitSettings

NAME = "html/2"
MAX_DEPTH = 200
ROWS = 65_534
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_\-]{2,30})""", re.IGNORECASE)
_DROPPED = frozenset(
    "script style noscript template nav head svg math iframe object embed button select option input textarea canvas "
    "audio video map dialog".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form "
    "header hr html legend main menu ol p pre section summary table tbody td tfoot th thead tr ul li h1 h2 h3 h4 h5 "
    "h6".split()
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?![.\d])|opacity\s*:\s*0?\.0\d*\s*(?:;|$)"
    r"|font-size\s*:\s*(?:0|0?\.\d+|1)(?:px|pt|em|rem|%)?\s*(?:!important\s*)?(?:;|$)"
    r"|(?:left|top|text-indent)\s*:\s*-\d{3,}|color\s*:\s*transparent",
    re.IGNORECASE,
)
_WHITE = re.compile(r"(?<!-)color\s*:\s*(?:white|#fff(?:fff)?|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\))\b", re.IGNORECASE)
_HIDING_RULE = re.compile(r"([^{}]{1,2000})\{([^{}]{0,2000})\}")
_SIMPLE_SELECTOR = re.compile(r"[.#][\w-]+$")
_DATE_META = ("article:published_time", "publishdate", "pubdate", "publish_date", "dc.date", "dc.date.issued", "date")


def load(path: Path, limits: LimitSettings) -> LoadedDocument:
    """An HTML file as one page.

    Raises:
        UnreadableError: If it is too big, empty or no text.
    """
    data = read_bytes(path, limit_mb=limits.file_mb)
    declared = _CHARSET.search(data[:4096])
    decoded = decode(data, declared=declared[1].decode("ascii") if declared else "")
    try:
        soup = BeautifulSoup(decoded.text.replace("\x00", ""), "lxml")
    except RecursionError as error:
        raise UnreadableError("elements nested too deeply to be read; save it as plain text or PDF") from error
    builder = PageBuilder(pages=limits.pages, chars=limits.chars)
    writer = _Writer(builder, soup)
    for root in soup.find_all(True, recursive=False):
        writer.walk(root)
    writer.flush()
    if writer.hidden_chars:
        builder.note("hidden_text", f"{writer.hidden_chars} characters in hidden elements dropped")
    if writer.too_deep:
        builder.note("over_limit", f"indexed in part: elements nested deeper than {MAX_DEPTH} levels are left out")
    pages, notes = builder.finish()
    title, published = _head(soup)
    properties = Metadata(title=title or first_heading(pages), published=published)
    return LoadedDocument(NAME, Metadata(), pages, (*decoded.notes(), *notes), 1, properties)


def _head(soup: BeautifulSoup) -> tuple[str, str]:
    """Title and date of publication that the page's head declares, each "" if it does not."""
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for meta in soup.find_all("meta"):
        name = str(meta.get("property") or meta.get("name") or "").lower()
        if name in _DATE_META:
            published = iso_date(str(meta.get("content") or "")[:10].replace("/", "-"))
            if published:
                return title, published
    return title, ""


def _hiding_selectors(soup: BeautifulSoup) -> frozenset[str]:
    """Class and id selectors that the page's own style sheets hide."""
    found: set[str] = set()
    for sheet in soup.find_all("style"):
        for selectors, rules in _HIDING_RULE.findall(sheet.get_text()[:200_000]):
            if _HIDDEN_STYLE.search(rules):
                found.update(s.strip() for s in selectors.split(",") if _SIMPLE_SELECTOR.match(s.strip()))
    return frozenset(found)


class _Writer:
    """Walks elements and adds what is visible to the builder, block by block."""

    def __init__(self, builder: PageBuilder, soup: BeautifulSoup) -> None:
        self.hidden_chars = 0
        self.too_deep = False
        self._builder = builder
        self._hiding = _hiding_selectors(soup)
        self._backgrounds = "background" in "".join(str(tag.get("style") or "") for tag in soup.find_all(style=True))
        self._backgrounds |= any("background" in sheet.get_text() for sheet in soup.find_all("style"))
        self._backgrounds |= soup.find(bgcolor=True) is not None
        self._inline: list[str] = []
        self._lists: list[str] = []
        self._heading = 0
        self._item = 0
        self._marker = "-"

    def flush(self) -> None:
        """Ends the block that inline text is being collected for."""
        text = "".join(self._inline)
        self._inline.clear()
        if not text.strip():
            return
        if self._heading:
            self._builder.heading(text, self._heading)
        elif self._item:
            self._builder.list_item(text, self._item, self._marker)
            self._marker = " "
        else:
            self._builder.paragraph(text)

    def walk(self, node: PageElement, depth: int = 0) -> None:
        """Adds a node and all below it, in document order."""
        if isinstance(node, NavigableString):
            if not isinstance(node, PreformattedString):
                self._inline.append(str(node))
            return
        if not isinstance(node, Tag) or node.name in _DROPPED or self._builder.full:
            return
        if self._is_hidden(node):
            self.hidden_chars += len("".join(node.get_text().split()))
            return
        if depth > MAX_DEPTH:
            self.too_deep = True
            return
        self._enter(node, depth)

    def _enter(self, tag: Tag, depth: int) -> None:
        if tag.name == "br":
            self._inline.append("\n")
        elif tag.name == "table" and not _is_layout(tag):
            self.flush()
            self._table(tag)
        elif tag.name == "pre":
            self.flush()
            self._builder.add("paragraph", self._visible_text(tag))
        elif tag.name in _BLOCKS:
            self.flush()
            self._block(tag, depth)
            self.flush()
        else:
            self._children(tag, depth)

    def _block(self, tag: Tag, depth: int) -> None:
        """Adds a block element: headings, lists and items set what their text becomes, and reset it after."""
        heading, item, marker = self._heading, self._item, self._marker
        if re.fullmatch(r"h[1-6]", tag.name):
            self._heading = int(tag.name[1])
        elif tag.name in ("ul", "ol", "menu"):
            self._lists.append(tag.name)
        elif tag.name == "li":
            self._item = max(1, len(self._lists))
            position = len(tag.find_previous_siblings("li")) + 1 if self._lists[-1:] == ["ol"] else 0
            self._marker = f"{position}." if position else "-"
        self._children(tag, depth)
        self.flush()
        if tag.name in ("ul", "ol", "menu"):
            self._lists.pop()
        self._heading, self._item = heading, item
        self._marker = marker if tag.name == "li" else self._marker

    def _children(self, tag: Tag, depth: int) -> None:
        for child in tag.children:
            self.walk(child, depth + 1)

    def _is_hidden(self, tag: Tag) -> bool:
        if tag.has_attr("hidden") or str(tag.get("aria-hidden", "")).lower() == "true":
            return True
        style = str(tag.get("style") or "")
        if style and (_HIDDEN_STYLE.search(style) or (not self._backgrounds and _WHITE.search(style))):
            return True
        if not self._backgrounds and str(tag.get("color") or "").lower() in ("white", "#ffffff", "#fff"):
            return True
        names = tag.get_attribute_list("class")
        return any(f".{name}" in self._hiding for name in names if name) or f"#{tag.get('id')}" in self._hiding

    def _visible_text(self, tag: Tag) -> str:
        """Text below a tag without what is hidden or dropped."""
        parts: list[str] = []
        for child in tag.children:
            if isinstance(child, NavigableString):
                parts.append("" if isinstance(child, PreformattedString) else str(child))
            elif isinstance(child, Tag) and self._is_hidden(child):
                self.hidden_chars += len("".join(child.get_text().split()))
            elif isinstance(child, Tag) and child.name not in _DROPPED:
                space = " " if child.name in _BLOCKS or child.name == "br" else ""
                parts.append(f"{space}{self._visible_text(child)}{space}")
        return "".join(parts)

    def _table(self, table: Tag) -> None:
        caption = table.find("caption")
        if isinstance(caption, Tag):
            self._builder.paragraph(self._visible_text(caption))
        rows: list[list[Cell]] = []
        header = False
        for position, row in enumerate(_rows(table)):
            cells = row.find_all(["td", "th"], recursive=False)
            if self._is_hidden(row):
                self.hidden_chars += len("".join(row.get_text().split()))
                continue
            header |= position == 0 and len(cells) > 1 and all(cell.name == "th" for cell in cells)
            rows.append([self._cell(cell) for cell in cells])
        self._builder.cells(rows, header=header or (None if table.find("th") is None else False))

    def _cell(self, cell: Tag) -> Cell:
        text = "" if self._is_hidden(cell) else self._visible_text(cell)
        down = str(cell.get("rowspan") or "1")  # 0: to the end of the table
        return Cell(text, _span(str(cell.get("colspan") or "1")) or 1, _span(down) or ROWS)


def _span(text: str) -> int:
    return min(int(text), ROWS) if text.isdecimal() else 1


def _rows(table: Tag) -> Iterator[Tag]:
    """Rows of a table itself, not of tables in its cells."""
    for child in table.find_all(["tr", "thead", "tbody", "tfoot"], recursive=False):
        if child.name == "tr":
            yield child
        else:
            yield from child.find_all("tr", recursive=False)


def _is_layout(table: Tag) -> bool:
    """Whether a table arranges a page instead of holding data: one column, or whole sections in its cells."""
    if table.find("th") is not None:
        return False
    if table.find(["h1", "h2", "h3", "h4", "ul", "ol", "table", "div"]) is not None:
        return True
    return all(len(row.find_all("td", recursive=False)) < 2 for row in _rows(table))
