from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from index.catalog import Catalog, CatalogWriter, DocumentRecord
from index.disk import sha256_file
from index.loaders import PageNote
from index.metadata import Metadata
from index.types import Block, Chunk, Document, Page, SentenceSpan, Span

TEXT = "Head\nOne. Two."
BLOCKS = (Block("heading", 0, 4, 1), Block("paragraph", 5, 14))


def chunk(document_id: str, number: int) -> Chunk:
    sentences = (SentenceSpan(5, 9, "paragraph"), SentenceSpan(10, 14, "list_item", Span(0, 4)))
    return Chunk(f"{document_id}#p1-{number}", document_id, 1, 5, 14, "Head › 头", "One. Two.", "en", sentences)


def record(place: int, document_id: str, chunks: int) -> DocumentRecord:
    document = Document(document_id, f"Title {place}", "en", supersedes=("old.md",), published="2021-12")
    notes = (PageNote(1, "ocr", "read by OCR"),)
    return DocumentRecord(
        place, document, f"digest-{place}", 1, chunks, Metadata(supersedes=("old.md",)), Metadata(), notes
    )


def fill(path: Path, *, previous: Path | None = None) -> CatalogWriter:
    """Documents b.md (two chunks) and a.md (one), stored in this order, at places 3 and 1."""
    writer = CatalogWriter(path, previous=previous)
    for place, name, count in ((3, "b.md", 2), (1, "a.md", 1)):
        writer.add_pages(place, [Page(name, 1, "iv", TEXT, BLOCKS)])
        writer.add_chunks(place, 0, [chunk(name, number) for number in range(count)])
        writer.add_document(record(place, name, count))
    return writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fill(tmp_path / "c.sqlite").finish()
    return tmp_path / "c.sqlite"


def test_catalog_rows_follow_places_not_the_order_of_writing(path: Path) -> None:
    catalog = Catalog(path)
    assert [one.document.id for one in catalog.records] == ["a.md", "b.md"]
    assert catalog.first_rows.tolist() == [0, 1, 3]
    assert [catalog.chunk(row).id for row in range(3)] == ["a.md#p1-0", "b.md#p1-0", "b.md#p1-1"]
    assert catalog.documents_of(np.array([0, 1, 2])).tolist() == [0, 1, 1]
    assert catalog.row_of("b.md#p1-1") == 2
    assert catalog.row_of("b.md#p1-9") is None


def test_catalog_gives_back_what_was_stored(path: Path) -> None:
    catalog = Catalog(path)
    assert catalog.chunk(0) == chunk("a.md", 0)
    assert catalog.records[0] == record(1, "a.md", 1)
    assert catalog.page(1, 1) == Page("b.md", 1, "iv", TEXT, BLOCKS)
    assert catalog.page(1, 2) is None
    assert list(catalog.chunks_of(1)) == [chunk("b.md", 0), chunk("b.md", 1)]
    assert catalog.counts() == (2, 3, 3)


@pytest.mark.parametrize("row", [-1, 3])
def test_chunk_row_out_of_range_raises(path: Path, row: int) -> None:
    with pytest.raises(KeyError, match=f"row {row} of 3"):
        Catalog(path).chunk(row)


def test_catalog_reading_changes_nothing_in_the_folder(path: Path) -> None:
    before = sha256_file(path)
    catalog = Catalog(path)
    catalog.chunk(0)
    assert [one.name for one in path.parent.iterdir()] == ["c.sqlite"]
    catalog.close()
    assert sha256_file(path) == before


def test_finish_same_chunk_id_twice_raises(tmp_path: Path) -> None:
    writer = CatalogWriter(tmp_path / "c.sqlite", previous=None)
    writer.add_chunks(0, 0, [chunk("a.md", 0), chunk("a.md", 0)])
    with pytest.raises(sqlite3.IntegrityError, match=r"chunks\.id"):
        writer.finish()


def test_take_over_copies_and_renames(path: Path, tmp_path: Path) -> None:
    writer = CatalogWriter(tmp_path / "odd name?#.sqlite", previous=path)
    writer.take_over(7, 3)
    writer.rename_chunks(7, ["c.md#p1-0", "c.md#p1-1"])
    writer.add_document(record(7, "c.md", 2))
    writer.finish()
    catalog = Catalog(tmp_path / "odd name?#.sqlite")
    assert list(catalog.chunks_of(0)) == [chunk("c.md", 0), chunk("c.md", 1)]
    assert catalog.page(0, 1) == Page("c.md", 1, "iv", TEXT, BLOCKS)
