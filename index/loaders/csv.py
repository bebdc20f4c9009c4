"""Comma- or tab-separated tables: every row with the names of its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from index.loaders.encoding import decode, read_bytes
from index.loaders.page_text import PageBuilder
from index.loaders.types import LoadedDocument, UnreadableError
from index.metadata import Metadata
from index.settings import LimitSettings

NAME = "csv/2"
CELL_CHARS = 100_000
SAMPLE_LINES = 50


def load(path: Path, limits: LimitSettings) -> LoadedDocument:
    """A .csv or .tsv file as one page; its first row names the columns.

    Raises:
        UnreadableError: If it is too big, empty or no text.
    """
    decoded = decode(read_bytes(path, limit_mb=limits.file_mb))
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(decoded.text)
    builder = PageBuilder(pages=limits.pages, chars=limits.chars)
    csv.field_size_limit(CELL_CHARS)
    text = decoded.text.replace("\x00", "")
    if _is_left_open(text, delimiter):
        builder.note("repaired", "a quotation mark is not closed; quotation marks are read as text")
        builder.table(list(_rows(text, delimiter, quoted=False)), header=True)
    else:
        builder.table(list(_rows(text, delimiter)), header=True)
    pages, notes = builder.finish()
    return LoadedDocument(NAME, Metadata(), pages, (*decoded.notes(), *notes), 1)


def _rows(text: str, delimiter: str, *, quoted: bool = True) -> Iterator[list[str]]:
    """The rows of a table.

    Raises:
        UnreadableError: If a cell is longer than any table's.
    """
    source = io.StringIO(text, newline="")
    if quoted:
        reader = csv.reader(source, delimiter=delimiter)
    else:
        reader = csv.reader(source, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    try:
        yield from reader
    except csv.Error as error:
        raise UnreadableError(f"damaged: line {reader.line_num} is no row of a table ({error})") from error


def _is_left_open(text: str, delimiter: str) -> bool:
    """Whether a quotation mark opens a cell and nothing closes it, so that it would swallow the rest of the file."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            next(reader)
        except StopIteration:
            return False
        except csv.Error as error:
            if "end of data" in str(error) or "field limit" in str(error):
                return True


def _delimiter(text: str) -> str:
    """The character that splits the first lines into the most columns of equal number; a comma if none does."""
    lines = [line for line in text.splitlines()[:SAMPLE_LINES] if line.strip()]
    counts = {mark: [line.count(mark) for line in lines] for mark in ",;\t|，"}
    return (
        max(counts, key=lambda mark: (min(counts[mark], default=0), sum(counts[mark])))
        if any(map(any, counts.values()))
        else ","
    )
