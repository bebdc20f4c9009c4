"""The nouns of the index: what a file becomes on its way to a retrieved passage.

Leaf module: imports nothing of the project. Offsets are characters of the page's text, the end excluded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]
BlockKind = Literal["heading", "paragraph", "list_item", "table_row"]


class Span(NamedTuple):
    """A stretch of a page's text, `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """One structural unit of a page: a heading, paragraph, list item or table row.

    Attributes:
        kind: What it is.
        start: First character in the page's text.
        end: One past the last character.
        level: Heading level from 1, list depth from 1; 0 for paragraphs and rows.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document with its exact text.

    Attributes:
        document_id: The document it belongs to.
        number: Physical page, from 1. Formats without pages have one page.
        label: What the reader sees printed on it ("iv", "12"); the number where the file has no labels.
        text: The text as the loader gave it; every span refers to this string.
        blocks: Structural units in reading order, not overlapping.
    """

    document_id: str
    number: int
    label: str
    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the corpus and what is known about it.

    Dates are ISO prefixes as issued: "2021", "2021-12" or "2021-12-13".

    Attributes:
        id: Path in the corpus with "/" separators, for example "zh/ndrc-reply-letter.md".
        title: Title, the file's name where it has none.
        language: Main language of the text.
        issuer, document_number, kind, source, note: Empty where unknown.
        published, effective, expires: Empty where unknown.
        translation_of: Id of the document that this one renders in another language, or empty.
        supersedes: Ids of the documents that it replaces.
        superseded_by: Id of the document that replaced it, or empty.
        sha256: Digest of the file's bytes (and of its manifest entry, where it has one), in hex.
        size_bytes: Size of the file.
        loader: Name and version of the loader that read it, for example "pdf/1".
        page_count: Pages that have text.
    """

    id: str
    title: str
    language: Language
    issuer: str = ""
    published: str = ""
    document_number: str = ""
    kind: str = ""
    source: str = ""
    note: str = ""
    effective: str = ""
    expires: str = ""
    translation_of: str = ""
    supersedes: tuple[str, ...] = ()
    superseded_by: str = ""
    sha256: str = ""
    size_bytes: int = 0
    loader: str = ""
    page_count: int = 0


@dataclass(frozen=True, slots=True)
class SentenceSpan:
    """One sentence, list item, table row or heading inside a chunk, in page offsets.

    Attributes:
        start: First character.
        end: One past the last character.
        kind: Kind of the block that it lies in.
        lead: The sentence that introduces it (a list's lead-in), or None.
    """

    start: int
    end: int
    kind: BlockKind = "paragraph"
    lead: Span | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stored span of one page, made of whole sentences.

    Attributes:
        id: Document id, page and span digest: "zh/a.md#p1-0f3a9c…". Equal text in two documents is two chunks.
        document_id: The document it belongs to.
        page: Physical page, from 1.
        start: First character in the page's text.
        end: One past the last character.
        section: Heading path, joined with " › "; empty above the first heading.
        text: `page.text[start:end]`, exactly.
        language: Language of this text.
        sentences: Its sentences in reading order.
    """

    id: str
    document_id: str
    page: int
    start: int
    end: int
    section: str
    text: str
    language: Language
    sentences: tuple[SentenceSpan, ...] = field(default=(), repr=False)
