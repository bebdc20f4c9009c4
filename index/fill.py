"""Chunks to vectors and words on disk, in order of row and a window at a time; vectors already known are taken over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog
from index.disk import Disk
from index.embed import Embedder
from index.language import unwrap
from index.lexical import LexicalWriter, lexical_fields
from index.pivot import Pivot
from index.report import Progress, Reuse
from index.types import Chunk, Document, Language
from index.vectors import (
    CHUNK_KEYS,
    KEY,
    OFFSETS,
    ROWS16,
    SCALES,
    SENTENCE_KEYS,
    SENTENCES,
    ArrayFile,
    ChunkVectors,
    KeyTable,
    SentenceVectors,
    open_rows,
    quantise,
)
from index.words import WORD_OFFSETS, WORDS, StoredWords, pack_words, unpack_words

LANGUAGES = "languages.u8"
LEXICAL = "lexical"
_FILES = (ROWS16, CHUNK_KEYS, SENTENCES, SCALES, SENTENCE_KEYS, OFFSETS, LANGUAGES, WORDS, WORD_OFFSETS)
_WINDOW = 256
_NONE = np.empty(0, np.bool_)


def embedding_text(text: str, embedder: Embedder, pivot: Pivot) -> str:
    """What the embedder is given for a text: its English pivot, or itself on one line."""
    return pivot.pivot(text) if embedder.uses_pivot else unwrap(text)


def vector_key(embedder: Embedder, text: str) -> bytes:
    """The 16 bytes that a vector is taken over by: embedder and embedded text."""
    return hashlib.sha256(f"{embedder.id}\n{text}".encode()).digest()[:16]


def heading(document: Document) -> tuple[str, str, str]:
    """What `lexical_fields` takes of a document itself: words stay while it does."""
    return document.title, document.document_number, document.published


@dataclass(frozen=True)
class Taken:
    """A document that was taken over: row of its first chunk in the previous generation, and whether its words stay."""

    row: int
    same_words: bool


class PreviousRows:
    """What the previous generation has of its chunks, by row and by key.

    Attributes:
        chunks: Its chunk vectors.
        sentences: Its sentence vectors.
        chunk_keys, sentence_keys: Keys in order of position, S16[n].
        languages: uint8[n], 1 for English.
        words: Its chunks' terms.
        same_embedder: Whether vectors of equal text are equal.
        same_text: Whether, besides, equal chunks are embedded from equal text: by the same dictionary.
    """

    def __init__(self, folder: Path, dim: int, *, same_embedder: bool, same_pivot: bool) -> None:
        self.chunks = ChunkVectors(folder, dim)
        self.sentences = SentenceVectors(folder, dim)
        self.chunk_keys = open_rows(folder / CHUNK_KEYS, KEY)
        self.sentence_keys = open_rows(folder / SENTENCE_KEYS, KEY)
        self.languages = open_rows(folder / LANGUAGES, np.uint8)
        self.words = StoredWords(folder)
        self.same_embedder = same_embedder
        self.same_text = same_embedder and same_pivot
        self._tables: dict[str, KeyTable] = {}
        self._folder = folder

    def find(self, name: str, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Positions of these keys in the file of this name, -1 where there is none."""
        if name not in self._tables:
            self._tables[name] = KeyTable(self._folder / name)
        return self._tables[name].find(keys)


@dataclass(frozen=True, slots=True)
class _Row:
    """One chunk on its way to disk: its text where it is needed, its row in the previous generation or -1."""

    document_id: str
    language: Language
    words: bytes
    chunk: Chunk | None
    previous: int


@dataclass(slots=True)
class _Items:
    """Chunks or sentences of a window in order: key and position in the previous generation (-1: to be embedded)."""

    keys: list[NDArray[np.generic]] = field(default_factory=list)
    positions: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, keys: NDArray[np.generic], positions: NDArray[np.int64]) -> None:
        """Append keys S16[n] and positions int64[n]."""
        self.keys.append(keys)
        self.positions.append(positions)


class VectorFiles:
    """Writes vectors, keys, languages and words of a generation, chunk after chunk.

    Attributes:
        sentences: Sentences written so far.
        reuse: Vectors made anew and taken over so far.
    """

    def __init__(self, folder: Path, embedder: Embedder, pivot: Pivot, *, disk: Disk) -> None:
        self._embedder = embedder
        self._pivot = pivot
        self._files = {name: ArrayFile(folder / name, disk) for name in _FILES}
        self._lexical = [LexicalWriter(folder / LEXICAL)]
        self._texts: dict[bytes, str] = {}
        self._word_bytes = 0
        self.sentences = 0
        self.reuse = Reuse()

    def run(
        self, catalog: Catalog, taken: Mapping[int, Taken], previous: PreviousRows | None, *, progress: Progress
    ) -> None:
        """Write everything of a finished catalog.

        Args:
            catalog: The new catalog.
            taken: Documents taken over, by place.
            previous: Where they are taken over from.
            progress: Told of every window.

        Raises:
            OSError: If the disk is full or fails.
        """
        progress.stage("Embedding", len(catalog))
        for name in (OFFSETS, WORD_OFFSETS):
            self._files[name].append(np.zeros(1, np.int64))
        window: list[_Row] = []
        for number, row in enumerate(self._rows(catalog, taken, previous)):
            self._lexical[0].add(number, row.document_id, row.language, unpack_words(row.words))
            window.append(row)
            if len(window) == _WINDOW or number + 1 == len(catalog):
                self._flush(window, previous)
                progress.advance(len(window), row.document_id)
                window = []
        self._lexical[0].close()
        for file in self._files.values():
            file.close()

    def abandon(self) -> None:
        """Let go of the files of a build that failed; harmless after `run`."""
        self._lexical.clear()  # Tantivy's threads end with the last reference, and write no more
        for file in self._files.values():
            file.abandon()

    def _rows(self, catalog: Catalog, taken: Mapping[int, Taken], previous: PreviousRows | None) -> Iterator[_Row]:
        """All chunks in order; the catalog is not read where nothing has to be made of the text."""
        for number, record in enumerate(catalog.records):
            document = record.document
            old = taken.get(record.place)
            if previous is not None and previous.same_text and old is not None and old.same_words:
                for row in range(old.row, old.row + record.chunks):
                    language: Language = "en" if previous.languages[row] else "zh"
                    yield _Row(document.id, language, previous.words.packed(row), None, row)
                continue
            for seq, chunk in enumerate(catalog.chunks_of(number)):
                row = old.row + seq if previous is not None and previous.same_text and old is not None else -1
                words = pack_words(lexical_fields(chunk, document, self._pivot))
                yield _Row(document.id, chunk.language, words, chunk, row)

    def _flush(self, window: Sequence[_Row], previous: PreviousRows | None) -> None:
        """Embed what is new in a window and write all of it."""
        chunks, sentences = _Items(), _Items()
        for row in window:
            if previous is not None and row.previous >= 0:
                here = row.previous
                chunks.add(previous.chunk_keys[here : here + 1], np.array([here], np.int64))
                first, last = (int(offset) for offset in previous.sentences.offsets[here : here + 2])
                sentences.add(previous.sentence_keys[first:last], np.arange(first, last, dtype=np.int64))
            elif row.chunk is not None:
                start = row.chunk.start
                spans = [row.chunk.text[s.start - start : s.end - start] for s in row.chunk.sentences]
                chunks.add(*self._keyed([row.chunk.text], CHUNK_KEYS, previous))
                sentences.add(*self._keyed(spans, SENTENCE_KEYS, previous))
        self._write(chunks, sentences, previous)
        offsets = self.sentences + np.cumsum([len(one) for one in sentences.positions])
        self.sentences = int(offsets[-1])
        self._files[OFFSETS].append(offsets.astype(np.int64))
        self._files[LANGUAGES].append(np.array([row.language == "en" for row in window], np.uint8))
        offsets = self._word_bytes + np.cumsum([len(row.words) for row in window])
        self._word_bytes = int(offsets[-1])
        self._files[WORD_OFFSETS].append(offsets.astype(np.int64))
        self._files[WORDS].append(np.frombuffer(b"".join(row.words for row in window), np.uint8))

    def _keyed(
        self, texts: Sequence[str], table: str, previous: PreviousRows | None
    ) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
        """Keys of these texts and where the previous generation has them; the others are noted for embedding."""
        embedded = [embedding_text(text, self._embedder, self._pivot) for text in texts]
        keys = [vector_key(self._embedder, text) for text in embedded]
        positions = np.full(len(keys), -1, np.int64)
        if previous is not None and previous.same_embedder:
            positions = previous.find(table, keys)
        for key, text, position in zip(keys, embedded, positions, strict=True):
            if position < 0:
                self._texts[key] = text
        return np.frombuffer(b"".join(keys), KEY), positions

    def _write(self, chunks: _Items, sentences: _Items, previous: PreviousRows | None) -> None:
        rows = {key: row for row, key in enumerate(self._texts)}
        new = self._embedder.embed(list(self._texts.values()))
        self._texts = {}
        keys, positions = np.concatenate(chunks.keys), np.concatenate(chunks.positions)
        vectors = np.empty((len(keys), self._embedder.dim), np.float32)
        known = positions >= 0
        vectors[~known] = new[_rows_of(keys[~known], rows)]
        if previous is not None and known.any():
            vectors[known] = previous.chunks.take(positions[known])
        self._files[ROWS16].append(vectors.astype(np.float16))
        self._files[CHUNK_KEYS].append(keys)
        self._count(chunks=known)
        keys, positions = np.concatenate(sentences.keys), np.concatenate(sentences.positions)
        known = positions >= 0
        codes = np.empty((len(keys), self._embedder.dim), np.int8)
        scales = np.empty(len(keys), np.float32)
        codes[~known], scales[~known] = quantise(new[_rows_of(keys[~known], rows)])
        if previous is not None and known.any():
            codes[known], scales[known] = previous.sentences.codes(positions[known])
        self._files[SENTENCES].append(codes)
        self._files[SCALES].append(scales)
        self._files[SENTENCE_KEYS].append(keys)
        self._count(sentences=known)

    def _count(self, *, chunks: NDArray[np.bool_] = _NONE, sentences: NDArray[np.bool_] = _NONE) -> None:
        before = self.reuse
        self.reuse = Reuse(
            before.chunks_embedded + int((~chunks).sum()),
            before.chunks_reused + int(chunks.sum()),
            before.sentences_embedded + int((~sentences).sum()),
            before.sentences_reused + int(sentences.sum()),
        )


def _rows_of(keys: NDArray[np.generic], rows: Mapping[bytes, int]) -> NDArray[np.int64]:
    """Where the vectors of these keys stand among those just embedded."""
    data = keys.tobytes()
    return np.array([rows[data[i : i + 16]] for i in range(0, len(data), 16)], np.int64)
