"""Suites: questions over the corpus with what must come of them. A JSON Lines file comes in, checked rows go out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.types import Outcome
from index.errors import PilotError
from index.types import Language

Kind = Literal[
    "number",
    "date",
    "list",
    "definition",
    "who",
    "where",
    "which",
    "why",
    "how",
    "yes_no",
    "compound",
    "conflicting",
    "superseded",
    "cross_lingual",
    "near_miss",
    "off_topic",
    "small_talk",
    "ambiguous",
    "as_of",
]

GIVEN = frozenset({Outcome.ANSWERED, Outcome.PARTIAL, Outcome.CONFLICTING})
"""Outcomes that give an answer; a question that expects one of them is answerable."""


class Gold(BaseModel):
    """One passage that answers on its own (or one part, for a compound question).

    Attributes:
        document_id: Path in the corpus, for example "zh/ndrc-reply-letter.md".
        page: Physical page, from 1; 1 for formats without pages.
        quote: Verbatim words of the document, on that page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    document_id: str = Field(min_length=1)
    page: int = Field(1, ge=1)
    quote: str = Field(min_length=1)


class Row(BaseModel):
    """One question of a suite.

    Attributes:
        id: Unique in its suite and stable.
        question: The words a person would type.
        language: Language of the question.
        kind: What is asked for; groups the report.
        gold: Passages that answer, in every language in which the corpus says it; empty for a refusal.
        expected: Strings that must all occur in the answer; "|" separates alternatives.
        outcome: What must come of the question.
        as_of: Only documents published on or before this day may answer, or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    language: Language
    kind: Kind
    gold: tuple[Gold, ...] = ()
    expected: tuple[str, ...] = ()
    outcome: Outcome
    as_of: date | None = None

    @model_validator(mode="after")
    def _gold_fits_outcome(self) -> Self:
        if self.outcome in GIVEN and not self.gold:
            raise ValueError(f"outcome {self.outcome.value!r} needs at least one gold passage")
        if self.outcome not in GIVEN and (self.gold or self.expected):
            raise ValueError(f"outcome {self.outcome.value!r} must have empty gold and expected")
        return self

    @property
    def answerable(self) -> bool:
        """Whether an answer is expected, in full or in part."""
        return self.outcome in GIVEN


def load_suite(path: Path) -> tuple[Row, ...]:
    """The rows of a suite in file order.

    Raises:
        PilotError: If the file is missing, empty, not UTF-8, or a row is malformed or repeats an id; the message names
            file, line and field.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PilotError(
            f"{path}: cannot read this suite: {error}. Name a .jsonl file: pilot evals run SUITE"
        ) from error
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        row = _row(path, number, line)
        if row.id in seen:
            raise PilotError(f"{path}:{number}: id: {row.id!r} was used on line {seen[row.id]}; ids must be unique")
        seen[row.id] = number
        rows.append(row)
    if not rows:
        raise PilotError(f"{path}: the suite is empty; expected one JSON object a line, see evals/README.md")
    return tuple(rows)


def _row(path: Path, number: int, line: str) -> Row:
    """One checked line."""
    try:
        return Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "row"
        got = repr(first.get("input"))[:80]
        raise PilotError(f"{path}:{number}: {where}: {first['msg']}, got {got}; see evals/README.md") from error
