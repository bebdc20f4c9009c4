"""How much of a question stands in a text: shared terms weighted by rarity, within a language or across by glosses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.retrieve import Query
from assistant.understand import content_terms
from index.embed import Embedder
from index.fill import embedding_text
from index.language import FUNCTION_TERMS, detect, fold, tokenise
from index.pivot import Pivot
from index.store import PassageStore
from index.types import Language

_COMMONPLACE = 1.6  # the idf of a term that every fifth chunk has


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of the question's weight that a text holds, and the weightiest term that it lacks.

    Attributes:
        share: 0 to 1; 0 for a question without content terms.
        missing: Greatest idf of a term that is not in the text; 0 where none is missing.
    """

    share: float
    missing: float


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near a text's tokens come to the question's, by the embedder's token vectors.

    Attributes:
        mean: Mean over the question's tokens of the best cosine with any token of the text (ColBERT's MaxSim).
        lowest: The least of these, the token that the text has least to say about.
    """

    mean: float
    lowest: float


class Overlap:
    """Compares one question with texts of both languages; texts' terms are remembered for the question."""

    def __init__(self, query: Query, store: PassageStore, pivot: Pivot, embedder: Embedder) -> None:
        self._query = query
        self._pivot = pivot
        self._embedder = embedder
        self._weights: dict[Language, Mapping[str, float]] = {}
        self._store = store
        self._seen: dict[tuple[str, Language], frozenset[str]] = {}

    def weights(self, language: Language) -> Mapping[str, float]:
        """Idf of the question's content terms among chunks of a language; glosses stand for the other language."""
        if language not in self._weights:
            own = content_terms(self._query.text) if language == self._query.language else list(self._query.english)
            field = "text" if language == self._query.language or language == "en" else "gloss"
            self._weights[language] = self._store.idf(own, language=language, field=field)
        return self._weights[language]

    def terms(self, text: str, language: Language) -> frozenset[str]:
        """The text's terms in the form in which the question is compared with that language."""
        key = (text, language)
        if key not in self._seen:
            own = language == self._query.language or language == "en"
            words = tokenise(text if own else self._pivot.glosses(text))
            self._seen[key] = frozenset(term for term in words if term not in FUNCTION_TERMS)
        return self._seen[key]

    def coverage(self, text: str, language: Language | None = None) -> Coverage:
        """How much of the question the text holds."""
        language = language or detect(text)
        weights = self.weights(language)
        present = self.terms(text, language)
        total = sum(weights.values())
        if not total:
            return Coverage(0.0, 0.0)
        held = sum(weight for term, weight in weights.items() if term in present)
        missing = max((weight for term, weight in weights.items() if term not in present), default=0.0)
        return Coverage(held / total, missing)

    def closeness(self, text: str) -> Closeness:
        """How near the text's tokens come to the question's; 0 where either has none."""
        asked = self._query.pivot if self._embedder.uses_pivot else self._query.text
        given = embedding_text(text, self._embedder, self._pivot)
        left, right = self._embedder.token_vectors([asked, given])
        if not len(left) or not len(right):
            return Closeness(0.0, 0.0)
        best = (left @ right.T).max(axis=1)
        return Closeness(float(best.mean()), float(best.min()))

    def names_missing(self, text: str) -> float:
        """Share of the names in the question that the text has in neither language; 0 without names."""
        names = [forms for forms in self._pivot.names(self._query.text) if self._is_telling(forms)]
        if not names:
            return 0.0
        there = f"{fold(text)} {self._pivot.pivot(text)}".lower()
        return sum(not any(form in there for form in forms) for forms in names) / len(names)

    def nearness_of_telling(self) -> float:
        """Greatest cosine of any chunk with the question less the words that go without saying; 0 without chunks.

        A question of nothing but such words is taken whole.
        """
        asked = self._query.pivot if self._embedder.uses_pivot else self._query.text
        told = " ".join(word for word in asked.split() if not self._is_commonplace(word))
        _, cosines = self._store.dense(self._embedder.embed([told or asked])[0], limit=1, rows=None)
        return float(cosines.max(initial=0.0))

    def _is_commonplace(self, word: str) -> bool:
        """Whether all terms of an English word, one at least, are in so many chunks that they go without saying."""
        terms = tokenise(word)
        by_language = (self._store.idf(terms, language="zh", field="gloss"), self._store.idf(terms, language="en"))
        least = {term: min((known[term] for known in by_language if term in known), default=math.inf) for term in terms}
        return bool(terms) and all(rarity <= _COMMONPLACE for rarity in least.values())

    def _is_telling(self, forms: Sequence[str]) -> bool:
        """Whether a name is not in so many chunks that it goes without saying, as the city's own."""
        language = detect(forms[0])
        rarity = self._store.idf(tokenise(forms[0])[-1:], language=language)
        return all(value > _COMMONPLACE for value in rarity.values())
