"""Images with text -> pages like those of a PDF: lines with their places, ready for `pdf_layout`."""

from __future__ import annotations

import pypdfium2 as pdfium
from PIL import Image

from index.loaders import ocr
from index.loaders.pdf_page import Line, PageText

DPI = 150
GLANCE_DPI = 30
LARGEST_PIXELS = 4_000_000
POINTS = 72


def render(page: pdfium.PdfPage, *, dpi: int = DPI) -> Image.Image | None:
    """A page as an image of at most `LARGEST_PIXELS`, None where its size makes no sense.

    The size is looked at first: a page may claim to be kilometres wide.
    """
    width, height = page.get_size()
    if not 1 <= width <= 1e6 or not 1 <= height <= 1e6 or max(width, height) / min(width, height) > 100:
        return None
    scale = min(dpi / POINTS, ocr.LONG_SIDE / max(width, height), (LARGEST_PIXELS / (width * height)) ** 0.5)
    image: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
    return image


def read_image(image: Image.Image) -> tuple[PageText, float]:
    """Text of an image by OCR with its lines, and the mean score from 0 to 1; lines on one row stay one line."""
    found = ocr.recognise(image)
    parts: list[str] = []
    lines: list[Line] = []
    length = 0
    for entry in found.lines:
        size = entry.box[3] - entry.box[1]
        lines.append(Line(length, length + len(entry.text), entry.box, size))
        parts.append(entry.text)
        length += len(entry.text) + 1
    return PageText("\n".join(parts), tuple(lines)), found.score
