"""A suite about the project's own documents to groups of retrieved sentences: what the scorer is fitted on at home."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from assistant.chain import Assistant
from assistant.evidence import Evidence, standing
from assistant.types import Filters, Outcome, Question
from evals.fit_data import Candidate, Task, pivoted
from evals.match import overlaps
from evals.suite import Row
from index.language import unwrap
from index.types import Span

KEPT = 4
"""Of every four rows of the suite to fit on the first is kept from the scorer, for the confidence model."""

_RETRIEVED = 16
_KINDS = frozenset({Outcome.ANSWERED, Outcome.NOT_IN_DOCUMENTS, Outcome.OFF_TOPIC})


def answers(row: Row, one: Evidence) -> bool:
    """Whether a sentence is one of the row's gold quotes, holds it or is part of it."""
    chunk = one.passage.chunk
    return any(
        gold.document_id == chunk.document_id and gold.page == chunk.page and overlaps(gold.quote, one.text)
        for gold in row.gold
    )


def suite_tasks(assistant: Assistant, rows: Sequence[Row], tick: Callable[[], None]) -> Iterator[Task]:
    """The rows that are plainly answered or plainly not, each with the sentences that the product retrieves for it."""
    pivot = assistant.engine.pivot.pivot
    for row in rows:
        tick()
        if row.outcome not in _KINDS or row.kind == "compound":
            continue
        trace = assistant.trace(Question(row.question, filters=Filters(as_of=row.as_of)))
        right: list[Candidate] = []
        wrong: list[Candidate] = []
        for one in trace.evidence[:_RETRIEVED]:
            text, context = unwrap(one.text), pivot(standing(one.passage))
            if answers(row, one):
                right.append(pivoted(text, Span(0, len(text)), pivot, context=context))
            elif one.span.kind != "heading":
                wrong.append(Candidate(pivot(text), None, context))
        if right or not row.gold:
            yield Task(pivot(row.question), tuple(right), tuple(wrong))
