"""Public question-answering files to groups of candidate sentences: what the evidence scorer is fitted on.

A group is one question with sentences of its passage and of other passages that look alike, of which some, or none,
answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from index.errors import PilotError
from index.language import sentence_spans
from index.types import Language, Span

FITTING = Path(__file__).resolve().parent / "fitting"
"""The project's own questions to fit on."""

HELD_OUT = 8
"""Of every eight articles of the bench one even-numbered (6, 14, 22 …) is kept for choosing weights, not fitted on."""

EXERCISES_HELD_OUT = 12
"""Of so many exercises the first is kept for the same."""

_HARDEST = 16
_POLICY_QUESTIONS = 600
_BARE = 0.4


class _SquadAnswer(BaseModel):
    text: str
    answer_start: int


class _SquadQuestion(BaseModel):
    id: str
    question: str
    answers: list[_SquadAnswer]


class _SquadParagraph(BaseModel):
    context: str
    qas: list[_SquadQuestion]


class _SquadArticle(BaseModel):
    title: str = ""
    paragraphs: list[_SquadParagraph]


class _Squad(BaseModel):
    data: list[_SquadArticle]


class _ClapPassage(BaseModel):
    title: str = ""
    sentences: list[str]


class _ClapAnswer(BaseModel):
    selected_sentences: list[str]


class _Clap(BaseModel):
    input: str
    passages: list[_ClapPassage]
    output: list[_ClapAnswer]


class OwnQuestion(BaseModel):
    """A question of the project's own about a passage of a public file.

    Attributes:
        article, paragraph: Where the passage stands in the file, from 0.
        question: As written.
        answer: First character of the answer in the passage and one past its last; None where the passage only sounds
            as if it answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    article: int
    paragraph: int
    question: str
    answer: tuple[int, int] | None


class _ExerciseQuestion(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    q: str
    answer: tuple[int, str] | None


class Exercise(BaseModel):
    """A passage made up for this project, with questions that it answers and questions that it seems to.

    Attributes:
        title: What it stands under.
        language: Of the passage; a question may be in the other one.
        sentences: In order.
        questions: Each with the number of the one sentence that answers, from 0, and the piece of it that does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    language: Language
    sentences: tuple[str, ...]
    questions: tuple[_ExerciseQuestion, ...]


class _MoreQuestions(BaseModel):
    """Further questions about a passage of an earlier file of exercises.

    Attributes:
        of: The file's name, without its suffix.
        passage: Its line, from 0.
        questions: As those of an exercise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    passage: int
    questions: tuple[_ExerciseQuestion, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one passage of a collection.

    Attributes:
        id: Its id in the file.
        text: The question, as written.
        passage: Number of its passage in the collection.
        answers: Sentence of the passage -> where in it the answer stands; empty for an unanswerable question.
    """

    id: str
    text: str
    passage: int
    answers: Mapping[int, Span]


@dataclass(frozen=True, slots=True)
class Collection:
    """Passages of one file as sentences, with the questions about them.

    Attributes:
        name: Which file.
        passages: The sentences of each passage, as written.
        titles: What each passage stands under.
        asked: The questions.
        foreign: Whether sentences of other passages surely do not answer a question (templated questions: they may).
    """

    name: str
    passages: tuple[tuple[str, ...], ...]
    titles: tuple[str, ...]
    asked: tuple[Asked, ...]
    foreign: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence in a group.

    Attributes:
        text: Its pivot.
        answer: Where in the pivot the answer stands, None where it does not answer.
        context: Pivot of what it stands under; empty where nothing is known.
    """

    text: str
    answer: Span | None = None
    context: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A question to fit on, all texts as pivots.

    Attributes:
        question: The question.
        answering: Sentences that answer; empty for an unanswerable question.
        beside: Sentences that look as if they answered: the others of the passage, or what was retrieved.
        elsewhere: Sentences of other passages, most alike first.
    """

    question: str
    answering: tuple[Candidate, ...]
    beside: tuple[Candidate, ...]
    elsewhere: tuple[Candidate, ...] = ()


def _read(path: Path) -> str:
    if not path.is_file():
        raise PilotError(f"{path} is missing; it holds public data to fit on. Name its folder: pilot evals fit --help")
    return path.read_text(encoding="utf-8")


def _squad(path: Path) -> list[_SquadArticle]:
    try:
        return _Squad.model_validate_json(_read(path)).data
    except ValidationError as error:
        raise PilotError(
            f"{path} is not in SQuAD 1.1 format: {error.errors()[0]['msg']}. Name another folder."
        ) from error


def _located(sentences: Sequence[Span], answers: Iterable[_SquadAnswer]) -> dict[int, Span]:
    """Sentence -> span of the answer within it; an answer over a boundary counts where it begins."""
    found: dict[int, Span] = {}
    for answer in answers:
        for number, sentence in enumerate(sentences):
            if sentence.start <= answer.answer_start < sentence.end:
                start = answer.answer_start - sentence.start
                found[number] = Span(start, min(start + len(answer.text), sentence.end - sentence.start))
    return found


def squad_collection(name: str, articles: Sequence[_SquadArticle], *, foreign: bool = True) -> Collection:
    """The articles' paragraphs as passages, in order, with every question whose answer could be located."""
    passages: list[tuple[str, ...]] = []
    titles: list[str] = []
    asked: list[Asked] = []
    for title, paragraph in ((article.title, paragraph) for article in articles for paragraph in article.paragraphs):
        spans = sentence_spans(paragraph.context)
        for one in paragraph.qas:
            answers = _located(spans, one.answers)
            if answers:
                asked.append(Asked(one.id, one.question, len(passages), answers))
        passages.append(tuple(paragraph.context[span.start : span.end] for span in spans))
        titles.append(title.replace("_", " "))
    return Collection(name, tuple(passages), tuple(titles), tuple(asked), foreign)


def own_collection(name: str, articles: Mapping[int, _SquadArticle], path: Path) -> Collection:
    """The articles' paragraphs as passages with the project's own questions of a file about them.

    Raises:
        PilotError: If the file is missing or malformed, or an answer does not stand in its passage.
    """
    own = []
    for number, line in enumerate(_read(path).splitlines(), start=1):
        try:
            own.append(OwnQuestion.model_validate_json(line))
        except ValidationError as error:
            raise PilotError(f"{path}:{number}: {error.errors()[0]['msg']}; see evals/fitting/README.md") from error
    base = squad_collection(name, list(articles.values()))
    first = dict(zip(articles, accumulate((len(one.paragraphs) for one in articles.values()), initial=0), strict=False))
    asked: list[Asked] = []
    for row, one in enumerate(own):
        if one.article not in first:
            continue
        text = articles[one.article].paragraphs[one.paragraph].context
        start, end = one.answer or (0, 0)
        if not 0 <= start <= end <= len(text):
            raise PilotError(f"{path}:{row + 1}: {start} to {end} is not in its passage; mend the line")
        answers = [_SquadAnswer(text=text[start:end], answer_start=start)] if one.answer else []
        found = _located(sentence_spans(text), answers)
        asked.append(Asked(str(row), one.question, first[one.article] + one.paragraph, found))
    return Collection(name, base.passages, base.titles, tuple(asked))


def read_exercises(path: Path) -> list[Exercise]:
    """The exercises of a file, one a line.

    Raises:
        PilotError: If the file is missing or malformed, or an answer does not stand in its sentence.
    """
    found: list[Exercise] = []
    for number, line in enumerate(_read(path).splitlines(), start=1):
        try:
            one = Exercise.model_validate_json(line)
        except ValidationError as error:
            raise PilotError(f"{path}:{number}: {error.errors()[0]['msg']}; see evals/fitting/README.md") from error
        found.append(_sound(one, f"{path}:{number}"))
    return found


def read_more_questions(path: Path, exercises: Mapping[str, Sequence[Exercise]]) -> list[Exercise]:
    """The passages that a file asks further about, with these questions alone; `exercises` by the name of their file.

    Raises:
        PilotError: If the file is missing or malformed, names no passage, or an answer does not stand in its sentence.
    """
    found: list[Exercise] = []
    for number, line in enumerate(_read(path).splitlines(), start=1):
        try:
            more = _MoreQuestions.model_validate_json(line)
        except ValidationError as error:
            raise PilotError(f"{path}:{number}: {error.errors()[0]['msg']}; see evals/fitting/README.md") from error
        passages = exercises.get(more.of, ())
        if not 0 <= more.passage < len(passages):
            raise PilotError(f"{path}:{number}: there is no passage {more.passage} of {more.of}; mend the line")
        one = passages[more.passage].model_copy(update={"questions": more.questions})
        found.append(_sound(one, f"{path}:{number}"))
    return found


def _sound(exercise: Exercise, where: str) -> Exercise:
    """The exercise, if every answer stands in its sentence."""
    for asked in exercise.questions:
        held = dict(enumerate(exercise.sentences)).get(asked.answer[0], "") if asked.answer else ""
        if asked.answer and not (asked.answer[1] and asked.answer[1] in held):
            raise PilotError(f"{where}: {asked.answer[1]!r} is not in its sentence; mend the line")
    return exercise


def exercise_collection(name: str, exercises: Sequence[Exercise]) -> Collection:
    """The exercises' passages, in order, with all questions about them."""
    asked = [
        Asked(f"{number}-{row}", one.q, number, _piece(exercise.sentences, one.answer))
        for number, exercise in enumerate(exercises)
        for row, one in enumerate(exercise.questions)
    ]
    return Collection(
        name, tuple(one.sentences for one in exercises), tuple(one.title for one in exercises), tuple(asked)
    )


def _piece(sentences: Sequence[str], answer: tuple[int, str] | None) -> dict[int, Span]:
    if answer is None:
        return {}
    number, text = answer
    start = sentences[number].index(text)
    return {number: Span(start, start + len(text))}


def clap_collection(path: Path) -> Collection:
    """The passages of a ClapNQ file, one a question, whole sentences being the answers.

    Raises:
        PilotError: If the file is missing or malformed.
    """
    passages: list[tuple[str, ...]] = []
    titles: list[str] = []
    asked: list[Asked] = []
    for line in _read(path).splitlines():
        try:
            row = _Clap.model_validate_json(line)
        except ValidationError as error:
            raise PilotError(
                f"{path} is not in ClapNQ format: {error.errors()[0]['msg']}. Name another folder."
            ) from error
        sentences = tuple(sentence for passage in row.passages for sentence in passage.sentences)
        chosen = {sentence for answer in row.output for sentence in answer.selected_sentences}
        answers = {n: Span(0, len(sentence)) for n, sentence in enumerate(sentences) if sentence in chosen}
        asked.append(Asked(str(len(asked)), row.input, len(passages), answers))
        passages.append(sentences)
        titles.append(row.passages[0].title if row.passages else "")
    return Collection(path.stem, tuple(passages), tuple(titles), tuple(asked))


def _fitted(number: int) -> bool:
    """Whether weights may be fitted on this article of the bench: even, and not held out for choosing between fits."""
    return number % 2 == 0 and number % HELD_OUT != HELD_OUT - 2


def _crossed(questions: Collection, passages: Collection) -> Collection:
    """The questions of one language over the passages of the other, matched by id."""
    texts = {one.id: one.text for one in questions.asked}
    asked = tuple(Asked(one.id, texts[one.id], one.passage, one.answers) for one in passages.asked if one.id in texts)
    return Collection(
        f"{questions.name} over {passages.name}", passages.passages, passages.titles, asked, passages.foreign
    )


def _policies(train: Path) -> list[Collection]:
    """A sample of PolicyQA's questions over all its passages."""
    rng = random.Random(0)
    whole = [
        squad_collection(name, _squad(train / f"{name}.json"), foreign=False)
        for name in ("policyqa_dev", "policyqa_test")
    ]
    return [replace(one, asked=tuple(rng.sample(one.asked, _POLICY_QUESTIONS // 2))) for one in whole]


def read_collections(bench: Path, train: Path) -> list[Collection]:
    """All to fit on: the bench in four language pairs, CMRC 2018, the exercises, ClapNQ and a sample of PolicyQA.

    To the bench and to CMRC 2018 come the project's own questions about their passages (`evals/fitting`).

    Raises:
        PilotError: If a file is missing or malformed.
    """
    english, chinese = (
        squad_collection(
            f"xquad.{language}", [a for n, a in enumerate(_squad(bench / f"xquad.{language}.json")) if _fitted(n)]
        )
        for language in ("en", "zh")
    )
    fitted = {n: a for n, a in enumerate(_squad(bench / "xquad.en.json")) if _fitted(n)}
    cmrc = dict(enumerate(_squad(train / "cmrc2018_trial.json")))
    whole = {name: read_exercises(FITTING / f"{name}.jsonl") for name in ("exercises", "exercises_2", "exercises_3")}
    exercises = {
        **{name: [one for n, one in enumerate(found) if n % EXERCISES_HELD_OUT] for name, found in whole.items()},
        "exercises_plain": read_more_questions(FITTING / "exercises_plain.jsonl", whole),
    }
    return [
        english,
        chinese,
        own_collection("own xquad.en", fitted, FITTING / "xquad.en.jsonl"),
        own_collection("own cmrc2018_trial", cmrc, FITTING / "cmrc2018_trial.jsonl"),
        _crossed(chinese, english),
        _crossed(english, chinese),
        squad_collection("cmrc2018_trial", _squad(train / "cmrc2018_trial.json")),
        *(exercise_collection(name, passages) for name, passages in exercises.items()),
        clap_collection(train / "clapnq_dev_answerable.jsonl"),
        clap_collection(train / "clapnq_dev_unanswerable.jsonl"),
        *_policies(train),
    ]


def pivoted(text: str, answer: Span, pivot: Callable[[str], str], *, context: str = "") -> Candidate:
    """The sentence's pivot with the answer's place in it, which is approximate where a word crosses its edge."""
    whole = pivot(text)
    start = len(pivot(text[: answer.start]))
    end = len(whole) - len(pivot(text[answer.end :]))
    return Candidate(whole, Span(min(start, len(whole) - 1), max(end, start + 1)), context)


def tasks_of(
    collection: Collection,
    *,
    pivot: Callable[[str], str],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
) -> Iterator[Task]:
    """The collection's questions as tasks, each with the sentences elsewhere nearest to it by their vectors."""
    owners = np.array([number for number, passage in enumerate(collection.passages) for _ in passage])
    titles = [pivot(title) for title in collection.titles]
    sentences = [
        Candidate(pivot(sentence), None, titles[number])
        for number, passage in enumerate(collection.passages)
        for sentence in passage
    ]
    first = np.cumsum([0, *(len(passage) for passage in collection.passages)])
    questions = [pivot(one.text) for one in collection.asked]
    shape = (len(questions), len(sentences))
    near = embed(questions) @ embed([one.text for one in sentences]).T if collection.foreign else np.zeros(shape)
    for row, one in enumerate(collection.asked):
        own = collection.passages[one.passage]
        order = np.argsort(-near[row], kind="stable") if collection.foreign else np.zeros(0, np.int64)
        start = int(first[one.passage])
        yield Task(
            questions[row],
            tuple(
                pivoted(own[number], span, pivot, context=titles[one.passage]) for number, span in one.answers.items()
            ),
            tuple(sentences[start + number] for number in range(len(own)) if number not in one.answers),
            tuple(sentences[i] for i in order[: _HARDEST * 4] if owners[i] != one.passage)[:_HARDEST],
        )


def group(task: Task, rng: random.Random, *, size: int, without_answer: float) -> list[Candidate]:
    """At most `size` candidates of a task in random order; with probability `without_answer` none of them answers.

    Every second group is shown without its context, so that the scorer does not lean on titles that documents may lack.
    """
    chosen: list[Candidate] = []
    if not (task.elsewhere and task.answering and rng.random() < without_answer):
        chosen = rng.sample(task.answering, min(2, len(task.answering)))
        many = size // 2 if task.elsewhere and task.answering else size - 2 if task.elsewhere else size - len(chosen)
        chosen += rng.sample(task.beside, min(len(task.beside), many))
    chosen += rng.sample(task.elsewhere, min(len(task.elsewhere), size - len(chosen)))
    rng.shuffle(chosen)
    if rng.random() < _BARE:
        return [replace(one, context="") for one in chosen]
    return chosen


def blurred(question: str, rng: random.Random) -> str:
    """The question, every second time with a tenth of its words left out, so that no single word decides."""
    if rng.random() < 0.5:
        return question
    kept = [word for word in question.split() if rng.random() > 0.1]
    return " ".join(kept) or question


def summary(tasks: Sequence[Task]) -> str:
    """How many tasks, and the mean number of sentences in their passages, in words."""
    sentences = sum(len(task.answering) + len(task.beside) for task in tasks)
    return f"{len(tasks)} questions, {sentences / max(len(tasks), 1):.1f} sentences a passage"
