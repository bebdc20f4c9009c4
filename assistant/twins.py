"""A sentence to the one that says the same in the translation of its document.

Twin documents tell the same facts in the same order of matter but not sentence by sentence, so a sentence and its
translation are found by their vectors, glosses and numbers, and count only where each is the other's nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.evidence import Evidence
from assistant.retrieve import Passage, scope_of
from assistant.types import Filters
from assistant.values import magnitudes, years
from index.language import FUNCTION_TERMS, tokenise, unwrap
from index.pivot import Pivot
from index.store import PassageStore
from index.types import Chunk

_NEAREST = 8
_LIKENESS = 0.25
_SPELT = 13


@dataclass(frozen=True, slots=True)
class _Place:
    """One sentence of the store."""

    row: int
    chunk: Chunk
    number: int

    @property
    def key(self) -> tuple[int, int]:
        return self.chunk.page, self.chunk.sentences[self.number].start

    @property
    def text(self) -> str:
        span = self.chunk.sentences[self.number]
        return self.chunk.text[span.start - self.chunk.start : span.end - self.chunk.start]


def _figures(text: str) -> frozenset[str]:
    """The significant digits of the text's numbers but years: a table's "34.15" and "3415" differ by the unit above.

    Small whole numbers are left out; the other language may spell them out.
    """
    found = (value for value in magnitudes(text) if f"{value:g}" not in years(text))
    return frozenset(f"{value:e}".partition("e")[0].rstrip("0") for value in found if value >= _SPELT or value % 1)


def _agree(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two sets share at least half of the larger one; nothing agrees with nothing."""
    return 2 * len(one & other) >= max(len(one), len(other))


class Twins:
    """Finds translations in one generation, among the documents that a question's filters admit."""

    def __init__(self, store: PassageStore, pivot: Pivot, filters: Filters) -> None:
        self._store = store
        self._pivot = pivot
        self._scope = scope_of(filters)
        self._terms: dict[str, frozenset[str]] = {}

    def of(self, one: Evidence) -> Evidence | None:
        """The sentence that says the same in the other language; None where the document has no twin or it is silent.

        Its scores are those of the sentence given.
        """
        own = one.passage.document
        twins = (self._store.documents[name] for name in self._store.translations.get(own.id, ()))
        twin = next((twin for twin in twins if self._scope.admits(twin) and twin.language != own.language), None)
        if twin is None:
            return None
        here = _Place(one.passage.row, one.passage.chunk, one.number)
        there = self._nearest(here, self._store.document_rows(twin.id))
        if there is None:
            return None
        back = self._nearest(there, self._store.document_rows(own.id))
        if back is None or (back.key != here.key and back.text != here.text):
            return None
        passage = Passage(there.row, there.chunk, twin, one.passage.score, 0.0, 0.0, np.zeros(0, np.float32))
        span = there.chunk.sentences[there.number]
        return replace(one, passage=passage, number=there.number, span=span, text=there.text)

    def _nearest(self, place: _Place, rows: Sequence[int]) -> _Place | None:
        """The sentence of these rows that is likest to a place's; None where none is like enough."""
        vector = self._store.sentence_vectors(place.row)[place.number]
        found = [
            (float(cosine), row, number)
            for row, cosines in zip(rows, self._store.sentence_scores(vector, np.asarray(rows, np.int64)), strict=True)
            for number, cosine in enumerate(cosines)
        ]
        found.sort(key=lambda one: -one[0])
        best: tuple[float, _Place] | None = None
        for cosine, row, number in found[:_NEAREST]:
            (chunk,) = self._store.chunks([row])
            other = _Place(row, chunk, number)
            if chunk.sentences[number].kind == "heading":
                continue
            likeness = self.likeness(place.text, other.text, cosine)
            if likeness >= _LIKENESS and (best is None or likeness > best[0]):
                best = (likeness, other)
        return best[1] if best else None

    def likeness(self, left: str, right: str, cosine: float) -> float:
        """How alike two sentences of two languages are, 0 to 1.

        The mean of the cosine of their vectors and the Dice coefficient of their English terms; 0 where they share
        fewer than half of their years, or of their other figures.
        """
        if not _agree(years(left), years(right)) or not _agree(_figures(left), _figures(right)):
            return 0.0
        one, other = self._english(left), self._english(right)
        dice = 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0
        return (max(cosine, 0.0) + dice) / 2

    def _english(self, text: str) -> frozenset[str]:
        if text not in self._terms:
            words = tokenise(self._pivot.pivot(unwrap(text)))
            self._terms[text] = frozenset(term for term in words if term not in FUNCTION_TERMS)
        return self._terms[text]
