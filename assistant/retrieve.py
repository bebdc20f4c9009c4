"""A question to ranked passages: dense vectors, sentence vectors and words, fused with weights per pair of languages.

Every leg's score is absolute (cosines; BM25 as a share of what its terms could reach), so passages of two languages
share one ranking without either drowning the other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from assistant.types import Filters
from index.embed import Embedder
from index.language import FUNCTION_TERMS, HAN, detect, tokenise, unwrap
from index.pivot import Pivot
from index.store import PassageStore, Scope
from index.types import Chunk, Document, Language

_CANDIDATES = 200
_WEIGHTS = Path(__file__).resolve().parent / "weights.json"
_READ = 8
_OPENED = 2  # a third one found no more
_SECTIONS = 6  # of each language; the scorer reads the best sentence of each
_SUPERSEDED = 0.8
_BEHIND = 1e-4
_SPEAKS = 0.3
_HAN_TERM = re.compile(f"[{HAN}]+")
_NOWHERE = "\0"  # a term that no text has


class LegWeights(BaseModel):
    """Weights of the legs for one pair of question language and passage language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dense: float
    sentence: float
    words: float
    top_words: float
    gloss: float
    title: float


class WeightsFile(BaseModel):
    """The fitted weights and where they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: str
    pairs: dict[str, LegWeights]


@lru_cache(maxsize=1)
def load_weights() -> Mapping[str, LegWeights]:
    """Weights by pair, for example "zh-en" for a Chinese question over English passages."""
    return WeightsFile.model_validate_json(_WEIGHTS.read_text(encoding="utf-8")).pairs


@dataclass(frozen=True, slots=True)
class Query:
    """A question made ready for searching.

    Attributes:
        text: The standalone question.
        language: Its language.
        pivot: What was embedded: the question in English glosses.
        vector: float32[dim], L2-normalised.
        terms: Weight of each of its own search terms.
        english: Weight of each English search term: its own, or those of its glosses; without function words.
    """

    text: str
    language: Language
    pivot: str
    vector: NDArray[np.float32] = field(repr=False, compare=False)
    terms: Mapping[str, float]
    english: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk and how each leg saw it.

    Attributes:
        row: Position of the chunk in its generation.
        chunk, document: What was retrieved.
        score: Fused score; higher is better.
        dense: Cosine of question and chunk.
        words: Share of the best BM25 score that the question's words could reach in this chunk's language.
        sentences: float32[n_sentences], cosine of question and each sentence.
    """

    row: int
    chunk: Chunk
    document: Document
    score: float
    dense: float
    words: float
    sentences: NDArray[np.float32] = field(repr=False, compare=False)

    @property
    def heading(self) -> str:
        """What the passage stands under: title, section and number of its document."""
        return f"{self.document.title} {self.chunk.section} {self.document.document_number}"


@dataclass(slots=True)
class _Pool:
    """Candidate rows of one language and their scores by leg, float32[n] each."""

    rows: NDArray[np.int64]
    words: NDArray[np.float32]
    gloss: NDArray[np.float32]
    title: NDArray[np.float32]


def make_query(text: str, embedder: Embedder, pivot: Pivot) -> Query:
    """The question folded into terms, glosses and a vector."""
    language = detect(text)
    embedded = pivot.pivot(text) if embedder.uses_pivot else unwrap(text)
    terms = dict(Counter(tokenise(text)))
    english = (
        pivot.terms(text) if language == "zh" else {t: float(n) for t, n in terms.items() if t not in FUNCTION_TERMS}
    )
    return Query(
        text=text,
        language=language,
        pivot=pivot.pivot(text),
        vector=embedder.embed([embedded])[0],
        terms={term: float(count) for term, count in terms.items()},
        english=english,
    )


def scope_of(filters: Filters) -> Scope:
    """The store's scope for a question's filters."""
    return Scope(
        as_of=filters.as_of,
        documents=filters.documents,
        language=filters.language,
        kind=filters.kind,
        exclude=filters.exclude,
    )


def _successors(document: Document, documents: Mapping[str, Document]) -> list[Document]:
    """The documents that replaced this one, newest first; a circle of replacements is walked once."""
    chain: list[Document] = []
    newer = documents.get(document.superseded_by)
    while newer is not None and newer.id != document.id and newer not in chain:
        chain.append(newer)
        newer = documents.get(newer.superseded_by)
    return chain[::-1]


def behind_successors(passages: Sequence[Passage], documents: Mapping[str, Document]) -> list[Passage]:
    """The passages, in their order, with those of replaced documents scored below every document that replaced theirs.

    A replaced passage that matches the question's words better would else come first. A successor counts where a
    passage of its own, or of its translation, was found that has at least 0.3 of the replaced one's score: one that
    is silent on the matter has not replaced what the older document says of it.
    """
    best: dict[str, float] = {}
    for passage in passages:
        own = passage.document
        for name in filter(None, (own.id, own.translation_of)):
            best[name] = max(best.get(name, passage.score), passage.score)
    result: list[Passage] = []
    for passage in passages:
        ceiling = float("inf")
        for newer in _successors(passage.document, documents):
            names = [name for name in (newer.id, newer.translation_of) if name in best]
            found = [best[name] for name in names if best[name] >= _SPEAKS * passage.score]
            ceiling = min([ceiling, *found]) - _BEHIND if found else ceiling
        result.append(replace(passage, score=min(passage.score, ceiling)))
    return result


def _aligned(rows: NDArray[np.int64], found: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of `found` in the order of sorted `rows`, 0 where a row was not found."""
    result = np.zeros(len(rows), np.float32)
    result[np.searchsorted(rows, found)] = scores
    return result


class HybridSearch:
    """Searches one generation; holds no state of a question."""

    def __init__(self, store: PassageStore, embedder: Embedder, pivot: Pivot) -> None:
        self.store = store
        self.embedder = embedder
        self.pivot = pivot
        self._weights = load_weights()

    def query(self, text: str) -> Query:
        """The question made ready for searching."""
        return make_query(text, self.embedder, self.pivot)

    def search(self, query: Query, filters: Filters, *, top_k: int) -> list[Passage]:
        """The best passages of both languages, best first; ties in order of row. Filters apply before ranking."""
        scope = scope_of(filters)
        return self._ranked(self._found(query, scope, scope, top_k=top_k, words={}))[:top_k]

    def gather(self, query: Query, filters: Filters, *, top_k: int) -> tuple[list[Passage], list[Passage]]:
        """The passages to look for an answer in, and those found beyond them; no row is in both.

        To the first of those found come further ones of the two first documents, so that each language gives six of
        these, where it has so many. A question that names its document matches the title and the opening of it best,
        and the same words in others; what answers stands in a section that has few of them.

        Args:
            query: The question made ready.
            filters: Applied before ranking.
            top_k: Most passages found; what is opened comes on top of that.
        """
        found = self.search(query, filters, top_k=top_k)
        read = [*found[:_READ], *self._opened(query, filters, found[:_READ])]
        rows = {passage.row for passage in read}
        return read, [passage for passage in found if passage.row not in rows]

    def _opened(self, query: Query, filters: Filters, passages: Sequence[Passage]) -> list[Passage]:
        """Further passages of the documents that the first of these come from, scored as these are, best first."""
        scope = scope_of(filters)
        opened = tuple(dict.fromkeys(passage.document.id for passage in passages))[:_OPENED]
        known = {passage.row for passage in passages}
        if all(known.issuperset(self.store.document_rows(name)) for name in opened):
            return []
        words: dict[str, float] = {}
        for one in passages:
            words[one.chunk.language] = max(words.get(one.chunk.language, 0.0), one.words)
        within = self._found(query, replace(scope, documents=opened), scope, top_k=_SECTIONS, words=words)
        more = [one for one in within if one.row not in known]
        rows = {one.row for one in more}
        return [one for one in self._ranked([*passages, *more]) if one.row in rows]

    def _ranked(self, passages: Sequence[Passage]) -> list[Passage]:
        found = behind_successors(passages, self.store.documents)
        return sorted(found, key=lambda passage: (-passage.score, passage.row))

    def _found(
        self, query: Query, scope: Scope, admitted: Scope, *, top_k: int, words: Mapping[str, float]
    ) -> list[Passage]:
        """The best passages of each language within a scope, itself within what the question's filters admit.

        `words` is the best share of words by language that is known from a wider scope, which scores are held against.
        """
        rows = self.store.rows(scope)
        if rows is not None and not len(rows):
            return []
        dense_rows, _ = self.store.dense(query.vector, limit=_CANDIDATES, rows=rows)
        languages: tuple[Language, ...] = ("zh", "en")
        return [
            replace(one, score=one.score * (_SUPERSEDED if self._is_replaced(one.document, admitted) else 1.0))
            for language in languages
            for one in self._search_language(
                query, language, scope, dense_rows, top_k=top_k, words=words.get(language, 0.0)
            )
        ]

    def _pool(self, query: Query, language: Language, scope: Scope, dense_rows: NDArray[np.int64]) -> _Pool:
        """Candidates of one language: the dense ones and those that share words with the question."""
        own = query.language == language
        text_field = "text" if own or language == "en" else "gloss"
        terms = query.terms if own else self._across(query, language)
        legs: dict[str, dict[str, Mapping[str, float]]] = {
            "words": {text_field: terms},
            "gloss": {"gloss": query.english} if own and language == "zh" else {},
            "title": {"title": {**query.terms, **query.english}},
        }
        found = {
            name: self.store.lexical(fields, language=language, limit=_CANDIDATES, scope=scope)
            for name, fields in legs.items()
        }
        of_language = dense_rows[self.store.row_languages(dense_rows) == language]
        rows = np.unique(np.concatenate([of_language, *(leg[0] for leg in found.values())]))
        return _Pool(rows, *(_aligned(rows, *found[name]) for name in ("words", "gloss", "title")))

    def _across(self, query: Query, language: Language) -> Mapping[str, float]:
        """What is searched in the other language: English terms, and Chinese names that English text has in brackets.

        Only pairs of characters that stand there count: an unknown term would raise the bound of the scores.
        """
        own = [term for term in query.terms if len(term) == 2 and _HAN_TERM.fullmatch(term)] if language == "en" else []
        if not own:
            return query.english
        rarity = self.store.idf([*own, _NOWHERE], language=language)
        here = {term: query.terms[term] for term in own if rarity[term] < rarity[_NOWHERE]} if rarity else {}
        return {**query.english, **here}

    def _search_language(
        self,
        query: Query,
        language: Language,
        scope: Scope,
        dense_rows: NDArray[np.int64],
        *,
        top_k: int,
        words: float,
    ) -> list[Passage]:
        pool = self._pool(query, language, scope, dense_rows)
        if not len(pool.rows):
            return []
        weights = self._weights[f"{query.language}-{language}"]
        dense = self.store.dense_scores(query.vector, pool.rows)
        sentences = self.store.sentence_scores(query.vector, pool.rows)
        best = np.array([scores.max() if len(scores) else dense[i] for i, scores in enumerate(sentences)], np.float32)
        fused = (
            weights.dense * dense
            + weights.sentence * best
            + weights.words * pool.words
            + weights.top_words * pool.words / max(float(pool.words.max()), words, 1e-9)
            + weights.gloss * pool.gloss
            + weights.title * pool.title
        )
        order = np.lexsort((pool.rows, -fused))[:top_k]
        chunks = self.store.chunks([int(pool.rows[i]) for i in order])
        return [
            Passage(
                int(pool.rows[i]),
                chunk,
                self.store.documents[chunk.document_id],
                float(fused[i]),
                dense=float(dense[i]),
                words=float(pool.words[i]),
                sentences=sentences[i],
            )
            for i, chunk in zip(order, chunks, strict=True)
        ]

    def _is_replaced(self, document: Document, scope: Scope) -> bool:
        """Whether the document that replaced this one may answer too: as of an earlier day it did not exist."""
        newer = self.store.documents.get(document.superseded_by)
        return newer is not None and scope.admits(newer)


class PilotRetriever(BaseRetriever):
    """The hybrid search as a LangChain retriever: a question in, documents with citations in their metadata out."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    search: HybridSearch
    filters: Filters = Filters()
    top_k: int = 10

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        passages = self.search.search(self.search.query(query), self.filters, top_k=self.top_k)
        return [
            LangChainDocument(
                page_content=passage.chunk.text,
                id=passage.chunk.id,
                metadata={
                    "document_id": passage.chunk.document_id,
                    "page": passage.chunk.page,
                    "start": passage.chunk.start,
                    "end": passage.chunk.end,
                    "section": passage.chunk.section,
                    "title": passage.document.title,
                    "score": passage.score,
                },
            )
            for passage in passages
        ]
