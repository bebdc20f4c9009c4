"""One PDF page by pdfium: the text that a reader sees, its lines with their places, and how much text was hidden.

Coordinates are points from the page's lower left corner as displayed, y upwards. pdfium is not thread-safe.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from index.language import visible
from index.loaders.page_text import CONTROL, SMUGGLED

TINY_POINTS = 1.6
TINY_SHARE = 0.0025
SCAN_SHARE = 0.4
WHITE = 250
MAX_DEPTH = 8
MAX_ANNOTATIONS = 1000
_WRITTEN = (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_STAMP)
JOIN = "\ufffe"
_HYPHENS = "\ufffe\x02"
_JOINED = re.compile(f"{JOIN}(?=.*\\S)")
_RUN = re.compile(r"\s+|\S+")
_SPACE = re.compile(r"(?<=\S)[ \t]+(?=\S)")
_INVISIBLE = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
_SHAPES = (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING)

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


@dataclass(frozen=True)
class Line:
    """One line of a page's text.

    Attributes:
        start: First character in the page's text.
        end: One past the last.
        box: Its place; all zero where it is unknown.
        size: Height of its characters in points, 0 where it is unknown.
        bold: Whether it is set in a heavy weight.
        gaps: Spaces in it that are wider than a character is high, as between the cells of a table.
    """

    start: int
    end: int
    box: Box = (0.0, 0.0, 0.0, 0.0)
    size: float = 0.0
    bold: bool = False
    gaps: int = 0


@dataclass(frozen=True)
class PageText:
    """What one page says.

    Attributes:
        text: Visible text, lines ended by "\\n".
        lines: Its lines that hold anything, in order.
        hidden: Characters dropped because no reader sees them, by cause in words.
        scan_layer: Whether the text is the invisible layer over a scanned image.
        undecoded: Control characters dropped, a sign of a broken encoding.
    """

    text: str
    lines: tuple[Line, ...] = ()
    hidden: dict[str, int] = field(default_factory=dict)
    scan_layer: bool = False
    undecoded: int = 0


def open_page(document: pdfium.PdfDocument, position: int) -> pdfium.PdfPage:
    """A page whose text holds what is filled into its form fields and written onto it, as readers see it.

    Raises:
        PdfiumError: If the page cannot be read.
    """
    page = document[position]
    if not any(kind in _WRITTEN for kind in _annotations(page)):
        return page
    if raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) != raw.FLATTEN_SUCCESS:
        return page
    page.close()
    return document[position]


def _annotations(page: pdfium.PdfPage) -> Iterator[int]:
    """Kinds of the first annotations of a page."""
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if annotation:
            yield raw.FPDFAnnot_GetSubtype(annotation)
            raw.FPDFPage_CloseAnnot(annotation)


def read_page(page: pdfium.PdfPage) -> PageText:
    """The text of a page; empty where it has none."""
    textpage = page.get_textpage()
    try:
        source = textpage.get_text_range(errors="replace")
        return _Reader(page, textpage, source).read() if source.strip() else PageText("")
    finally:
        textpage.close()


@dataclass
class _Look:
    """How a text object looks: why it is hidden ("" if it is not), and what needs a look at the whole page."""

    hidden: str
    invisible: bool
    white: bool


class _Reader:
    """Reads one page."""

    def __init__(self, page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, source: str) -> None:
        self._page = page
        self._textpage = textpage
        self._source = source
        self._place = _placer(page)
        self._visible_box = _cropped(page)
        self._tiny = min(TINY_POINTS, TINY_SHARE * max(page.get_size()))
        self._looks: dict[int, _Look] = {}
        self._shapes: list[tuple[int, Box, bool]] | None = None
        self._hidden: dict[str, int] = {}
        self._scan_layer = False
        self._undecoded = 0
        same = len(source) == textpage.count_chars()
        self._char: Callable[[int], int] = (lambda i: i) if same else self._char_of_text

    def read(self) -> PageText:
        """The page's text, lines and hidden characters."""
        parts: list[str] = []
        lines: list[Line] = []
        length, position, previous = 0, 0, _Look("", False, False)
        for raw_line in self._source.replace("\r\n", "\n ").split("\n"):
            text, kept, previous = self._line(raw_line, position, previous)
            position += len(raw_line) + 1
            if raw_line.strip() and not text.strip():
                continue
            if text.strip():
                lines.extend(self._measured(text[a:b], kept[a:b], length + a) for a, b in _joined(text))
            parts.append(text.replace(JOIN, "-"))
            length += len(text) + 1
        return PageText("\n".join(parts), tuple(lines), self._hidden, self._scan_layer, self._undecoded)

    def _line(self, source: str, position: int, look: _Look) -> tuple[str, list[int], _Look]:
        """A line's visible characters, their indices in pdfium's list, and the look of its last character."""
        text: list[str] = []
        kept: list[int] = []
        skipped = 1 if position and source[:1] == " " and self._source[position - 1 : position + 1] == "\r\n" else 0
        plain = visible(source) == source and not CONTROL.search(source)
        for run in _RUN.finditer(source, skipped):
            at = [self._char(position + offset) for offset in range(run.start(), run.end())]
            for piece, marks, seen in self._same_look(run[0], at, look):
                look = seen
                if look.hidden:
                    self._hide(look.hidden, piece)
                elif plain:
                    text.append(piece)
                    kept.extend(marks)
                else:
                    shown = [(char, mark) for char, mark in zip(piece, marks, strict=True) if self._is_text(char)]
                    text.extend(JOIN if char in _HYPHENS else char for char, _ in shown)
                    kept.extend(mark for _, mark in shown)
        return "".join(text), kept, look

    def _same_look(self, run: str, at: list[int], look: _Look) -> Iterator[tuple[str, list[int], _Look]]:
        """Stretches of a run of characters that look the same; spaces look as what stands before them.

        A run whose ends belong to one text object is one stretch: pdfium lists the characters of an object together.
        """
        if run.isspace():
            yield run, at, look
            return
        first, last = self._look(at[0]), self._look(at[-1])
        if first is last:
            yield run, at, first or look
            return
        for char, mark in zip(run, at, strict=True):
            look = self._look(mark) or look
            yield char, [mark], look

    def _hide(self, reason: str, piece: str) -> None:
        count = len("".join(piece.split()))
        if count:
            self._hidden[reason] = self._hidden.get(reason, 0) + count

    def _is_text(self, char: str) -> bool:
        """Whether a character belongs to the text or is the hyphen at a line's end; counts what it is else."""
        if char in _HYPHENS:
            return True
        if SMUGGLED.match(char):
            self._hide("invisible characters", char)
        elif CONTROL.match(char):
            self._undecoded += 1
        else:
            return bool(visible(char))
        return False

    def _char_of_text(self, offset: int) -> int:
        return max(0, int(raw.FPDFText_GetCharIndexFromTextIndex(self._textpage, offset)))

    def _look(self, at: int) -> _Look | None:
        """The look of the text object that a character belongs to, None for generated characters."""
        obj = raw.FPDFText_GetTextObject(self._textpage, at)
        address = ctypes.cast(obj, ctypes.c_void_p).value if obj else None
        if address is None:
            return None
        look = self._looks.get(address)
        if look is None:
            look = self._looks[address] = self._judge(obj, at)
        return look

    def _judge(self, obj: raw.FPDF_PAGEOBJECT, at: int) -> _Look:
        box = self._box(at)
        mode = raw.FPDFTextObj_GetTextRenderMode(obj)
        red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
        has_fill = bool(raw.FPDFPageObj_GetFillColor(obj, red, green, blue, alpha))
        filled = mode in (raw.FPDF_TEXTRENDERMODE_FILL, raw.FPDF_TEXTRENDERMODE_FILL_CLIP)
        if mode in _INVISIBLE or (has_fill and filled and alpha.value == 0):
            if self._over_scan(box):
                self._scan_layer = True
                return _Look("", True, False)
            return _Look("text in invisible ink", True, False)
        if box[2] < box[0] + 1e-9 and box[3] < box[1] + 1e-9:
            return _Look("", False, False)
        if 0 < self._em(obj, at) <= self._tiny:
            return _Look("text too small to read", False, False)
        if _outside(box, self._visible_box):
            return _Look("text outside of the page", False, False)
        white = has_fill and filled and min(red.value, green.value, blue.value) >= WHITE
        if white and not self._on_colour(box, ctypes.cast(obj, ctypes.c_void_p).value or 0):
            return _Look("white text on white", False, True)
        return _Look("", False, white)

    def _em(self, obj: raw.FPDF_PAGEOBJECT, at: int) -> float:
        """Font size of a character in points as displayed, 0 where it is unknown."""
        size, matrix = ctypes.c_float(), raw.FS_MATRIX()
        if not raw.FPDFTextObj_GetFontSize(obj, size) or not raw.FPDFText_GetMatrix(self._textpage, at, matrix):
            return 0.0
        return float(size.value * max(math.hypot(matrix.a, matrix.b), math.hypot(matrix.c, matrix.d)))

    def _box(self, at: int) -> Box:
        rect = raw.FS_RECTF()
        if not raw.FPDFText_GetLooseCharBox(self._textpage, at, rect):
            return (0.0, 0.0, 0.0, 0.0)
        return (rect.left, rect.bottom, rect.right, rect.top)

    def _over_scan(self, box: Box) -> bool:
        """Whether a place lies on an image that fills much of the page."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        left, bottom, right, top = self._visible_box
        area = max((right - left) * (top - bottom), 1.0)
        return any(
            kind == raw.FPDF_PAGEOBJ_IMAGE
            and shape[0] <= x <= shape[2]
            and shape[1] <= y <= shape[3]
            and (shape[2] - shape[0]) * (shape[3] - shape[1]) >= SCAN_SHARE * area
            for kind, shape, _ in self._painted()
        )

    def _on_colour(self, box: Box, address: int) -> bool:
        """Whether something that is not white is painted where white text stands."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return any(
            colour and shape[0] <= x <= shape[2] and shape[1] <= y <= shape[3] for _, shape, colour in self._painted()
        )

    def _painted(self) -> list[tuple[int, Box, bool]]:
        """Images, shadings and paths of the page with their boxes, and whether each may be other than white."""
        if self._shapes is None:
            self._shapes = list(_shapes(self._page))
        return self._shapes

    def _measured(self, text: str, kept: list[int], start: int) -> Line:
        marks = [kept[i] for i, char in enumerate(text) if not char.isspace()]
        boxes = [self._place(self._box(at)) for at in (marks[0], marks[len(marks) // 2], marks[-1])]
        heights = sorted(box[3] - box[1] for box in boxes)
        edges = (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        )
        bold = raw.FPDFText_GetFontWeight(self._textpage, marks[len(marks) // 2]) >= 600
        return Line(start, start + len(text), edges, heights[1], bold, self._gaps(text, kept, heights[1]))

    def _gaps(self, text: str, kept: list[int], size: float) -> int:
        wide = 0
        for space in _SPACE.finditer(text):
            if space.end() - space.start() == 1 and not raw.FPDFText_IsGenerated(self._textpage, kept[space.start()]):
                continue
            before = self._place(self._box(kept[space.start() - 1]))
            after = self._place(self._box(kept[space.end()]))
            wide += after[0] - before[2] > size
        return wide


def _joined(text: str) -> list[tuple[int, int]]:
    """Where the lines that pdfium joined at a hyphen begin and end in their common text."""
    starts = [0, *(match.end() for match in _JOINED.finditer(text))]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _outside(box: Box, page: Box) -> bool:
    return box[2] < page[0] or box[0] > page[2] or box[3] < page[1] or box[1] > page[3]


def _cropped(page: pdfium.PdfPage) -> Box:
    """The part of a page that is shown, in its own coordinates."""
    left, bottom, right, top = page.get_cropbox()
    return (min(left, right), min(bottom, top), max(left, right), max(bottom, top))


def _placer(page: pdfium.PdfPage) -> Callable[[Box], Box]:
    """A function from boxes in the page's own coordinates to boxes on the page as displayed."""
    left, bottom, right, top = _cropped(page)
    rotation = page.get_rotation()

    def place(box: Box) -> Box:
        """The box turned as the page is."""
        x0, y0, x1, y1 = box[0] - left, box[1] - bottom, box[2] - left, box[3] - bottom
        if rotation == 90:
            return (y0, right - left - x1, y1, right - left - x0)
        if rotation == 180:
            return (right - left - x1, top - bottom - y1, right - left - x0, top - bottom - y0)
        if rotation == 270:
            return (top - bottom - y1, x0, top - bottom - y0, x1)
        return (x0, y0, x1, y1)

    return place


def _shapes(page: pdfium.PdfPage) -> Iterator[tuple[int, Box, bool]]:
    for obj in page.get_objects(filter=_SHAPES, max_depth=MAX_DEPTH):
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not raw.FPDFPageObj_GetBounds(obj, left, bottom, right, top):
            continue
        box = (left.value, bottom.value, right.value, top.value)
        container = obj.container
        while container is not None:
            box = _moved(box, container.get_matrix().get())
            container = container.container
        yield obj.type, box, obj.type != raw.FPDF_PAGEOBJ_PATH or _is_coloured(obj)


def _moved(box: Box, matrix: tuple[float, ...]) -> Box:
    a, b, c, d, e, f = matrix
    corners = [(x * a + y * c + e, x * b + y * d + f) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return (min(xs), min(ys), max(xs), max(ys))


def _is_coloured(path: pdfium.PdfObject) -> bool:
    """Whether a path is filled with something that is not white and not transparent."""
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    if not raw.FPDFPath_GetDrawMode(path, mode, stroke) or mode.value == raw.FPDF_FILLMODE_NONE:
        return False
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not raw.FPDFPageObj_GetFillColor(path, red, green, blue, alpha):
        return True
    return alpha.value > 0 and min(red.value, green.value, blue.value) < WHITE
