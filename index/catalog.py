"""The catalog of a generation: documents, pages, chunks and their sentences in one SQLite file.

Written while files are read, in whatever order they finish; a chunk's row follows from its document's place in the
sorted corpus, so the same corpus gives the same rows. Spans are packed as int32, text is stored as it is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast, get_args
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from index.loaders.types import PageNote
from index.metadata import Metadata
from index.types import Block, BlockKind, Chunk, Document, Language, Page, SentenceSpan, Span

CATALOG = "catalog.sqlite"
_KINDS: tuple[BlockKind, ...] = get_args(BlockKind)
_FIELDS = fields(Document)
_SCHEMA = """
CREATE TABLE documents(
  place INTEGER PRIMARY KEY, digest TEXT NOT NULL, pages INTEGER NOT NULL, chunks INTEGER NOT NULL,
  document TEXT NOT NULL, declared TEXT NOT NULL, properties TEXT NOT NULL, notes TEXT NOT NULL);
CREATE TABLE pages(
  place INTEGER NOT NULL, number INTEGER NOT NULL, label TEXT NOT NULL, text TEXT NOT NULL, blocks BLOB NOT NULL,
  PRIMARY KEY(place, number)) WITHOUT ROWID;
CREATE TABLE chunks(
  place INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, page INTEGER NOT NULL, start INTEGER NOT NULL,
  end INTEGER NOT NULL, section TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL, sentences BLOB NOT NULL,
  PRIMARY KEY(place, seq)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class DocumentRecord:
    """What the catalog keeps of one file.

    Attributes:
        place: Place of the file in the sorted corpus, from 0; gaps where files were left out.
        document: The document as it answers.
        digest: SHA-256 of the file's bytes, in hex.
        pages: Pages stored.
        chunks: Chunks stored.
        declared: Metadata that the file itself declares.
        properties: Metadata that its format records.
        notes: What did not hold when it was read.
    """

    place: int
    document: Document
    digest: str
    pages: int
    chunks: int
    declared: Metadata
    properties: Metadata
    notes: tuple[PageNote, ...]


def _metadata(text: str) -> Metadata:
    values = json.loads(text)
    return Metadata(**(values | {"supersedes": tuple(values.get("supersedes", ()))}))


def _compact(values: object) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _filled(metadata: Metadata) -> str:
    return _compact({name: value for name, value in vars(metadata).items() if value})


def _record(row: Sequence[str]) -> DocumentRecord:
    place, digest, pages, chunks, document, declared, properties, notes = row
    values = json.loads(document)
    return DocumentRecord(
        place=int(place),
        document=Document(**(values | {"supersedes": tuple(values["supersedes"])})),
        digest=digest,
        pages=int(pages),
        chunks=int(chunks),
        declared=_metadata(declared),
        properties=_metadata(properties),
        notes=tuple(PageNote(*note) for note in json.loads(notes)),
    )


def pack_blocks(blocks: Sequence[Block]) -> bytes:
    """int32[n, 4] of kind, start, end, level."""
    return np.array([(_KINDS.index(b.kind), b.start, b.end, b.level) for b in blocks], "<i4").tobytes()


def unpack_blocks(data: bytes) -> tuple[Block, ...]:
    """The blocks of `pack_blocks`."""
    rows = np.frombuffer(data, "<i4").reshape(-1, 4).tolist()
    return tuple(Block(_KINDS[kind], start, end, level) for kind, start, end, level in rows)


def pack_sentences(sentences: Sequence[SentenceSpan]) -> bytes:
    """int32[n, 5] of kind, start, end, lead start, lead end; -1, -1 without a lead."""
    rows = [(_KINDS.index(s.kind), s.start, s.end, *(s.lead or (-1, -1))) for s in sentences]
    return np.array(rows, "<i4").tobytes()


def unpack_sentences(data: bytes) -> tuple[SentenceSpan, ...]:
    """The sentences of `pack_sentences`."""
    rows = np.frombuffer(data, "<i4").reshape(-1, 5).tolist()
    return tuple(
        SentenceSpan(start, end, _KINDS[kind], Span(first, last) if first >= 0 else None)
        for kind, start, end, first, last in rows
    )


def _chunk(row: Sequence[object], document_id: str) -> Chunk:
    chunk_id, page, start, end, section, language, text, sentences = row
    return Chunk(
        id=str(chunk_id),
        document_id=document_id,
        page=cast(int, page),
        start=cast(int, start),
        end=cast(int, end),
        section=str(section),
        text=str(text),
        language=cast(Language, language),
        sentences=unpack_sentences(cast(bytes, sentences)),
    )


def _uri(path: Path) -> str:
    """Read-only, and no lock or journal file is ever made beside it: the file does not change any more."""
    return f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"


class CatalogWriter:
    """Fills the catalog of a generation that is being built aside."""

    def __init__(self, path: Path, *, previous: Path | None) -> None:
        """Make the file with its tables; `previous` is the catalog that documents may be taken over from.

        Raises:
            sqlite3.Error: If it cannot be written.
        """
        self._db = sqlite3.connect(path, isolation_level=None, uri=True)
        # Aside until published and fsynced as a whole: a journal would protect nothing.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-16000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)
        if previous is not None:
            self._db.execute("ATTACH ? AS previous", (_uri(previous),))
        self._db.execute("BEGIN")

    def add_pages(self, place: int, pages: Iterable[Page]) -> None:
        """Store pages of the document at this place."""
        self._db.executemany(
            "INSERT INTO pages VALUES(?,?,?,?,?)",
            ((place, page.number, page.label, page.text, pack_blocks(page.blocks)) for page in pages),
        )

    def add_chunks(self, place: int, first: int, chunks: Sequence[Chunk]) -> None:
        """Store chunks of the document at this place, numbered from `first` in reading order."""
        self._db.executemany(
            "INSERT INTO chunks VALUES(?,?,?,?,?,?,?,?,?,?)",
            (
                (place, n, c.id, c.page, c.start, c.end, c.section, c.language, c.text, pack_sentences(c.sentences))
                for n, c in enumerate(chunks, first)
            ),
        )

    def take_over(self, place: int, previous_place: int) -> None:
        """Copy pages and chunks, with their ids, from the previous generation."""
        self._db.execute(
            "INSERT INTO pages SELECT ?, number, label, text, blocks FROM previous.pages WHERE place = ?",
            (place, previous_place),
        )
        self._db.execute(
            "INSERT INTO chunks SELECT ?, seq, id, page, start, end, section, language, text, sentences"
            " FROM previous.chunks WHERE place = ?",
            (place, previous_place),
        )

    def rename_chunks(self, place: int, ids: Sequence[str]) -> None:
        """Give the chunks at this place new ids, in reading order: their document has moved."""
        self._db.executemany(
            "UPDATE chunks SET id = ? WHERE place = ? AND seq = ?", ((one, place, n) for n, one in enumerate(ids))
        )

    def add_document(self, record: DocumentRecord) -> None:
        """Store what is known of a document whose pages and chunks are in."""
        self._db.execute(
            "INSERT INTO documents VALUES(?,?,?,?,?,?,?,?)",
            (
                record.place,
                record.digest,
                record.pages,
                record.chunks,
                _compact({one.name: getattr(record.document, one.name) for one in _FIELDS}),
                _filled(record.declared),
                _filled(record.properties),
                _compact([(note.page, note.code, note.text) for note in record.notes]),
            ),
        )

    def finish(self) -> None:
        """Make the search by chunk id, commit and close.

        Raises:
            sqlite3.Error: If two chunks have the same id, or the file cannot be written.
        """
        self._db.execute("CREATE UNIQUE INDEX chunk_ids ON chunks(id)")
        self._db.execute("COMMIT")
        self._db.close()

    def close(self) -> None:
        """Close without finishing; closing twice is harmless."""
        self._db.close()


class Catalog:
    """Reads the catalog of a generation; may be shared by threads.

    Attributes:
        records: Documents that have chunks or pages, in order of id, by place.
        first_rows: int64[n_documents + 1] row of each document's first chunk, and the number of chunks.
    """

    def __init__(self, path: Path) -> None:
        """Open the file without changing it.

        Raises:
            sqlite3.Error: If it is no catalog.
        """
        self._db = sqlite3.connect(_uri(path), uri=True, check_same_thread=False, isolation_level=None)
        rows = self._db.execute(
            "SELECT place, digest, pages, chunks, document, declared, properties, notes FROM documents ORDER BY place"
        )
        self.records = tuple(_record(row) for row in rows)
        counts = [record.chunks for record in self.records]
        self.first_rows: NDArray[np.int64] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._numbers = {record.place: number for number, record in enumerate(self.records)}

    def __len__(self) -> int:
        return int(self.first_rows[-1])

    def documents_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[n]: which of `records` each row belongs to."""
        found: NDArray[np.int64] = np.searchsorted(self.first_rows, rows, side="right") - 1
        return found.astype(np.int64)

    def chunk(self, row: int) -> Chunk:
        """The chunk at a row.

        Raises:
            KeyError: If there is no such row.
        """
        if not 0 <= row < len(self):
            raise KeyError(f"row {row} of {len(self)}")
        number = int(self.documents_of(np.array([row], np.int64))[0])
        record = self.records[number]
        found = self._db.execute(
            "SELECT id, page, start, end, section, language, text, sentences FROM chunks WHERE place = ? AND seq = ?",
            (record.place, row - int(self.first_rows[number])),
        ).fetchone()
        return _chunk(found, record.document.id)

    def chunks_of(self, number: int) -> Iterator[Chunk]:
        """Chunks of one of `records`, in reading order."""
        record = self.records[number]
        rows = self._db.execute(
            "SELECT id, page, start, end, section, language, text, sentences FROM chunks WHERE place = ? ORDER BY seq",
            (record.place,),
        )
        for row in rows:
            yield _chunk(row, record.document.id)

    def row_of(self, chunk_id: str) -> int | None:
        """The row of a chunk, None where there is none of this id."""
        found = self._db.execute("SELECT place, seq FROM chunks WHERE id = ?", (chunk_id,)).fetchone()
        return None if found is None else int(self.first_rows[self._numbers[found[0]]]) + int(found[1])

    def page(self, number: int, page: int) -> Page | None:
        """A page of one of `records` by its physical number, None where it has no text."""
        record = self.records[number]
        found = self._db.execute(
            "SELECT label, text, blocks FROM pages WHERE place = ? AND number = ?", (record.place, page)
        ).fetchone()
        if found is None:
            return None
        label, text, blocks = found
        return Page(record.document.id, page, str(label), str(text), unpack_blocks(blocks))

    def counts(self) -> tuple[int, int, int]:
        """Pages and chunks that are really there, and distinct chunk ids."""
        pages, chunks, ids = self._db.execute(
            "SELECT (SELECT count(*) FROM pages), count(*), count(DISTINCT id) FROM chunks"
        ).fetchone()
        return int(pages), int(chunks), int(ids)

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._db.close()
