"""A suite run: every row asked, what came of it noted. Rows and an assistant come in, a `Run` goes out.

The definitions behind the figures stand in evals/README.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from assistant.types import Answer, Citation, Filters, Question
from evals.match import has_expected, overlaps
from evals.ports import Subject, TracedPassage
from evals.suite import GIVEN, Gold, Row


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one row.

    Attributes:
        id, question, language, kind: Of the row.
        expected: Outcome that was expected.
        outcome: Outcome that came.
        confidence: Probability that the evidence answers, 0 to 1.
        rank: Rank from 1 of the first passage that holds a gold quote; 0 for none, None where the row has no gold.
        page_rank: Rank of the first passage on a gold page, the same way.
        citations: Citations of the answer given.
        citations_right: Those that lie in a gold passage.
        gold_cited: Whether any citation lies in a gold passage.
        missing: Expected strings that the answer lacks.
        answer: The answer's sentences, joined with line breaks.
        cited: "document p.page: quote" of each citation.
        ms: Milliseconds of the answer, wall clock.
        timings_ms: Milliseconds by stage, as the assistant gives them.
    """

    id: str
    question: str
    language: str
    kind: str
    expected: str
    outcome: str
    confidence: float
    rank: int | None
    page_rank: int | None
    citations: int
    citations_right: int
    gold_cited: bool
    missing: tuple[str, ...]
    answer: str
    cited: tuple[str, ...]
    ms: float
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def correct(self) -> bool:
        """Whether the outcome is the expected one and the answer holds every expected string."""
        return self.outcome == self.expected and not self.missing

    @property
    def scores(self) -> dict[str, float]:
        """The question's own part of each figure that it counts for, by the figure's name."""
        scores = {"outcome_accuracy": float(self.outcome == self.expected), "correct": float(self.correct)}
        if self.rank is not None:
            scores |= {f"recall@{k}": float(1 <= self.rank <= k) for k in (1, 5)}
            scores["mrr@10"] = 1 / self.rank if 1 <= self.rank <= 10 else 0.0
        if self.answerable:
            scores["expected_strings"] = float(not self.missing)
            scores["false_refusals"] = float(not self.given)
        if self.citations:
            scores["citation_precision"] = self.citations_right / self.citations
        return scores

    @property
    def given(self) -> bool:
        """Whether an answer was given, in full or in part."""
        return self.outcome in GIVEN

    @property
    def answerable(self) -> bool:
        """Whether an answer was expected."""
        return self.expected in GIVEN


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a suite.

    Attributes:
        suite: Name of the suite's file.
        generation: The generation that answered.
        results: One for each row, in the suite's order.
    """

    suite: str
    generation: str
    results: tuple[Result, ...]


def run_suite(subject: Subject, rows: Sequence[Row], *, suite: str, tick: Callable[[], None] = lambda: None) -> Run:
    """Ask every row once and note what came of it.

    Args:
        subject: The assistant.
        rows: At least one.
        suite: Name for the report.
        tick: Called after each row.

    Raises:
        ValueError: If there are no rows.
    """
    if not rows:
        raise ValueError(f"suite {suite!r} has no rows; expected at least one")
    results = []
    generation = ""
    for row in rows:
        question = Question(row.question, filters=Filters(as_of=row.as_of))
        started = time.perf_counter()
        answer = subject.invoke(question)
        ms = (time.perf_counter() - started) * 1000
        passages = subject.trace(question).passages if row.gold else ()
        results.append(score_row(row, answer, passages, ms=ms))
        generation = answer.generation or generation
        tick()
    return Run(suite=suite, generation=generation, results=tuple(results))


def score_row(row: Row, answer: Answer, passages: Sequence[TracedPassage], *, ms: float) -> Result:
    """One answer held against its row."""
    text = "\n".join(sentence.text for sentence in answer.sentences)
    given = answer.citations if answer.outcome in GIVEN else ()
    right = [citation for citation in given if citation_is_right(citation, row)]
    return Result(
        id=row.id,
        question=row.question,
        language=row.language,
        kind=row.kind,
        expected=row.outcome.value,
        outcome=answer.outcome.value,
        confidence=answer.confidence,
        rank=first_rank(holds_gold(passage, row.gold) for passage in passages) if row.gold else None,
        page_rank=first_rank(on_gold_page(passage, row.gold) for passage in passages) if row.gold else None,
        citations=len(given),
        citations_right=len(right),
        gold_cited=bool(right),
        missing=tuple(expected for expected in row.expected if not has_expected(text, expected)),
        answer=text,
        cited=tuple(f"{citation.document_id} p.{citation.page}: {citation.quote}" for citation in given),
        ms=ms,
        timings_ms=dict(answer.timings_ms),
    )


def first_rank(hits: Iterable[bool]) -> int:
    """Position from 1 of the first true value, 0 where there is none."""
    return next((rank for rank, hit in enumerate(hits, start=1) if hit), 0)


def holds_gold(passage: TracedPassage, gold: Sequence[Gold]) -> bool:
    """Whether the passage's chunk overlaps a gold quote, in the gold's document and on its page."""
    return any(_same_page(passage, one) and overlaps(one.quote, passage.chunk.text) for one in gold)


def on_gold_page(passage: TracedPassage, gold: Sequence[Gold]) -> bool:
    """Whether the passage comes from a gold document's page."""
    return any(_same_page(passage, one) for one in gold)


def _same_page(passage: TracedPassage, gold: Gold) -> bool:
    return passage.chunk.document_id == gold.document_id and passage.chunk.page == gold.page


def citation_is_right(citation: Citation, row: Row) -> bool:
    """Whether a citation lies in a gold passage.

    It does when it stands in a gold's document, on its page, and overlaps the gold quote or holds an expected string.
    """
    for gold in row.gold:
        if citation.document_id == gold.document_id and citation.page == gold.page:
            if overlaps(citation.quote, gold.quote):
                return True
            if any(has_expected(citation.quote, expected) for expected in row.expected):
                return True
    return False
