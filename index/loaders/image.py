"""Images: their text by OCR; a file of several images has as many pages."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, ImageSequence, UnidentifiedImageError

from index.loaders import ocr as ocr_engine
from index.loaders.page_text import first_heading
from index.loaders.pdf_layout import document_blocks
from index.loaders.pdf_ocr import read_image
from index.loaders.pdf_page import PageText
from index.loaders.types import LoadedDocument, LoadedPage, PageNote, UnreadableError
from index.metadata import Metadata
from index.settings import LimitSettings

NAME = "image/1"
LARGEST_PIXELS = 60_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")


def load(path: Path, limits: LimitSettings, *, ocr: bool) -> LoadedDocument:
    """An image, or a TIFF of several, by OCR.

    Raises:
        UnreadableError: If OCR is off or not installed, or it is damaged or too large.
    """
    if not ocr or not ocr_engine.is_installed():
        raise UnreadableError(f"an image. {ocr_engine.MISSING if ocr else ocr_engine.OFF}", code="no_text")
    numbered: list[tuple[int, PageText]] = []
    notes: list[PageNote] = []
    count = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                count = int(getattr(image, "n_frames", 1))
                for number, frame in enumerate(ImageSequence.Iterator(image), 1):
                    if number > limits.pages:
                        notes.append(PageNote(0, "over_limit", f"indexed in part: {limits.pages} of {count} images"))
                        break
                    text, note = _read(frame, number)
                    notes.append(note)
                    numbered.append((number, text))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableError(f"too many pixels ({error})", code="too_big") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise UnreadableError(f"damaged: no readable image ({str(error)[:160]})") from error
    return _document(numbered, notes, count)


def _read(frame: Image.Image, number: int) -> tuple[PageText, PageNote]:
    """Text of one image and the note on it.

    Raises:
        UnreadableError: If it has more than `LARGEST_PIXELS`.
    """
    if frame.width * frame.height > LARGEST_PIXELS:
        size = f"{frame.width:,} × {frame.height:,}"
        raise UnreadableError(f"{size} pixels; at most {LARGEST_PIXELS:,} are read", code="too_big")
    text, score = read_image(frame)
    if not text.text:
        return text, PageNote(number, "no_text", "an image without text that OCR can read")
    return text, PageNote(number, "ocr", f"read by OCR with a mean score of {score:.2f}")


def _document(numbered: list[tuple[int, PageText]], notes: list[PageNote], count: int) -> LoadedDocument:
    read = [(number, text) for number, text in numbered if text.text]
    blocks = document_blocks([text for _, text in read])
    pages = tuple(
        LoadedPage(number, str(number), text.text, own) for (number, text), own in zip(read, blocks, strict=True)
    )
    return LoadedDocument(NAME, Metadata(), pages, tuple(notes), count, Metadata(title=first_heading(pages)))
