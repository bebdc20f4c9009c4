"""What a run needs of the assistant that it measures; the product's `Assistant` has it, and so has a fake in a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from assistant.types import Answer, Outcome, Question
from index.types import Chunk


class TracedPassage(Protocol):
    """One retrieved passage."""

    @property
    def chunk(self) -> Chunk:
        """The chunk with its text."""

    @property
    def score(self) -> float:
        """Fused score, higher is better."""


class TracedSentence(Protocol):
    """One evidence sentence."""

    @property
    def text(self) -> str:
        """Verbatim text."""

    @property
    def score(self) -> float:
        """Evidence score, higher is better."""


class Traced(Protocol):
    """What happened inside a question before an answer was written."""

    @property
    def passages(self) -> Sequence[TracedPassage]:
        """Passages, best first: `Settings.answer.top_k` found, and further ones of the first two documents."""

    @property
    def evidence(self) -> Sequence[TracedSentence]:
        """Evidence sentences, best first, before it is chosen how many are shown."""

    @property
    def confidence(self) -> float:
        """Probability that the evidence answers, 0 to 1."""

    @property
    def outcome(self) -> Outcome:
        """What came of the question."""

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Milliseconds by stage."""


class Tracer(Protocol):
    """Looks into one question."""

    def trace(self, question: Question, /) -> Traced:
        """Ranked passages and evidence sentences of one question."""


class Subject(Tracer, Protocol):
    """An assistant under measurement."""

    def invoke(self, question: Question, /) -> Answer:
        """Answer one question as a reader would get it."""
