"""Documents of any supported format -> pages of text with their structure, and notes on what did not hold.

Each format has a module of its own, imported when its first file is met. Untrusted files are read through
`index.sandbox`, which calls `load` in a child process.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from index.loaders.types import PARTIAL_CODES, LoadedDocument, LoadedPage, PageNote, UnreadableError
from index.settings import LimitSettings

__all__ = [
    "OCR_SUFFIXES",
    "PARTIAL_CODES",
    "SUFFIXES",
    "LoadedDocument",
    "LoadedPage",
    "PageNote",
    "UnreadableError",
    "load",
]

SUFFIXES: Mapping[str, str] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".csv": "csv",
    ".tsv": "csv",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".tif": "image",
    ".tiff": "image",
    ".bmp": "image",
    ".webp": "image",
}
"""Module of `index.loaders` that reads files with this ending (lower case)."""

OCR_SUFFIXES = frozenset(suffix for suffix, module in SUFFIXES.items() if module in ("pdf", "image"))
"""Endings of formats for which OCR may be needed."""


class _Loader(Protocol):
    def load(self, path: Path, limits: LimitSettings) -> LoadedDocument: ...


class _OcrLoader(Protocol):
    def load(self, path: Path, limits: LimitSettings, *, ocr: bool) -> LoadedDocument: ...


def load(path: Path, limits: LimitSettings, *, ocr: bool) -> LoadedDocument:
    """One file as pages, in this process; pages without text are left out of `pages` and stand in `notes`.

    Args:
        path: A regular file with one of the endings in `SUFFIXES`.
        limits: Size, pages and characters read; time and memory are the sandbox's to hold.
        ocr: Whether to read images and pages without text by OCR, where it is installed.

    Raises:
        UnreadableError: A `LoadError` with the reason: unsupported, encrypted, damaged, empty, without text.
    """
    suffix = path.suffix.lower()
    name = SUFFIXES.get(suffix)
    if name is None:
        known = " ".join(sorted(SUFFIXES))
        raise UnreadableError(
            f"files ending in {suffix or 'nothing'!r} are not read; known are {known}", code="unsupported"
        )
    module = importlib.import_module(f"index.loaders.{name}")
    if suffix in OCR_SUFFIXES:
        loaded = cast(_OcrLoader, module).load(path, limits, ocr=ocr)
    else:
        loaded = cast(_Loader, module).load(path, limits)
    if not loaded.pages:
        raise _without_text(loaded)
    return loaded


_AS_REASON = {"page_failed": "damaged", "ocr": "no_text", "over_limit": "too_big"}


def _without_text(loaded: LoadedDocument) -> UnreadableError:
    """The reason why a file that could be opened gives nothing to index."""
    for code in ("garbled", "page_failed", "no_text", "ocr", "over_limit"):
        notes = [note for note in loaded.notes if note.code == code]
        if notes:
            more = f" ({len(notes)} pages)" if len(notes) > 1 else ""
            return UnreadableError(f"{notes[0].text}{more}", code=_AS_REASON.get(code, code))
    hidden = next((note.text for note in loaded.notes if note.code == "hidden_text"), "")
    return UnreadableError(f"it holds no text{f' but hidden text: {hidden}' if hidden else ''}", code="empty")
