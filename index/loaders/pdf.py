"""PDF: text by pdfium, what is printed on pages as labels, OCR for scans, pypdf where pdfium gives up.

Every page that gives no text, not all of it or something else than readers see has a note.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pypdf
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from pypdf.errors import PyPdfError

from index.loaders import ocr as ocr_engine
from index.loaders.garbled import NOTICEABLE, USELESS, garbled_share, is_plausible
from index.loaders.page_text import clean, first_heading
from index.loaders.pdf_layout import document_blocks
from index.loaders.pdf_ocr import GLANCE_DPI, read_image, render
from index.loaders.pdf_page import Line, PageText, open_page, read_page
from index.loaders.types import LoadedDocument, LoadedPage, PageNote, UnreadableError
from index.metadata import Metadata, iso_date
from index.settings import LimitSettings

NAME = "pdf/2"
BUDGET_SHARE = 0.7
OPINION_SHARE = 0.3
OCR_SHARE = 0.9
OCR_CPU_S = 6
_TIME_UP = "is used up (PILOT_INDEX__LIMITS__CPU_S, PILOT_INDEX__LIMITS__WALL_S)"
NOTES_OF_A_KIND = 20
_JUNK_TITLE = re.compile(
    r"untitled|microsoft (?:word|powerpoint|excel)\b.*|.*\.(?:docx?|pptx?|xlsx?|indd|pdf|wps|qxd)|\W*", re.I
)
_CREATED = re.compile(r"D:((?:19|20)\d{2})(\d{2})(\d{2})")
_NO_DATES = frozenset({"1970-01-01", "1980-01-01", "2000-01-01"})
_ENCRYPTED = "encrypted with a password; save it without one"


def load(path: Path, limits: LimitSettings, *, ocr: bool) -> LoadedDocument:
    """A PDF as its pages.

    Args:
        path: The file.
        limits: Pages and characters read; reading stops in good time before CPU and wall limits.
        ocr: Whether to read pages without text by OCR, where it is installed.

    Raises:
        UnreadableError: If it is encrypted with a password or so damaged that no page can be read.
    """
    reader = _Reader(path, limits, ocr=ocr)
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise UnreadableError(_ENCRYPTED, code="encrypted") from error
        return reader.repaired(str(error))
    try:
        if len(document) == 0:
            return reader.repaired("no pages")
        return reader.read(document)
    finally:
        document.close()


@dataclass
class _Found:
    """What was read so far."""

    numbers: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    pages: list[PageText] = field(default_factory=list)
    notes: list[PageNote] = field(default_factory=list)

    def note(self, page: int, code: str, text: str) -> None:
        """Adds a note."""
        self.notes.append(PageNote(page, code, text))


class _Reader:
    """Reads one file within its budget."""

    def __init__(self, path: Path, limits: LimitSettings, *, ocr: bool) -> None:
        self._path = path
        self._limits = limits
        self._no_ocr = "" if ocr and ocr_engine.is_installed() else ocr_engine.MISSING if ocr else ocr_engine.OFF
        self._cpu, self._wall = time.process_time(), time.monotonic()
        self._ocr_share = OCR_CPU_S / limits.cpu_s
        self._opinion: pypdf.PdfReader | None = None
        self._found = _Found()

    def read(self, document: pdfium.PdfDocument) -> LoadedDocument:
        """All pages of a document that pdfium opened."""
        count = len(document)
        room = self._limits.chars
        for position in range(count):
            stop = self._stop(position, count, room)
            if stop:
                self._found.note(0, "over_limit", stop)
                break
            text = self._page(document, position)
            if text is not None and text.text.strip():
                self._keep(position + 1, _label(document, position), text)
                room -= len(text.text)
        return self._finish(count, _properties(document))

    def repaired(self, trouble: str) -> LoadedDocument:
        """The document as pypdf reads it, since pdfium could not open it.

        Raises:
            UnreadableError: If pypdf cannot either, or it is encrypted.
        """
        with _as_unreadable(trouble):
            document = pypdf.PdfReader(self._path, strict=False)
            if document.is_encrypted and not document.decrypt(""):
                raise UnreadableError(_ENCRYPTED, code="encrypted")
            count = len(document.pages)
            if count == 0:
                raise UnreadableError("damaged: it has no pages")
            self._found.note(0, "repaired", f"damaged ({trouble}); read by a second, more lenient reader")
            for position in range(count):
                stop = self._stop(position, count, self._limits.chars)
                if stop:
                    self._found.note(0, "over_limit", stop)
                    break
                text = _plain(self._second_opinion(document, position) or "")
                if text.text.strip():
                    self._keep(position + 1, str(position + 1), text)
                else:
                    self._found.note(position + 1, "no_text", "no text could be recovered from this page")
        return self._finish(count, Metadata())

    def _keep(self, number: int, label: str, text: PageText) -> None:
        self._found.numbers.append(number)
        self._found.labels.append(label)
        self._found.pages.append(text)
        self._note_hidden(number, text)
        if text.scan_layer:
            self._found.note(number, "text_layer", "the invisible text layer of a scanned page is used as its text")

    def _stop(self, position: int, count: int, room: int) -> str:
        """Why reading ends before a page, "" if it does not."""
        rest = f"indexed in part: pages {position + 1}–{count} of {count} are left out"
        if position >= self._limits.pages:
            return f"{rest}; at most {self._limits.pages:,} are read (PILOT_INDEX__LIMITS__PAGES)"
        if room <= 0:
            return f"{rest}; at most {self._limits.chars:,} characters are read (PILOT_INDEX__LIMITS__CHARS)"
        if self._spent() > BUDGET_SHARE:
            return f"{rest}; the time for one file {_TIME_UP}"
        return ""

    def _spent(self) -> float:
        """Share of the file's CPU or wall-clock time that is used, whichever is more."""
        cpu = (time.process_time() - self._cpu) / self._limits.cpu_s
        return max(cpu, (time.monotonic() - self._wall) / self._limits.wall_s)

    def _page(self, document: pdfium.PdfDocument, position: int) -> PageText | None:
        """One page's text, by OCR or a second reader where that helps, None if there is none."""
        number = position + 1
        try:
            page = open_page(document, position)
        except pdfium.PdfiumError as error:
            self._found.note(number, "page_failed", f"the page cannot be read ({error})")
            return None
        try:
            text = read_page(page)
            if text.text.strip():
                return self._mended(page, position, text)
            self._note_hidden(number, text)
            return self._scanned(page, number)
        except (pdfium.PdfiumError, ValueError, OverflowError) as error:
            self._found.note(number, "page_failed", f"the page cannot be read ({error})")
            return None
        finally:
            page.close()

    def _note_hidden(self, number: int, text: PageText) -> None:
        if text.hidden:
            causes = ", ".join(f"{count} characters of {cause}" for cause, count in sorted(text.hidden.items()))
            self._found.note(number, "hidden_text", f"dropped: {causes}")

    def _mended(self, page: pdfium.PdfPage, position: int, text: PageText) -> PageText | None:
        """A page's text, or what a second reader or OCR says instead where it is garbled."""
        number = position + 1
        share = garbled_share(text.text, undecoded=text.undecoded)
        if share < NOTICEABLE:
            return text
        other = self._second_opinion(self._lenient(), position) if self._spent() < OPINION_SHARE else None
        if other and is_plausible(other) and len(other) > 0.5 * len(text.text):
            self._found.note(number, "repaired", "garbled for the first reader; a second one read it")
            return _plain(other)
        if share >= USELESS:
            read = self._scanned(page, number) if not self._no_ocr else None
            if read is None:
                self._found.note(number, "garbled", f"{share:.0%} of its text is garbled (a font without encoding)")
            return read
        self._found.note(number, "garbled", f"{share:.0%} of its text is garbled (a font without encoding)")
        return text

    def _scanned(self, page: pdfium.PdfPage, number: int) -> PageText | None:
        """Text of a page's image by OCR, None where there is none; blank pages pass without a note."""
        if raw.FPDFPage_CountObjects(page) == 0 and raw.FPDFPage_GetAnnotCount(page) == 0:
            return None
        glance = render(page, dpi=GLANCE_DPI)
        if glance is None:
            width, height = page.get_size()
            self._found.note(
                number, "no_text", f"no text, and {width:.0f} × {height:.0f} points are no size to read by OCR"
            )
            return None
        if ocr_engine.is_blank(glance):
            return None
        if self._no_ocr:
            self._found.note(number, "no_text", f"no text: a scan or drawing. {self._no_ocr}")
            return None
        if self._spent() + self._ocr_share > OCR_SHARE:
            self._found.note(number, "over_limit", f"scanned, and not read by OCR: the time for one file {_TIME_UP}")
            return None
        before = self._spent()
        image = render(page)
        text, score = read_image(image) if image is not None else (PageText(""), 0.0)
        self._ocr_share = max(self._ocr_share, self._spent() - before)
        if not text.text:
            self._found.note(number, "ocr", "an image without text that OCR can read")
            return None
        self._found.note(number, "ocr", f"scanned; read by OCR with a mean score of {score:.2f}")
        return text

    def _lenient(self) -> pypdf.PdfReader | None:
        """The file as pypdf opens it, None if it cannot."""
        if self._opinion is None:
            try:
                self._opinion = pypdf.PdfReader(self._path, strict=False)
            except (PyPdfError, ValueError, OSError, RecursionError):
                return None
        return self._opinion

    def _second_opinion(self, document: pypdf.PdfReader | None, position: int) -> str | None:
        """One page's text as pypdf reads it, None if it cannot."""
        if document is None:
            return None
        try:
            return clean(document.pages[position].extract_text())[0]
        except (
            PyPdfError,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            RecursionError,
        ) as error:
            self._found.note(position + 1, "page_failed", f"the page cannot be read ({type(error).__name__}: {error})")
            return None

    def _finish(self, count: int, properties: Metadata) -> LoadedDocument:
        found = self._found
        blocks = document_blocks(found.pages)
        pages = tuple(
            LoadedPage(number, label, text.text, own)
            for number, label, text, own in zip(found.numbers, found.labels, found.pages, blocks, strict=True)
        )
        title = properties.title or first_heading(pages)
        own = Metadata(title=title, published=properties.published)
        return LoadedDocument(NAME, Metadata(), pages, _fewer(found.notes), count, own)


@contextmanager
def _as_unreadable(trouble: str) -> Iterator[None]:
    """Turns what pypdf raises on damaged files into one error.

    Raises:
        UnreadableError: For whatever the body raises but lack of memory.
    """
    try:
        yield
    except (UnreadableError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableError(f"damaged: {trouble}; {type(error).__name__}: {str(error)[:120]}") from error


def _plain(text: str) -> PageText:
    """Text without places as a page: its lines are what stands between line breaks."""
    lines: list[Line] = []
    start = 0
    for line in text.split("\n"):
        if line.strip():
            lines.append(Line(start, start + len(line)))
        start += len(line) + 1
    return PageText(text, tuple(lines))


def _label(document: pdfium.PdfDocument, position: int) -> str:
    """What is printed on a page, its number where the file does not say."""
    label = clean(document.get_page_label(position))[0].strip()
    return label if 0 < len(label) <= 20 else str(position + 1)


def _properties(document: pdfium.PdfDocument) -> Metadata:
    """Title and day of creation, as that of publication, that a file's information dictionary has; no empty phrases."""
    title = " ".join(clean(document.get_metadata_value("Title"))[0].split())
    created = _CREATED.match(document.get_metadata_value("CreationDate"))
    day = iso_date("-".join(created.groups())) if created else ""
    junk = _JUNK_TITLE.fullmatch(title) or len(title) > 300
    return Metadata(title="" if junk else title, published="" if day in _NO_DATES else day)


def _fewer(notes: list[PageNote]) -> tuple[PageNote, ...]:
    """The notes, with those of a kind beyond the first few as one that counts them."""
    kept: list[PageNote] = []
    counts: dict[str, int] = {}
    for note in notes:
        counts[note.code] = counts.get(note.code, 0) + 1
        if counts[note.code] <= NOTES_OF_A_KIND:
            kept.append(note)
    for code, count in counts.items():
        if count > NOTES_OF_A_KIND:
            kept.append(PageNote(0, code, f"the same on {count - NOTES_OF_A_KIND:,} more pages"))
    return tuple(kept)
