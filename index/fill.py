"""Chunks to vectors and words on disk, in order of row and a window at a time; vectors already known are taken over."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
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
from index.types import Chunk
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

LANGUAGES = "languages.u8"
LEXICAL = "lexical"
_WINDOW = 256
_NONE = np.empty(0, np.bool_)


def embedding_text(text: str, embedder: Embedder, pivot: Pivot) -> str:
    """What the embedder is given for a text: its English pivot, or itself on one line."""
    return pivot.pivot(text) if embedder.uses_pivot else unwrap(text)


def vector_key(embedder: Embedder, text: str) -> bytes:
    """The 16 bytes that a vector is taken over by: embedder and embedded text."""
    return hashlib.sha256(f"{embedder.id}\n{text}".encode()).digest()[:16]


class PreviousVectors:
    """Vectors of the previous generation, by row and by key.

    Attributes:
        chunks: Its chunk vectors.
        sentences: Its sentence vectors.
        same_text: Whether equal chunks were embedded from equal text: same embedder, same dictionary.
    """

    def __init__(self, folder: Path, dim: int, *, same_text: bool) -> None:
        self.chunks = ChunkVectors(folder, dim)
        self.sentences = SentenceVectors(folder, dim)
        self.same_text = same_text
        self._folder = folder
        self._tables: dict[str, KeyTable] = {}

    def keys(self, name: str) -> NDArray[np.generic]:
        """Keys in order of position, memory-mapped; `name` is CHUNK_KEYS or SENTENCE_KEYS."""
        return open_rows(self._folder / name, KEY)

    def find(self, name: str, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Positions of these keys, -1 where there is none."""
        if name not in self._tables:
            self._tables[name] = KeyTable(self._folder / name)
        return self._tables[name].find(keys)


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
        names = (ROWS16, CHUNK_KEYS, SENTENCES, SCALES, SENTENCE_KEYS, OFFSETS, LANGUAGES)
        self._files = {name: ArrayFile(folder / name, disk) for name in names}
        self._lexical = LexicalWriter(folder / LEXICAL)
        self._texts: dict[bytes, str] = {}
        self.sentences = 0
        self.reuse = Reuse()

    def run(
        self, catalog: Catalog, starts: Mapping[int, int], previous: PreviousVectors | None, *, progress: Progress
    ) -> None:
        """Write everything of a finished catalog.

        Args:
            catalog: The new catalog.
            starts: Row in the previous generation of the first chunk of each document taken over, by place.
            previous: The previous generation's vectors.
            progress: Told of every window.

        Raises:
            OSError: If the disk is full or fails.
        """
        progress.stage("Embedding", len(catalog))
        self._files[OFFSETS].append(np.zeros(1, np.int64))
        window: list[tuple[Chunk, int]] = []
        row = 0
        for number, record in enumerate(catalog.records):
            start = starts.get(record.place, -1)
            for seq, chunk in enumerate(catalog.chunks_of(number)):
                fields = lexical_fields(chunk, record.document, self._pivot)
                self._lexical.add(row, chunk.document_id, chunk.language, fields)
                window.append((chunk, start + seq if start >= 0 else -1))
                row += 1
                if len(window) == _WINDOW:
                    self._flush(window, previous)
                    progress.advance(len(window), chunk.document_id)
                    window = []
        if window:
            self._flush(window, previous)
            progress.advance(len(window), window[-1][0].document_id)
        self._lexical.close()
        for file in self._files.values():
            file.close()

    def abandon(self) -> None:
        """Let go of the files of a build that failed; harmless after `run`."""
        for file in self._files.values():
            file.abandon()

    def _flush(self, window: Sequence[tuple[Chunk, int]], previous: PreviousVectors | None) -> None:
        """Embed what is new in a window and write all of it."""
        chunks, sentences = _Items(), _Items()
        counts: list[int] = []
        for chunk, row in window:
            if previous is not None and previous.same_text and row >= 0:
                chunks.add(previous.keys(CHUNK_KEYS)[row : row + 1], np.array([row], np.int64))
                first, last = (int(offset) for offset in previous.sentences.offsets[row : row + 2])
                sentences.add(previous.keys(SENTENCE_KEYS)[first:last], np.arange(first, last, dtype=np.int64))
            else:
                spans = [chunk.text[s.start - chunk.start : s.end - chunk.start] for s in chunk.sentences]
                chunks.add(*self._keyed([chunk.text], CHUNK_KEYS, previous))
                sentences.add(*self._keyed(spans, SENTENCE_KEYS, previous))
            counts.append(len(sentences.positions[-1]))
        self._write(chunks, sentences, previous)
        offsets = self.sentences + np.cumsum(counts)
        self.sentences = int(offsets[-1])
        self._files[OFFSETS].append(offsets.astype(np.int64))
        self._files[LANGUAGES].append(np.array([chunk.language == "en" for chunk, _ in window], np.uint8))

    def _keyed(
        self, texts: Sequence[str], table: str, previous: PreviousVectors | None
    ) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
        """Keys of these texts and where the previous generation has them; the others are noted for embedding."""
        embedded = [embedding_text(text, self._embedder, self._pivot) for text in texts]
        keys = [vector_key(self._embedder, text) for text in embedded]
        none = np.full(len(keys), -1, np.int64)
        positions = previous.find(table, keys) if previous is not None else none
        for key, text, position in zip(keys, embedded, positions, strict=True):
            if position < 0:
                self._texts[key] = text
        return np.frombuffer(b"".join(keys), KEY), positions

    def _write(self, chunks: _Items, sentences: _Items, previous: PreviousVectors | None) -> None:
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
