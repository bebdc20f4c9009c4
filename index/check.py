"""Whether a generation can be trusted: counts agree, ids are unique, and chunks are found by their own sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from index.embed import Embedder
from index.errors import CorruptGenerationError
from index.fill import embedding_text
from index.language import tokenise
from index.manifest import REMEDY
from index.pivot import Pivot
from index.store import PassageStore, Scope
from index.types import Chunk

_SAMPLED = 20
_TOP = 10
_MISSES_ALLOWED = 0.1  # an approximate index may miss some


@dataclass(frozen=True)
class SmokeReport:
    """How many canary questions were asked, and the ids of the chunks that were not among the first ten passages."""

    asked: int
    missed: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether at most one in ten was missed."""
        return len(self.missed) <= self.asked * _MISSES_ALLOWED


def check_counts(store: PassageStore) -> None:
    """Compare what the files hold with what the manifest says, and that no chunk id occurs twice.

    Raises:
        CorruptGenerationError: Naming what differs.
    """
    expected = store.manifest.counts
    pages, chunks, ids = store.counts()
    vectors, sentences = store.vector_counts
    found = {
        "documents": (len(store.documents), expected.documents),
        "pages": (pages, expected.pages),
        "chunks": (chunks, expected.chunks),
        "chunks by document": (len(store), expected.chunks),
        "distinct chunk ids": (ids, expected.chunks),
        "chunk vectors": (vectors, expected.chunks),
        "sentence vectors": (sentences, expected.sentences),
    }
    for what, (got, wanted) in found.items():
        if got != wanted:
            raise CorruptGenerationError(f"{store.generation}: got {got} {what}, expected {wanted}. {REMEDY}")


def ask_canaries(store: PassageStore, embedder: Embedder, pivot: Pivot) -> SmokeReport:
    """Ask for up to 20 chunks, spread evenly over all rows, by their own longest sentence.

    A chunk counts as found where it, or another one that holds the same sentence, is among the first ten by words or by
    vector; failing that, where its own text finds it.
    """
    rows = np.unique(np.linspace(0, len(store) - 1, min(_SAMPLED, len(store))).astype(int)).tolist()
    missed = [chunk.id for chunk in store.chunks(rows) if not _is_found(chunk, store, embedder, pivot)]
    return SmokeReport(len(rows), tuple(missed))


def _is_found(chunk: Chunk, store: PassageStore, embedder: Embedder, pivot: Pivot) -> bool:
    longest = max(chunk.sentences, key=lambda s: s.end - s.start, default=None)
    sentence = chunk.text if longest is None else chunk.text[longest.start - chunk.start : longest.end - chunk.start]
    terms = {term: float(count) for term, count in Counter(tokenise(sentence)).items()}
    rows, _ = store.lexical({"text": terms}, language=chunk.language, limit=_TOP, scope=Scope())
    if any(sentence in found.text for found in store.chunks(rows.tolist())):
        return True
    for text in (sentence, chunk.text):
        query = embedder.embed([embedding_text(text, embedder, pivot)])[0]
        rows, _ = store.dense(query, limit=_TOP, rows=None)
        if any(text in found.text for found in store.chunks(rows.tolist())):
            return True
    return False


def check_store(store: PassageStore, embedder: Embedder, pivot: Pivot) -> SmokeReport:
    """Counts, ids and canaries of an opened generation.

    Raises:
        CorruptGenerationError: If counts differ or too many canaries are missed.
    """
    check_counts(store)
    smoke = ask_canaries(store, embedder, pivot)
    if not smoke.passed:
        raise CorruptGenerationError(
            f"{store.generation}: {len(smoke.missed)} of {smoke.asked} chunks are not found by their own sentence, the "
            f"first being {smoke.missed[0]}. {REMEDY}"
        )
    return smoke
