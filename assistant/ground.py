"""The gate between any writer and the reader: what is shown must stand in the stored pages, character for character."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.extract import Place, Quote
from index.store import PassageStore


def stands_on_page(store: PassageStore, document_id: str, page: int, quote: str, *, start: int) -> bool:
    """Whether the stored page holds the quote exactly at that offset."""
    found = store.page(document_id, page)
    return found is not None and bool(quote.strip()) and found.text[start : start + len(quote)] == quote


def _stands(store: PassageStore, place: Place) -> bool:
    chunk = place.passage.chunk
    return stands_on_page(store, chunk.document_id, chunk.page, place.text, start=place.start)


def grounded(store: PassageStore, quotes: Sequence[Quote]) -> list[Quote]:
    """The quotes of which the words and all that is cited for them stand on their pages, in order.

    Others are dropped, never mended.
    """
    return [quote for quote in quotes if all(_stands(store, one) for one in (quote, quote.cited, *quote.also))]
