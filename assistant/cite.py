"""Quotes to numbered citations: what each says of its document and where it stands."""

from __future__ import annotations

from assistant.extract import Place, Quote
from assistant.types import Citation, Sentence
from index.store import PassageStore


class Citations:
    """Numbers citations in order of first use; the same span keeps its number."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self.all: list[Citation] = []
        self._numbers: dict[tuple[str, int, int, int], int] = {}

    def of(self, place: Place) -> int:
        """The number of a place's citation, from 1; made where there is none yet."""
        chunk, document = place.passage.chunk, place.passage.document
        key = (chunk.document_id, chunk.page, place.start, place.end)
        if key not in self._numbers:
            page = self._store.page(chunk.document_id, chunk.page)
            newer = self._store.documents.get(document.superseded_by)
            self._numbers[key] = len(self.all) + 1
            self.all.append(
                Citation(
                    n=len(self.all) + 1,
                    document_id=document.id,
                    title=document.title,
                    issuer=document.issuer,
                    published=document.published,
                    document_number=document.document_number,
                    page=chunk.page,
                    page_label=page.label if page else str(chunk.page),
                    section=chunk.section,
                    quote=place.text,
                    start=place.start,
                    end=place.end,
                    superseded_by=newer.title if newer else "",
                )
            )
        return self._numbers[key]

    def sentence(self, quote: Quote) -> Sentence:
        """The quote with the numbers of the places where it stands, its own first."""
        numbers = dict.fromkeys(self.of(one) for one in (quote.cited, *quote.also))
        return Sentence(quote.text, tuple(numbers), start=quote.start)
