"""The one interface that answering searches through: a generation opened for reading, and the live one in a server."""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, TracebackType

import numpy as np
from numpy.typing import NDArray

from index.catalog import CATALOG, Catalog
from index.embed import Embedder
from index.errors import CorruptGenerationError, ForeignGenerationError, IndexMissingError, PilotError
from index.fill import LANGUAGES, LEXICAL
from index.generation import CURRENT, current_name, generations
from index.lexical import LexicalReader
from index.manifest import LOCKS, REMEDY, Manifest, read_manifest, verify_files
from index.types import Chunk, Document, Language, Page
from index.validity import last_day
from index.vectors import ChunkVectors, SentenceVectors, open_rows

_log = logging.getLogger(__name__)
_RETRY_S = 60.0
_ATTEMPTS = 3
_SAMPLED = 2000


@dataclass(frozen=True)
class Scope:
    """Which documents may answer; everything empty means all.

    Attributes:
        as_of: Only documents published on or before this day; "2021-12" counts as its last day, undated ones are out.
        documents: Only these document ids.
        language: Only documents of this language.
        kind: Only documents of this kind.
        exclude: Not these document ids.
    """

    as_of: date | None = None
    documents: tuple[str, ...] = ()
    language: Language | None = None
    kind: str = ""
    exclude: tuple[str, ...] = ()

    def admits(self, document: Document) -> bool:
        """Whether this document may answer."""
        published = last_day(document.published) if self.as_of is not None else None
        return (
            (self.as_of is None or (published is not None and published <= self.as_of))
            and (not self.documents or document.id in self.documents)
            and (self.language is None or document.language == self.language)
            and (not self.kind or document.kind == self.kind)
            and document.id not in self.exclude
        )


_ALL = Scope()


class PassageStore:
    """One generation, open for searching by any number of threads; row = position of a chunk, from 0.

    Attributes:
        generation: Its name.
        manifest: What it is.
        documents: Its documents by id.
        translations: The ids of a document's translations and of what it is one of, by its id; of a document that has
            any.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Open the files of a folder whose hashes were checked.

        Raises:
            CorruptGenerationError: If one of them cannot be read.
        """
        self.generation = manifest.generation
        self.manifest = manifest
        try:
            self._chunks = ChunkVectors(folder, manifest.dim)
            self._sentences = SentenceVectors(folder, manifest.dim)
            self._languages = open_rows(folder / LANGUAGES, np.uint8)
            self._lexical, view = _open_lexical(folder / LEXICAL)
            self._catalog = Catalog(folder / CATALOG)
        except (OSError, ValueError, sqlite3.Error) as error:
            raise CorruptGenerationError(f"{folder}: cannot be opened ({error}). {REMEDY}") from error
        # Closes when the last query that holds the store lets go of it, at the latest.
        self._finalizer = weakref.finalize(self, _release, self._catalog, view)
        records = self._catalog.records
        self.documents: Mapping[str, Document] = MappingProxyType({one.document.id: one.document for one in records})
        self._numbers = {record.document.id: number for number, record in enumerate(records)}
        self.translations: Mapping[str, tuple[str, ...]] = MappingProxyType(_translations(self.documents))

    def __len__(self) -> int:
        return len(self._catalog)

    def __enter__(self) -> PassageStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rows(self, scope: Scope) -> NDArray[np.int64] | None:
        """Rows that may answer, ascending; None for all of them."""
        if scope == _ALL:
            return None
        first = self._catalog.first_rows
        numbers = sorted(self._numbers[document.id] for document in self._admitted(scope))
        admitted = [np.arange(first[number], first[number + 1], dtype=np.int64) for number in numbers]
        return np.concatenate(admitted) if admitted else np.empty(0, np.int64)

    def _admitted(self, scope: Scope) -> list[Document]:
        """The documents that may answer, looked up one by one where they are named: a corpus may have very many."""
        named = [self.documents[name] for name in set(scope.documents) if name in self.documents]
        return [one for one in (named if scope.documents else self.documents.values()) if scope.admits(one)]

    def dense(
        self, query: NDArray[np.float32], *, limit: int, rows: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """int64[k] rows and float32[k] inner products of the best chunks, best first; ties in order of row.

        Args:
            query: float32[dim], L2-normalised.
            limit: Most rows given.
            rows: Only these, filtered before ranking; None for all.
        """
        return self._chunks.search(query, limit=limit, rows=rows)

    def dense_scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[n] inner products of these chunks with the query, in their order."""
        return self._chunks.scores(query, rows)

    @cached_property
    def homogeneity(self) -> float:
        """How much alike all text is: mean cosine of two different chunks, of a sample; 1 where there is but one.

        Near 0 where every document is about something else, 0.4 for documents about one city's transport and water.
        """
        count = min(len(self), _SAMPLED)
        if count < 2:
            return 1.0
        sample = self._chunks.take(np.linspace(0, len(self) - 1, count).astype(np.int64))
        whole = sample.sum(axis=0, dtype=np.float64)
        return float((whole @ whole - np.square(sample, dtype=np.float64).sum()) / (count * (count - 1)))

    def sentence_scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        """For each row the inner products of its sentences with the query, float32[sentences], in reading order."""
        return self._sentences.scores(query, rows)

    def sentence_vectors(self, row: int) -> NDArray[np.float32]:
        """float32[sentences, dim] vectors of a chunk's sentences, in reading order."""
        return self._sentences.of(row)

    def row_languages(self, rows: NDArray[np.int64]) -> NDArray[np.str_]:
        """str[n] "zh" or "en": the language of each of these chunks."""
        return np.where(self._languages[rows] == 1, "en", "zh")

    def lexical(
        self, terms: Mapping[str, Mapping[str, float]], *, language: Language, limit: int, scope: Scope
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """int64[k] rows and float32[k] BM25 scores of the best chunks of one language, best first; ties by row.

        Args:
            terms: Weight of each term by field.
            language: Language of the chunks that are searched.
            limit: Most rows given.
            scope: Documents that may answer, filtered before ranking.
        """
        allowed = None
        if scope != _ALL:
            allowed = [document.id for document in self._admitted(scope)]
        return self._lexical.search(terms, language=language, limit=limit, documents=allowed)

    def idf(self, terms: Iterable[str], *, language: Language, field: str = "text") -> dict[str, float]:
        """How rare each term is among the chunks of a language, see `LexicalReader.idf`; empty without such chunks."""
        return self._lexical.idf(terms, language=language, field=field)

    def has_term(self, term: str) -> bool:
        """Whether any chunk holds a term, in its words, glosses or title."""
        return self._lexical.has(term)

    def rows_like(self, term: str, *, limit: int, distance: int) -> list[int]:
        """Rows of English chunks that have a term so many letters away, at most 2, or begin so for 0; ascending."""
        return [int(row) for row in self._lexical.like(term, language="en", limit=limit, distance=distance)]

    def chunks(self, rows: Sequence[int]) -> list[Chunk]:
        """The chunks at these rows, in their order.

        Raises:
            KeyError: If there is no such row.
        """
        return [self._catalog.chunk(int(row)) for row in rows]

    def row_of(self, chunk_id: str) -> int | None:
        """The row of a chunk, None where this generation has none of this id."""
        return self._catalog.row_of(chunk_id)

    def page(self, document_id: str, number: int) -> Page | None:
        """A page by its physical number from 1, None where there is none with text."""
        found = self._numbers.get(document_id)
        return None if found is None else self._catalog.page(found, number)

    def document_rows(self, document_id: str) -> list[int]:
        """Rows of a document's chunks in reading order; empty where there is no such document."""
        found = self._numbers.get(document_id)
        first = self._catalog.first_rows
        return [] if found is None else list(range(int(first[found]), int(first[found + 1])))

    def counts(self) -> tuple[int, int, int]:
        """Pages and chunks that the catalog really holds, and distinct chunk ids; reads all of it."""
        return self._catalog.counts()

    @property
    def vector_counts(self) -> tuple[int, int]:
        """Chunk vectors and sentence vectors."""
        return len(self._chunks), len(self._sentences)

    def close(self) -> None:
        """Close the files; closing twice is harmless."""
        self._finalizer()


def _translations(documents: Mapping[str, Document]) -> dict[str, tuple[str, ...]]:
    """The other documents of each family of an original and its translations, in the order of the corpus."""
    families: dict[str, list[str]] = {}
    for one in documents.values():
        if one.translation_of in documents:
            families.setdefault(one.translation_of, [one.translation_of]).append(one.id)
    return {name: tuple(other for other in family if other != name) for family in families.values() for name in family}


def _release(catalog: Catalog, view: tempfile.TemporaryDirectory[str] | None) -> None:
    catalog.close()
    if view is not None:
        view.cleanup()


def _open_lexical(folder: Path) -> tuple[LexicalReader, tempfile.TemporaryDirectory[str] | None]:
    """The words of a generation, and the folder of links that they are read through where `folder` is read-only.

    Tantivy makes a lock file beside the files that it opens, even for reading, or opens the one that is there to write.
    """
    locks = [path for path in folder.glob("*/*") if path.name in LOCKS]
    if all(os.access(path, os.W_OK) for path in (folder, *folder.glob("*/"), *locks)):
        return LexicalReader(folder), None
    view = linked_view(folder)
    try:
        return LexicalReader(Path(view.name)), view
    except (OSError, ValueError):
        view.cleanup()
        raise


def linked_view(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of links to every file of `folder`'s folders but lock files, where others may be made."""
    view = tempfile.TemporaryDirectory(prefix="pilot-lexical-")
    for path in sorted(path for path in folder.glob("*/*") if path.name not in LOCKS):
        target = Path(view.name) / path.relative_to(folder)
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(path.absolute())
    return view


def open_folder(folder: Path, *, verify: bool = True) -> PassageStore:
    """A generation's folder opened for searching; with `verify` after comparing every file's hash.

    Raises:
        CorruptGenerationError: Naming the file that is not as it was published.
        ForeignGenerationError: If another format version wrote it.
    """
    manifest = read_manifest(folder)
    if verify:
        verify_files(folder, manifest)
    return PassageStore(folder, manifest)


def check_embedder(manifest: Manifest, embedder: Embedder, *, folder: Path) -> None:
    """Nothing, if the generation's vectors are this embedder's.

    Raises:
        ForeignGenerationError: If they are another's.
    """
    if (manifest.embedder, manifest.dim) != (embedder.id, embedder.dim):
        raise ForeignGenerationError(
            f'{folder} holds {manifest.dim}-dim vectors of "{manifest.embedder}"; the settings ask for '
            f'"{embedder.id}" ({embedder.dim}). Run: pilot index build'
        )


def open_store(
    index_home: Path, *, generation: str | None = None, verify: bool = True, embedder: Embedder | None = None
) -> PassageStore:
    """The live generation (or a kept one by name) opened for searching.

    Args:
        index_home: The settings' `home / "index"`.
        generation: Name of a kept generation, "gen-000041"; None for the live one.
        verify: Compare every file's hash first.
        embedder: What questions are embedded with; its vectors must be the generation's.

    Raises:
        IndexMissingError: If nothing was published yet.
        CorruptGenerationError: If a file is not as it was published, or the generation is not kept any more.
        ForeignGenerationError: If another format version or another embedder made it.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        name = generation or current_name(index_home)
        folder = index_home / name
        try:
            if not folder.is_dir():
                kept = ", ".join(generations(index_home)) or "none"
                remedy = "Run: pilot index status" if generation else REMEDY
                raise CorruptGenerationError(f"{folder}: there is no such generation; kept are {kept}. {remedy}")
            store = open_folder(folder, verify=verify)
        except CorruptGenerationError:
            # A build may have published and removed this one while it was being opened.
            if generation is not None or attempt == _ATTEMPTS or current_name(index_home) == name:
                raise
            continue
        if embedder is not None:
            try:
                check_embedder(store.manifest, embedder, folder=folder)
            except ForeignGenerationError:
                store.close()
                raise
        return store
    raise IndexMissingError(f"{index_home / CURRENT} keeps changing. Run: pilot index status")


class LiveStore:
    """The live generation of a server: looks for a new one every few seconds and swaps to it once it is verified."""

    def __init__(self, index_home: Path, *, reload_s: float, embedder: Embedder | None = None) -> None:
        """Open the live generation, and look for new ones in a thread of its own until `close`.

        Raises:
            IndexMissingError, CorruptGenerationError, ForeignGenerationError: As `open_store`.
        """
        self._home = index_home
        self._reload_s = reload_s
        self._embedder = embedder
        self._store = open_store(index_home, embedder=embedder)
        self._refused: tuple[str, float] = ("", 0.0)
        self._refreshing = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pilot-live-store", daemon=True)
        self._thread.start()

    def current(self) -> PassageStore:
        """The newest verified generation.

        A query that keeps the reference goes on reading the same generation; its files are closed when the last
        reference is gone.
        """
        return self._store

    def refresh(self) -> bool:
        """Swap to the generation that CURRENT names, if it is another one and sound; whether it did.

        A broken one is logged and left alone for a minute, or until CURRENT names another.
        """
        with self._refreshing:
            name = ""
            try:
                name = current_name(self._home)
                refused, until = self._refused
                if name == self._store.generation or (name == refused and time.monotonic() < until):
                    return False
                opened = open_store(self._home, embedder=self._embedder)
            except PilotError as error:
                if name != self._refused[0] or time.monotonic() >= self._refused[1]:
                    _log.warning("still answering from %s: %s", self._store.generation, error)
                    self._refused = (name, time.monotonic() + _RETRY_S)
                return False
            _log.info("answering from %s after %s", opened.generation, self._store.generation)
            self._store = opened
            return True

    def close(self) -> None:
        """Stop watching; the store stays open for queries in flight."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._stopped.wait(self._reload_s):
            self.refresh()
