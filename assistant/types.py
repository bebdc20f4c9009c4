"""The nouns of answering: a question, what came of it, its sentences and their citations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from index.types import Language


class Outcome(StrEnum):
    """What came of a question; each is shown differently, with a next step."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    CONFLICTING = "conflicting"
    NOT_IN_DOCUMENTS = "not_in_documents"
    OFF_TOPIC = "off_topic"
    AMBIGUOUS = "ambiguous"
    SMALL_TALK = "small_talk"
    BLOCKED = "blocked"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may answer; applied before ranking.

    Attributes:
        as_of: Only documents published on or before this day.
        documents: Only these document ids; empty for all.
        language: Only documents of this language.
        kind: Only documents of this kind.
        exclude: Not these document ids.
    """

    as_of: date | None = None
    documents: tuple[str, ...] = ()
    language: Language | None = None
    kind: str = ""
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asked.

    Attributes:
        text: The words as typed, at most `Settings.answer.question_chars` long.
        history: Earlier questions of the conversation, oldest first.
        filters: Which documents may answer.
    """

    text: str
    history: tuple[str, ...] = ()
    filters: Filters = Filters()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quote stands.

    Attributes:
        n: Number shown in the answer, from 1.
        document_id, title, issuer, published, document_number: Of the document.
        page: Physical page, from 1.
        page_label: Page as printed.
        section: Heading path.
        quote: `page.text[start:end]`, exactly.
        start: First character of the quote in the page's text.
        end: One past its last character.
        superseded_by: Title of the document that replaced the cited one, or empty.
    """

    n: int
    document_id: str
    title: str
    issuer: str
    published: str
    document_number: str
    page: int
    page_label: str
    section: str
    quote: str
    start: int
    end: int
    superseded_by: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer.

    Attributes:
        text: What is shown; from the extractive writer a verbatim span of a stored page.
        citations: Numbers of the citations that carry it, best first.
        start: Where its words begin on the page of the first of them; -1 where that is not known.
    """

    text: str
    citations: tuple[int, ...]
    start: int = -1


def shown_marks(sentences: Sequence[Sentence]) -> list[tuple[int, ...]]:
    """The citation numbers to print behind each sentence: of neighbours that share them, behind the last alone."""
    return [
        () if any(after.citations == one.citations for after in sentences[place : place + 1]) else one.citations
        for place, one in enumerate(sentences, start=1)
    ]


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """One retrieved passage as reported: which chunk, and its fused score (higher is better)."""

    chunk_id: str
    document_id: str
    page: int
    score: float


@dataclass(frozen=True, slots=True)
class NearDocument:
    """A document named where the question could not be answered."""

    document_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that came of one question.

    Attributes:
        outcome: What came of it.
        language: Language of the question, and so of the messages.
        question: The words as typed.
        understood_as: The standalone question that was answered; differs from `question` for a follow-up.
        sentences: The answer in reading order; empty where there is none.
        citations: Numbered from 1 in order of first use.
        passages: Retrieved passages, best first.
        confidence: Calibrated probability that the evidence answers, 0 to 1.
        generation: The generation that answered, for example "gen-000042".
        timings_ms: Milliseconds by stage, and "total".
        message: What is said besides the quotes: why not, and the next step; empty for a plain answer.
        nearest: Documents that come nearest, for an answer that could not be given.
        unanswered: Parts of a compound question that have no evidence.
        readings: Questions that an ambiguous one may mean, to choose from.
    """

    outcome: Outcome
    language: Language
    question: str
    understood_as: str
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    passages: tuple[RankedPassage, ...] = ()
    confidence: float = 0.0
    generation: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)
    message: str = ""
    nearest: tuple[NearDocument, ...] = ()
    unanswered: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
