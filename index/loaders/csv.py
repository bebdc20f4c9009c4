"""Comma- or tab-separated tables: every row with the names of its columns."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from index.loaders.encoding import decode, read_bytes
from index.loaders.page_text import PageBuilder
from index.loaders.types import LoadedDocument, UnreadableError
from index.metadata import Metadata
from index.settings import LimitSettings

NAME = "csv/1"
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
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(decoded.text.replace("\x00", ""), newline=""), delimiter=delimiter):
            rows.append(row)
    except csv.Error as error:
        raise UnreadableError(f"damaged: line {len(rows) + 1} is no row of a table ({error})") from error
    builder.table(rows, header=True)
    pages, notes = builder.finish()
    return LoadedDocument(NAME, Metadata(), pages, (*decoded.notes(), *notes), 1)


def _delimiter(text: str) -> str:
    """The character that splits the first lines into the most columns of equal number; a comma if none does."""
    lines = [line for line in text.splitlines()[:SAMPLE_LINES] if line.strip()]
    counts = {mark: [line.count(mark) for line in lines] for mark in ",;\t|，"}
    return (
        max(counts, key=lambda mark: (min(counts[mark], default=0), sum(counts[mark])))
        if any(map(any, counts.values()))
        else ","
    )
