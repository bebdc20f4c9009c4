"""What the web pages need of the rest: something that answers questions, and the pages that citations point to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from assistant.types import Answer, Question
from index.types import Document, Page


class AnswersQuestions(Protocol):
    """An assistant: a question in, a growing answer out."""

    def astream(self, input: Question, /) -> AsyncIterator[Answer]:
        """The answer as it grows; each value replaces the one before, the last is complete."""


class PageSource(Protocol):
    """The documents and pages of the live generation, and of earlier ones while they are kept."""

    def generation(self) -> str:
        """Name of the live generation.

        Raises:
            PilotError: If there is none that can be read.
        """

    def documents(self) -> Sequence[Document]:
        """Every document of the live generation, in no particular order."""

    def document(self, document_id: str, *, generation: str = "") -> Document | None:
        """One document of a generation (the live one if empty); None if it or the generation is not there."""

    def page(self, document_id: str, number: int, *, generation: str = "") -> Page | None:
        """One page, from 1, of a document of a generation; None if it or the generation is not there."""
