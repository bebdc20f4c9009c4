"""Addresses of our own pages; the only links that the pages ever show."""

from __future__ import annotations

from urllib.parse import urlencode

from index.types import Language


def source_link(document_id: str, page: int, *, span: tuple[int, int] = (0, 0), generation: str = "") -> str:
    """Address of the source view at a span of a page, relative to the chat page; without a span, of the page."""
    query: dict[str, str | int] = {"document": document_id, "page": page}
    if span[0] < span[1]:
        query |= {"start": span[0], "end": span[1]}
    if generation:
        query["generation"] = generation
    return f"source?{urlencode(query)}" + ("#quote" if span[0] < span[1] else "")


def chat_link(language: Language) -> str:
    """Address of the chat page in a language."""
    return f"./?lang={language}"
