"""Reads SQuAD files: paragraphs with questions whose answers are spans. A file comes in, a `Squad` goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from index.errors import PilotError

Split = Literal["even", "odd", "all"]


class _Answer(BaseModel):
    text: str


class _Question(BaseModel):
    id: str = Field(min_length=1)
    question: str
    answers: list[_Answer] = []
    is_impossible: bool = False


class _Paragraph(BaseModel):
    context: str = Field(min_length=1)
    qas: list[_Question]


class _Article(BaseModel):
    paragraphs: list[_Paragraph]


class _File(BaseModel):
    data: list[_Article] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class SquadQuestion:
    """One question.

    Attributes:
        id: As in the file; the same in the file's translations.
        text: The question.
        answers: Accepted answer spans, each once; empty for one that its paragraph does not answer.
        article: Number of its article, from 0.
        paragraph: Number of its paragraph in the file, from 0.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    article: int
    paragraph: int


@dataclass(frozen=True, slots=True)
class Squad:
    """The content of one file.

    Attributes:
        name: Name of the file.
        paragraphs: Texts in file order, as they stand.
        questions: In file order, ids unique.
    """

    name: str
    paragraphs: tuple[str, ...]
    questions: tuple[SquadQuestion, ...]


def load_squad(path: Path) -> Squad:
    """Paragraphs and questions of a SQuAD 1.1 or 2.0 file; unknown keys are let be, questions without text left out.

    Published sets have such questions: CMRC 2018's trial file has two.

    Raises:
        PilotError: If the file is missing, malformed (file and field are named), has no question or repeats an id.
    """
    try:
        parsed = _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PilotError(f"{path}: cannot read: {error.strerror}. Name a SQuAD file: --format squad FILE") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise PilotError(
            f"{path}: not in SQuAD format: {where}: {first['msg']}, expected data[].paragraphs[]"
        ) from error
    paragraphs: list[str] = []
    questions: list[SquadQuestion] = []
    for article, one in enumerate(parsed.data):
        for paragraph in one.paragraphs:
            questions += [
                _question(asked, article, len(paragraphs)) for asked in paragraph.qas if asked.question.strip()
            ]
            paragraphs.append(paragraph.context)
    _check_ids(path, questions)
    return Squad(name=path.name, paragraphs=tuple(paragraphs), questions=tuple(questions))


def _question(asked: _Question, article: int, paragraph: int) -> SquadQuestion:
    answers = () if asked.is_impossible else tuple(dict.fromkeys(answer.text for answer in asked.answers))
    return SquadQuestion(asked.id, asked.question, answers, article=article, paragraph=paragraph)


def _check_ids(path: Path, questions: Sequence[SquadQuestion]) -> None:
    if not questions:
        raise PilotError(f"{path}: no questions in data[].paragraphs[].qas[]; expected at least one")
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise PilotError(f"{path}: question id {question.id!r} stands twice; ids must be unique")
        seen.add(question.id)


def with_questions_of(paragraphs: Squad, questions: Squad) -> Squad:
    """The first file's paragraphs and answers, asked in the second file's words; questions are matched by id.

    Raises:
        PilotError: If no id is in both files.
    """
    words = {question.id: question.text for question in questions.questions}
    matched = tuple(replace(one, text=words[one.id]) for one in paragraphs.questions if one.id in words)
    if not matched:
        raise PilotError(f"{questions.name}: no question id in common with {paragraphs.name}; expected its translation")
    return replace(paragraphs, questions=matched)


def chosen(questions: Sequence[SquadQuestion], split: Split) -> tuple[SquadQuestion, ...]:
    """Questions that have an answer, of the even- or odd-numbered articles (from 0), or of all."""
    parity = {"even": (0,), "odd": (1,), "all": (0, 1)}[split]
    return tuple(one for one in questions if one.answers and one.article % 2 in parity)
