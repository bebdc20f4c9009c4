"""Quotes to numbered citations: what each says of its document and where it stands."""

from __future__ import annotations

from assistant.extract import Quote
from assistant.retrieve import Passage
from assistant.types import Citation, Sentence
from index.store import PassageStore


class Citations:
    """Numbers citations in order of first use; the same span keeps its number."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self.all: list[Citation] = []
        self._numbers: dict[tuple[str, int, int, int], int] = {}

    def of(self, passage: Passage, start: int, end: int) -> int:
        """The number of the citation of a span of a passage's page, from 1; made where there is none yet."""
        chunk, document = passage.chunk, passage.document
        key = (chunk.document_id, chunk.page, start, end)
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
                    quote=chunk.text[start - chunk.start : end - chunk.start],
                    start=start,
                    end=end,
                    superseded_by=newer.title if newer else "",
                )
            )
        return self._numbers[key]

    def sentence(self, quote: Quote) -> Sentence:
        """The quote with the numbers of the places where it stands, its own first."""
        own, *others = (self.of(one.passage, one.start, one.end) for one in (quote.cited, *quote.also))
        return Sentence(quote.text, tuple(dict.fromkeys([own, *others])), start=quote.start)
