"""Plain text: paragraphs between blank lines, list items by their bullets, short lone lines as headings."""

from __future__ import annotations

import re
from pathlib import Path

from index.loaders.encoding import decode, read_bytes
from index.loaders.page_text import clean, first_heading, smuggled_text
from index.loaders.types import LoadedDocument, LoadedPage, PageNote
from index.metadata import Metadata
from index.settings import LimitSettings
from index.types import Block

NAME = "text/1"
LONG_LINE = 100
HEADING_CHARS = 100
MARKER = re.compile(
    r"[ \t\u3000]*(?:[-*•·●○■□▪◆►–]\s+|[•·●○■□▪◆►]|\(?\d{1,2}[.)](?!\d)\s+|\d{1,2}[．、]\s*"
    r"|[（(][一二三四五六七八九十\d]{1,3}[)）]\s*|[一二三四五六七八九十]{1,3}、\s*|[①-⑳]\s*|\(?[a-z][.)]\s+)"
)
"""A bullet or number that begins a list item, with the space after it."""
_GROUP = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")
_SENTENCE_END = re.compile(r"[.。!！?？][”’\"')）」』]*\s*$")
_END = re.compile(r"[.。!！?？:：;；,，、…][”’\"')）\]】」』》]*$")


def load(path: Path, limits: LimitSettings) -> LoadedDocument:
    """A plain text file as one page.

    Raises:
        UnreadableError: If it is too big, empty or no text.
    """
    decoded = decode(read_bytes(path, limit_mb=limits.file_mb))
    text, smuggled = clean(decoded.text)
    notes = decoded.notes()
    if smuggled:
        notes.append(PageNote(1, "hidden_text", smuggled_text(smuggled)))
    if len(text) > limits.chars:
        text = text[: limits.chars]
        notes.append(PageNote(0, "over_limit", f"indexed in part: the first {limits.chars:,} characters"))
    pages = (LoadedPage(1, "1", text, blocks(text)),) if text.strip() else ()
    properties = Metadata(title=first_heading(pages))
    return LoadedDocument(NAME, Metadata(), pages, tuple(notes), 1, properties)


def blocks(text: str) -> tuple[Block, ...]:
    """Blocks of a plain text in order; they hold every visible character except bullets."""
    groups = [(match.start(), match.end()) for match in _GROUP.finditer(text)]
    found: list[Block] = []
    for position, (start, end) in enumerate(groups):
        last = position == len(groups) - 1
        if not last and _is_heading(text[start:end]):
            found.append(_block(text, "heading", (start, end), 2 if any(b.kind == "heading" for b in found) else 1))
        else:
            found.extend(_group_blocks(text, start, end))
    return tuple(found)


_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE_LINE = re.compile(
    rf"(?:\w+day,? )?(?:(?:\d{{1,2}} )?{_MONTH} \d{{4}}|{_MONTH} \d{{1,2}}, \d{{4}}|\d{{4}}(?:[-/.]\d{{1,2}}){{1,2}})"
    r"|\d{4}年\d{1,2}月(?:\d{1,2}日)?(?: ?星期.)?",
    re.IGNORECASE,
)


def _is_heading(text: str) -> bool:
    line = text.strip()
    if _DATE_LINE.fullmatch(line):
        return False
    return "\n" not in line and len(line) <= HEADING_CHARS and not _END.search(line) and not MARKER.match(text)


def _group_blocks(text: str, start: int, end: int) -> list[Block]:
    """Blocks of lines without a blank line between them: items where bullets begin, else one wrapped paragraph.

    Lines longer than a terminal's are paragraphs of their own, as editors write them.
    """
    lines = [(m.start() + start, m.end() + start) for m in re.finditer(r"[^\n]+", text[start:end])]
    separate = any(stop - begin > LONG_LINE for begin, stop in lines) or _each_ends(text, lines)
    found: list[Block] = []
    for begin, stop in lines:
        marker = MARKER.match(text, begin, stop)
        if marker is not None and text[marker.end() : stop].strip():
            found.append(_block(text, "list_item", (marker.end(), stop), 1))
        elif found and not separate:
            found[-1] = Block(found[-1].kind, found[-1].start, _trim(text, begin, stop)[1], found[-1].level)
        else:
            found.append(_block(text, "paragraph", (begin, stop), 0))
    return found


def _each_ends(text: str, lines: list[tuple[int, int]]) -> bool:
    """Whether every line ends a sentence, so that each is a paragraph."""
    return len(lines) > 1 and all(_SENTENCE_END.search(text[begin:stop]) for begin, stop in lines)


def _block(text: str, kind: str, span: tuple[int, int], level: int) -> Block:
    start, end = _trim(text, *span)
    if kind == "heading":
        return Block("heading", start, end, level)
    return Block("list_item", start, end, level) if kind == "list_item" else Block("paragraph", start, end)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
