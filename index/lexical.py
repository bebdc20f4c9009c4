"""BM25 over the words of chunks, one Tantivy index a language, so that neither's statistics weigh on the other.

Fields: `text` (the chunk's own words), `gloss` (English glosses of a Chinese chunk), `title` (title, section, number
and date of its document, with their glosses). Scores are shares of the best score that the terms could reach, so that
they compare across fields, languages and sizes of the corpus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tantivy
from numpy.typing import NDArray

from index.language import tokenise
from index.pivot import Pivot
from index.types import Chunk, Document, Language

FIELDS = ("text", "gloss", "title")
_ANALYZER = "words"
_WRITER_BYTES = 64_000_000
_SATURATION = 2.2  # k1 + 1


def lexical_fields(chunk: Chunk, document: Document, pivot: Pivot) -> dict[str, list[str]]:
    """Terms of one chunk by field; a field without terms is left out."""
    heading = " ".join((document.title, chunk.section, document.document_number, document.published))
    fields = {"text": tokenise(chunk.text), "title": tokenise(heading)}
    if chunk.language == "zh":
        fields["gloss"] = tokenise(pivot.glosses(chunk.text))
        fields["title"] += tokenise(pivot.glosses(heading))
    return {name: terms for name, terms in fields.items() if terms}


def _analyzer() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in FIELDS:
        builder.add_text_field(name, stored=False, tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_text_field("document", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("row", stored=False, indexed=False, fast=True)
    return builder.build()


def _idf(searcher: tantivy.Searcher, field: str, term: str) -> float:
    """Inverse document frequency as Lucene has it, ln(1 + (N - n + 0.5) / (n + 0.5))."""
    found = searcher.doc_freq(field, term)
    return math.log(1 + (searcher.num_docs - found + 0.5) / (found + 0.5))


class LexicalWriter:
    """Writes one generation's lexical index; memory is bounded by Tantivy's writer buffer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, tuple[tantivy.Index, tantivy.IndexWriter]] = {}

    def add(self, row: int, document_id: str, language: Language, fields: Mapping[str, Sequence[str]]) -> None:
        """Add one chunk under its row."""
        if language not in self._writers:
            path = self._folder / language
            path.mkdir(parents=True)
            opened = tantivy.Index(_schema(), path=str(path))
            opened.register_tokenizer(_ANALYZER, _analyzer())
            self._writers[language] = (opened, opened.writer(heap_size=_WRITER_BYTES, num_threads=1))
        document = tantivy.Document(document=document_id)
        document.add_unsigned("row", row)
        for name, terms in fields.items():
            document.add_text(name, " ".join(terms))
        self._writers[language][1].add_document(document)

    def close(self) -> None:
        """Commit and wait until every file is written."""
        for _, writer in self._writers.values():
            writer.commit()
            writer.wait_merging_threads()
        self._writers.clear()


class LexicalReader:
    """Searches one generation's lexical index."""

    def __init__(self, folder: Path) -> None:
        self._indexes: dict[str, tantivy.Index] = {}
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            opened = tantivy.Index.open(str(path))
            opened.register_tokenizer(_ANALYZER, _analyzer())
            self._indexes[path.name] = opened

    def search(
        self,
        terms: Mapping[str, Mapping[str, float]],
        *,
        language: Language,
        limit: int,
        documents: Iterable[str] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows and scores of the best chunks of one language, best first.

        The score is BM25 (k1 1.2, b 0.75) over its bound, the sum of weight · idf · (k1 + 1) over the terms.

        Args:
            terms: Weight of each term by field. No terms give no rows.
            language: Language of the chunks that are searched.
            limit: Most rows returned.
            documents: Only chunks of these documents, filtered before ranking; None for all.

        Returns:
            int64[k] rows and float32[k] scores in (0, 1]; ties in order of row.
        """
        found = self._indexes.get(language)
        query = self._query(found, terms, documents) if found else None
        if found is None or query is None or limit < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        searcher = found.searcher()
        hits = searcher.search(query, limit, count=False).hits
        rows = np.array(searcher.fast_field_values("row", [address for _, address in hits]), np.int64)
        scores = np.array([score for score, _ in hits], np.float32) / self._bound(searcher, terms)
        order = np.lexsort((rows, -scores))
        order = order[scores[order] > 0]
        return rows[order], scores[order]

    def idf(self, terms: Iterable[str], *, language: Language, field: str = "text") -> dict[str, float]:
        """How rare each term is among the chunks of a language, as in `search`; empty where there are none."""
        found = self._indexes.get(language)
        if found is None:
            return {}
        searcher = found.searcher()
        return {term: _idf(searcher, field, term) for term in terms}

    def has(self, term: str) -> bool:
        """Whether any chunk of either language holds the term in any field."""
        return any(opened.searcher().doc_freq(field, term) > 0 for opened in self._indexes.values() for field in FIELDS)

    def like(self, term: str, *, language: Language, limit: int, distance: int) -> NDArray[np.int64]:
        """int64[k] rows of chunks of a language whose text or title has a term so many letters away, at most 2.

        With a distance of 0, a term that begins so.
        """
        found = self._indexes.get(language)
        if found is None:
            return np.empty(0, np.int64)
        should = [
            (
                tantivy.Occur.Should,
                tantivy.Query.fuzzy_term_query(found.schema, field, term, distance=distance, prefix=not distance),
            )
            for field in ("text", "title")
        ]
        searcher = found.searcher()
        hits = searcher.search(tantivy.Query.boolean_query(should), limit, count=False).hits
        return np.sort(np.array(searcher.fast_field_values("row", [address for _, address in hits]), np.int64))

    @staticmethod
    def _bound(searcher: tantivy.Searcher, terms: Mapping[str, Mapping[str, float]]) -> np.float32:
        """Supremum of the BM25 score of these terms."""
        bound = sum(
            weight * _idf(searcher, name, term) * _SATURATION
            for name, weights in terms.items()
            for term, weight in weights.items()
        )
        return np.float32(bound or 1.0)

    @staticmethod
    def _query(
        found: tantivy.Index, terms: Mapping[str, Mapping[str, float]], documents: Iterable[str] | None
    ) -> tantivy.Query | None:
        schema = found.schema
        should = [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(tantivy.Query.term_query(schema, name, term, index_option="freq"), weight),
            )
            for name, weights in terms.items()
            for term, weight in weights.items()
            if weight > 0
        ]
        if not should:
            return None
        query = tantivy.Query.boolean_query(should)
        if documents is None:
            return query
        allowed = tantivy.Query.term_set_query(schema, "document", list(documents))
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, query), (tantivy.Occur.Must, tantivy.Query.const_score_query(allowed, 0.0))]
        )
