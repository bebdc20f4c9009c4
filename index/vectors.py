"""Chunk and sentence vectors on disk and in search; the only module that knows FAISS.

Chunk vectors: one FAISS file, exact (fp16) or approximate (IVF over 8-bit codes, its candidates rescored from fp16 rows
in `chunks.f16`). Sentence vectors: int8 rows with one scale each, memory-mapped, found by chunk through offsets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import DTypeLike, NDArray

from index.disk import Disk
from index.errors import CorruptGenerationError
from index.report import AnnReport

EXACT = "SQfp16"
CHUNKS, ROWS16 = "vectors.faiss", "chunks.f16"
SENTENCES, SCALES, OFFSETS = "sentences.i8", "sentences.f32", "sentences.i64"
CHUNK_KEYS, SENTENCE_KEYS = "chunks.keys", "sentences.keys"
KEY = np.dtype("S16")
"""First 16 bytes of SHA-256 over embedder id and embedded text: what a vector is taken over by."""
_BLOCK = 8192
_REFINE = 4  # candidates an approximate search rescores, per row asked for
_NARROW = 8  # a filter that leaves less than one row in so many is scored row by row
_MEASURED = 300  # questions that recall is measured on

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


class ArrayFile:
    """A file that grows by blocks of one array type; on the medium after `close`."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._handle = path.open("wb")

    def append(self, block: NDArray[np.generic]) -> None:
        """Write the block's values at the end.

        Raises:
            OSError: If the disk is full or fails.
        """
        if block.size:
            self._disk.append(self._handle, np.ascontiguousarray(block).tobytes())

    def abandon(self) -> None:
        """Close without a promise that anything was written; harmless after `close`."""
        with suppress(OSError):
            self._handle.close()

    def close(self) -> None:
        """Flush and fsync; closing twice is harmless.

        Raises:
            OSError: If the disk is full or fails.
        """
        if not self._handle.closed:
            try:
                self._handle.flush()
            finally:
                self._handle.close()
            self._disk.sync(self._path)


def open_rows(path: Path, dtype: DTypeLike, width: int = 1) -> NDArray[np.generic]:
    """A file's values, memory-mapped read-only: dtype[n, width], or dtype[n] where the width is 1.

    Raises:
        CorruptGenerationError: If it does not hold whole rows.
    """
    kind = np.dtype(dtype)
    size = path.stat().st_size
    if size % (kind.itemsize * width):
        raise CorruptGenerationError(
            f"{path}: got {size} bytes, expected whole rows of {width} × {kind}. Run: pilot index rollback"
        )
    shape = (size // kind.itemsize // width, width) if width > 1 else (size // kind.itemsize,)
    if size == 0:
        return np.empty(shape, kind)
    # As a plain array: slicing a memmap costs about 3 µs more, and a question slices hundreds of times.
    return np.memmap(path, kind, mode="r", shape=shape).view(np.ndarray)


def quantise(vectors: Scores) -> tuple[NDArray[np.int8], Scores]:
    """int8[n, dim] codes and float32[n] scales: a row is its codes times its scale, to within half a scale.

    The scale is the largest absolute value / 127; a zero row has scale 0.
    """
    scales = (np.abs(vectors).max(axis=1, initial=0.0) / 127).astype(np.float32)
    codes = np.rint(vectors / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8)
    return codes, scales


def inner_products(vectors: Scores, query: Scores) -> Scores:
    """float32[n]: the inner product of each row of float32[n, dim] with float32[dim], on one core.

    A matrix product would go to BLAS, which from some hundred rows on takes every core and spins until the slowest is
    done: where another process has one of two, 5 to 12 ms for 1,225 sentences instead of 0.1.
    """
    return np.asarray(np.vecdot(vectors, query), np.float32)


class SentenceVectors:
    """Vectors of all sentences of a generation, by the row of their chunk."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._codes = open_rows(folder / SENTENCES, np.int8, dim)
        self._scales = open_rows(folder / SCALES, np.float32)
        self.offsets = open_rows(folder / OFFSETS, np.int64)

    def __len__(self) -> int:
        return len(self._scales)

    def codes(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
        """int8[n, dim] codes and float32[n] scales of these sentences."""
        return self._codes[positions], self._scales[positions]

    def take(self, positions: NDArray[np.int64]) -> Scores:
        """float32[n, dim] vectors of these sentences."""
        scales = np.asarray(self._scales[positions], np.float32)
        scaled: Scores = np.asarray(self._codes[positions], np.float32) * scales[:, None]
        return scaled

    def of(self, row: int) -> Scores:
        """float32[sentences, dim] vectors of a chunk's sentences, in reading order."""
        return self.take(np.arange(self.offsets[row], self.offsets[row + 1]))

    def scores(self, query: Scores, rows: Rows) -> list[Scores]:
        """For each row the inner products of its sentences with the query, float32[sentences], in reading order."""
        rows = np.asarray(rows, np.int64)
        starts, ends = np.asarray(self.offsets[rows]), np.asarray(self.offsets[rows + 1])
        counts = ends - starts
        if not counts.sum():
            return [np.empty(0, np.float32) for _ in rows]
        stops = np.cumsum(counts)
        positions = np.arange(stops[-1]) + np.repeat(starts - stops + counts, counts)
        codes, scales = self.codes(positions)
        flat: Scores = inner_products(np.asarray(codes, np.float32), query) * np.asarray(scales, np.float32)
        return np.split(flat, stops[:-1])


def _ranked(rows: Rows, scores: Scores, limit: int) -> tuple[Rows, Scores]:
    """The best rows first, ties in order of row; FAISS pads short results with -1, which are dropped."""
    keep = rows >= 0
    rows, scores = rows[keep], scores[keep]
    order = np.lexsort((rows, -scores))[:limit]
    return rows[order], scores[order]


class ChunkVectors:
    """Searches the chunk vectors of one generation; row = position of the chunk."""

    def __init__(self, folder: Path, dim: int) -> None:
        """Read the FAISS file of a folder whose hashes were checked.

        Raises:
            CorruptGenerationError: If FAISS cannot read it.
        """
        self._index = _read_faiss(folder / CHUNKS)
        self.dim = dim
        if self._index.d != dim:
            raise CorruptGenerationError(
                f"{folder / CHUNKS}: got {self._index.d}-dim vectors, expected {dim}. Run: pilot index rollback"
            )
        raw = folder / ROWS16
        self._raw: NDArray[np.generic] | None = open_rows(raw, np.float16, dim) if raw.is_file() else None

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def take(self, rows: Rows) -> Scores:
        """float32[n, dim] vectors of these rows, as fp16 holds them."""
        if self._raw is not None:
            return np.asarray(self._raw[rows], np.float32)
        return np.asarray(self._index.reconstruct_batch(np.ascontiguousarray(rows, np.int64)), np.float32)

    def scores(self, query: Scores, rows: Rows) -> Scores:
        """float32[n] inner products of these rows with the query, in their order."""
        if not len(rows):
            return np.empty(0, np.float32)
        faiss.omp_set_num_threads(1)
        return inner_products(self.take(rows), query)

    def search(self, query: Scores, *, limit: int, rows: Rows | None) -> tuple[Rows, Scores]:
        """The best rows by inner product, best first, at most `limit`; only among `rows` where given.

        A filter is applied before the search. A narrow one (or any over an approximate index that leaves at most 50,000
        rows) is exact.
        """
        wide = len(self) if rows is None else len(rows)
        if limit < 1 or not wide:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if rows is not None and (wide * _NARROW <= len(self) or (self._raw is not None and wide <= 50_000)):
            return _ranked(rows, self.scores(query, rows), limit)
        found, scores = self._faiss(query, min(limit * (_REFINE if self._raw is not None else 1), wide), rows)
        if self._raw is not None:
            found = found[found >= 0]
            scores = self.scores(query, found)
        return _ranked(found, scores, limit)

    def _faiss(self, query: Scores, limit: int, rows: Rows | None) -> tuple[Rows, Scores]:
        faiss.omp_set_num_threads(1)  # OpenMP keeps it per thread, and a question may come on any
        selector = None if rows is None else faiss.IDSelectorBatch(np.ascontiguousarray(rows, np.int64))
        if self._raw is None:
            parameters = faiss.SearchParameters()
        else:
            parameters = faiss.SearchParametersIVF()
            parameters.nprobe = faiss.extract_index_ivf(self._index).nprobe
        parameters.sel = selector
        scores, found = self._index.search(np.ascontiguousarray(query[None], np.float32), limit, params=parameters)
        return np.asarray(found[0], np.int64), np.asarray(scores[0], np.float32)

    def set_nprobe(self, nprobe: int) -> None:
        """Search so many cells of an approximate index a question."""
        faiss.extract_index_ivf(self._index).nprobe = nprobe


def _read_faiss(path: Path) -> faiss.Index:
    """A FAISS index of a file whose hash was checked; no vector in it may be larger than the file.

    Raises:
        CorruptGenerationError: If FAISS cannot read it.
    """
    size = path.stat().st_size
    faiss.set_deserialization_vector_byte_limit(max(size, 1))
    faiss.set_deserialization_loop_limit(max(size, 1))
    try:
        return faiss.deserialize_index(np.memmap(path, np.uint8, mode="r"))
    except (RuntimeError, ValueError) as error:
        raise CorruptGenerationError(f"{path}: FAISS cannot read it ({error}). Run: pilot index rollback") from error


def _write_faiss(built: faiss.Index, path: Path, disk: Disk) -> None:
    failures: list[OSError] = []
    with path.open("wb") as handle:

        def sink(data: bytes) -> int:
            # An exception does not pass through FAISS as itself; nothing is written after the first one.
            try:
                if not failures:
                    disk.append(handle, data)
            except OSError as error:
                failures.append(error)
            return len(data)

        writer = vars(faiss)["PyCallbackIOWriter"](sink, _BLOCK * 128)  # missing from the stubs
        faiss.write_index(built, writer)
        if failures:
            raise failures[0]
        handle.flush()
    disk.sync(path)


def _blocks(raw: NDArray[np.generic]) -> Iterator[Scores]:
    for start in range(0, len(raw), _BLOCK):
        yield np.asarray(raw[start : start + _BLOCK], np.float32)


def write_exact(folder: Path, dim: int, disk: Disk) -> AnnReport:
    """Turn `chunks.f16` of a folder into an exact FAISS file, and remove it: fp16 rows can be read back from FAISS.

    Raises:
        OSError: If the disk is full or fails.
    """
    built = faiss.index_factory(dim, EXACT, faiss.METRIC_INNER_PRODUCT)
    for block in _blocks(open_rows(folder / ROWS16, np.float16, dim)):
        built.add(block)
    _write_faiss(built, folder / CHUNKS, disk)
    (folder / ROWS16).unlink()
    return AnnReport(EXACT)


def ann_cells(chunks: int) -> int:
    """Cells of an approximate index: 4 √n, and at least 39 rows a cell, as FAISS asks for training."""
    return max(1, min(int(4 * chunks**0.5), chunks // 39))


def write_ann(folder: Path, dim: int, disk: Disk, *, least_recall: float) -> AnnReport:
    """Write an approximate FAISS file beside `chunks.f16`, or the exact one where its recall stays too low.

    Recall@10 is measured against exact search over up to 300 sentence vectors as questions; the cells searched double
    until it is reached, up to a quarter of all.

    Raises:
        OSError: If the disk is full or fails.
    """
    raw = open_rows(folder / ROWS16, np.float16, dim)
    factory = f"IVF{ann_cells(len(raw))},SQ8"
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    built = _trained(factory, raw, dim)
    _write_faiss(built, folder / CHUNKS, disk)
    vectors = ChunkVectors(folder, dim)
    sentences = SentenceVectors(folder, dim)
    positions = np.unique(np.linspace(0, len(sentences) - 1, _MEASURED).astype(np.int64))
    queries = sentences.take(positions)
    truth = exact_best(raw, queries, 10)
    nprobe, recall = 4, 0.0
    while recall < least_recall and nprobe < ann_cells(len(raw)) // 4:
        nprobe *= 2
        vectors.set_nprobe(nprobe)
        recall = recall_at(vectors, queries, truth)
    if recall < least_recall:
        write_exact(folder, dim, disk)
        note = (
            f"{factory} reached recall@10 {recall:.3f} with {nprobe} cells, below {least_recall}: exact search instead"
        )
        return AnnReport(EXACT, note=note)
    faiss.extract_index_ivf(built).nprobe = nprobe
    _write_faiss(built, folder / CHUNKS, disk)
    return AnnReport(factory, nprobe, recall, len(queries))


def _trained(factory: str, raw: NDArray[np.generic], dim: int) -> faiss.Index:
    built = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    sample = np.linspace(0, len(raw) - 1, min(len(raw), 64 * ann_cells(len(raw)))).astype(np.int64)
    built.train(np.asarray(raw[sample], np.float32))
    for block in _blocks(raw):
        built.add(block)
    return built


def exact_best(raw: NDArray[np.generic], queries: Scores, k: int) -> Rows:
    """int64[n_queries, k]: the exact best rows of each query by inner product, a block of rows at a time."""
    best = np.empty((len(queries), 0), np.float32)
    rows = np.empty((len(queries), 0), np.int64)
    for number, block in enumerate(_blocks(raw)):
        best = np.hstack([best, queries @ block.T])
        here = np.arange(len(block), dtype=np.int64) + number * _BLOCK
        rows = np.hstack([rows, np.broadcast_to(here, (len(queries), len(block)))])
        keep = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best, rows = np.take_along_axis(best, keep, 1), np.take_along_axis(rows, keep, 1)
    return rows


def recall_at(vectors: ChunkVectors, queries: Scores, truth: Rows) -> float:
    """Mean share of each query's true rows that the search finds among as many, 0 to 1."""
    k = truth.shape[1]
    found = [vectors.search(query, limit=k, rows=None)[0] for query in queries]
    hits = sum(len(np.intersect1d(one, true)) for one, true in zip(found, truth, strict=True))
    return hits / max(truth.size, 1)


class KeyTable:
    """Finds a vector's position in a generation by its key."""

    def __init__(self, path: Path) -> None:
        keys = open_rows(path, KEY)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def find(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """int64[n] positions of these 16-byte keys, -1 where there is none."""
        if not len(self._sorted) or not keys:
            return np.full(len(keys), -1, np.int64)
        wanted = np.frombuffer(b"".join(keys), KEY)
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        found = self._sorted[places] == wanted
        return np.where(found, self._order[places], -1).astype(np.int64)
