"""An assistant for tests of evals: gives canned answers and traces, and records what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.types import Answer, Citation, Outcome, Question, Sentence
from index.types import Chunk


@dataclass(frozen=True)
class FakePassage:
    chunk: Chunk
    score: float


@dataclass(frozen=True)
class FakeSentence:
    text: str
    score: float = 1.0


@dataclass(frozen=True)
class FakeTrace:
    passages: tuple[FakePassage, ...] = ()
    evidence: tuple[FakeSentence, ...] = ()
    confidence: float = 0.0
    outcome: Outcome = Outcome.NOT_IN_DOCUMENTS
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass
class FakeSubject:
    """Answers by the question's words; a question with an exclusion gets the trace under "without <words>"."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    traces: Mapping[str, FakeTrace] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)

    def invoke(self, question: Question, /) -> Answer:
        self.asked.append(question)
        return self.answers[question.text]

    def trace(self, question: Question, /) -> FakeTrace:
        self.asked.append(question)
        key = f"without {question.text}" if question.filters.exclude else question.text
        return self.traces.get(key, FakeTrace())


def passage(document_id: str, text: str, *, page: int = 1, score: float = 1.0) -> FakePassage:
    chunk = Chunk(f"{document_id}#p{page}-0", document_id, page, 0, len(text), section="", text=text, language="en")
    return FakePassage(chunk, score)


def citation(document_id: str, quote: str, *, page: int = 1, n: int = 1) -> Citation:
    return Citation(
        n=n,
        document_id=document_id,
        title=document_id,
        issuer="",
        published="",
        document_number="",
        page=page,
        page_label=str(page),
        section="",
        quote=quote,
        start=0,
        end=len(quote),
    )


def answer(
    text: str, outcome: Outcome, *, citations: tuple[Citation, ...] = (), confidence: float = 0.9, words: str = ""
) -> Answer:
    sentences = (Sentence(words, tuple(one.n for one in citations)),) if words else ()
    return Answer(
        outcome=outcome,
        language="en",
        question=text,
        understood_as=text,
        sentences=sentences,
        citations=citations,
        confidence=confidence,
        generation="gen-000001",
        timings_ms={"retrieve": 2.0, "total": 5.0},
    )
