"""The gate between any writer and the reader: what is shown must stand in the stored pages, character for character."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.extract import Quote
from index.store import PassageStore


def stands_on_page(store: PassageStore, document_id: str, page: int, quote: str, *, start: int) -> bool:
    """Whether the stored page holds the quote exactly at that offset."""
    found = store.page(document_id, page)
    return found is not None and bool(quote.strip()) and found.text[start : start + len(quote)] == quote


def grounded(store: PassageStore, quotes: Sequence[Quote]) -> list[Quote]:
    """The quotes that stand on their pages, in order; others are dropped, never mended."""
    return [
        quote
        for quote in quotes
        if stands_on_page(
            store, quote.passage.chunk.document_id, quote.passage.chunk.page, quote.text, start=quote.start
        )
    ]
