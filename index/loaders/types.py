"""What a loader gives: pages with their text and blocks, metadata, and notes on what did not hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from index.errors import LoadError
from index.metadata import Metadata
from index.types import Block

PARTIAL_CODES = frozenset({"over_limit", "page_failed", "no_text", "garbled"})
"""Codes of notes that mean that some of the document's content is not indexed."""


class UnreadableError(LoadError):
    """A file that cannot be read, with the reason in words and as a code.

    Attributes:
        code: "encrypted", "damaged", "no_text", "empty", "garbled", "too_big", "unsupported", "outside", "missing",
            "cpu", "memory", "wall" or "crash".
    """

    def __init__(self, reason: str, *, code: str = "damaged") -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class PageNote:
    """Something a maintainer should know about a page or a document.

    Attributes:
        page: Physical page, from 1; 0 for the whole document.
        code: "no_text", "garbled", "over_limit", "page_failed" (content is missing, see `PARTIAL_CODES`); "ocr",
            "text_layer", "hidden_text", "encoding", "front_matter", "repaired" (it is all there, but look at it).
        text: The same in words.
    """

    page: int
    code: str
    text: str


@dataclass(frozen=True)
class LoadedPage:
    """One page as read.

    Attributes:
        number: Physical page, from 1.
        label: What the reader sees printed on it; the number where the file has no labels.
        text: Its text; blocks refer to it.
        blocks: Structural units in reading order, not overlapping.
    """

    number: int
    label: str
    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class LoadedDocument:
    """One file as read.

    Attributes:
        loader: Name and version of the loader, "pdf/1".
        metadata: What the file declares in front matter; outranks the manifest.
        pages: Pages that have text, in order.
        notes: What did not hold, in order of pages.
        page_count: Pages that the file has, with text or without.
        properties: What its format records and its first heading says; the manifest outranks them, and of the date of
            publication the file's name does, too.
    """

    loader: str
    metadata: Metadata
    pages: tuple[LoadedPage, ...]
    notes: tuple[PageNote, ...]
    page_count: int
    properties: Metadata = field(default_factory=Metadata)
