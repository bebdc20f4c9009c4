from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evals import fit_data
from evals.fit_data import (
    FITTING,
    Candidate,
    Collection,
    Task,
    exercise_collection,
    group,
    own_collection,
    pivoted,
    read_exercises,
    read_more_questions,
    squad_collection,
    tasks_of,
)
from index.errors import PilotError
from index.types import Span

ARTICLE = fit_data._SquadArticle.model_validate(
    {
        "title": "Super_Metro",
        "paragraphs": [
            {
                "context": "The line opened in 2021. It has 12 stations.",
                "qas": [
                    {"id": "q", "question": "When did it open?", "answers": [{"text": "2021", "answer_start": 19}]}
                ],
            },
            {"context": "The port is large.", "qas": []},
        ],
    }
)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.ones((len(texts), 2), np.float32)


def own_file(folder: Path, **row: object) -> Path:
    path = folder / "own.jsonl"
    path.write_text(json.dumps({"article": 4, "paragraph": 0, "question": "How many stops?", "answer": [32, 34]} | row))
    return path


def test_squad_collection_answer_is_located_in_its_sentence() -> None:
    collection = squad_collection("tiny", [ARTICLE])
    assert collection.passages[0] == ("The line opened in 2021.", "It has 12 stations.")
    assert collection.titles == ("Super Metro", "Super Metro")
    assert dict(collection.asked[0].answers) == {0: Span(19, 23)}


def test_own_collection_answer_and_near_miss(tmp_path: Path) -> None:
    answered = own_collection("own", {4: ARTICLE}, own_file(tmp_path))
    assert dict(answered.asked[0].answers) == {1: Span(7, 9)}
    missed = own_collection("own", {4: ARTICLE}, own_file(tmp_path, answer=None))
    assert dict(missed.asked[0].answers) == {}


def test_own_collection_question_about_an_article_left_out_is_left_out(tmp_path: Path) -> None:
    assert own_collection("own", {4: ARTICLE}, own_file(tmp_path, article=6)).asked == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": [40, 99]}, r"own\.jsonl:1: 40 to 99 is not in its passage"),
        ({"extra": 1}, r"own\.jsonl:1: .*fitting/README"),
    ],
)
def test_own_collection_bad_line_is_named(tmp_path: Path, row: dict[str, object], message: str) -> None:
    with pytest.raises(PilotError, match=message):
        own_collection("own", {4: ARTICLE}, own_file(tmp_path, **row))


def exercises_file(folder: Path, answer: object) -> Path:
    path = folder / "exercises.jsonl"
    row = {"title": "Calder Line", "language": "en", "sentences": ["It opened in 2021.", "It has 19 stations."]}
    path.write_text(json.dumps(row | {"questions": [{"q": "How many stops has it?", "answer": answer}]}))
    return path


def test_exercises_answered_question_and_near_miss(tmp_path: Path) -> None:
    collection = exercise_collection("ex", read_exercises(exercises_file(tmp_path, [1, "19"])))
    assert (collection.titles, collection.asked[0].text) == (("Calder Line",), "How many stops has it?")
    assert dict(collection.asked[0].answers) == {1: Span(7, 9)}
    missed = exercise_collection("ex", read_exercises(exercises_file(tmp_path, None)))
    assert dict(missed.asked[0].answers) == {}


@pytest.mark.parametrize("answer", [[1, "20"], [2, "19"], [-1, "19"]])
def test_exercises_answer_that_is_not_in_its_sentence_is_named(tmp_path: Path, answer: object) -> None:
    with pytest.raises(PilotError, match=r"exercises\.jsonl:1: '(19|20)' is not in its sentence"):
        read_exercises(exercises_file(tmp_path, answer))


def test_exercises_malformed_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"exercises\.jsonl:1: .*fitting/README"):
        read_exercises(exercises_file(tmp_path, "19"))


def more_file(folder: Path, of: str, passage: int, piece: str = "19") -> Path:
    path = folder / "more.jsonl"
    row = {"of": of, "passage": passage, "questions": [{"q": "Calder Line stops", "answer": [1, piece]}]}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return path


def test_more_questions_are_asked_of_the_passage_that_they_name(tmp_path: Path) -> None:
    exercises = {"exercises": read_exercises(exercises_file(tmp_path, None))}
    (one,) = read_more_questions(more_file(tmp_path, "exercises", 0), exercises)
    assert (one.title, [asked.q for asked in one.questions]) == ("Calder Line", ["Calder Line stops"])


@pytest.mark.parametrize(("of", "passage"), [("exercises", 1), ("other", 0), ("exercises", -1)])
def test_more_questions_of_no_passage_are_named(tmp_path: Path, of: str, passage: int) -> None:
    exercises = {"exercises": read_exercises(exercises_file(tmp_path, None))}
    with pytest.raises(PilotError, match=rf"more\.jsonl:1: there is no passage {passage} of {of}"):
        read_more_questions(more_file(tmp_path, of, passage), exercises)


def test_more_questions_answer_that_is_not_in_its_sentence_is_named(tmp_path: Path) -> None:
    exercises = {"exercises": read_exercises(exercises_file(tmp_path, None))}
    with pytest.raises(PilotError, match=r"more\.jsonl:1: '20' is not in its sentence"):
        read_more_questions(more_file(tmp_path, "exercises", 0, "20"), exercises)


def test_more_questions_malformed_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "more.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(PilotError, match=r"more\.jsonl:1: .*fitting/README"):
        read_more_questions(path, {})


def test_exercises_shipped_half_are_answered_and_both_languages_are_there() -> None:
    exercises = read_exercises(FITTING / "exercises.jsonl")
    answered = [one.answer is not None for exercise in exercises for one in exercise.questions]
    assert len(exercises) > 500
    assert 0.45 < sum(answered) / len(answered) < 0.55
    assert {one.language for one in exercises} == {"en", "zh"}


def test_tasks_of_passage_gives_answering_beside_and_elsewhere() -> None:
    (task,) = tasks_of(squad_collection("tiny", [ARTICLE]), pivot=str.lower, embed=embed)
    assert task.question == "when did it open?"
    assert task.answering == (Candidate("the line opened in 2021.", Span(19, 23), "super metro"),)
    assert [one.text for one in task.beside] == ["it has 12 stations."]
    assert [one.text for one in task.elsewhere] == ["the port is large."]


def test_pivoted_answer_keeps_its_place() -> None:
    found = pivoted("线 开通于2021年", Span(5, 9), lambda text: text.replace("线", "line"), context="metro")
    assert found.answer is not None
    assert (found.text[found.answer.start : found.answer.end], found.context) == ("2021", "metro")


def test_group_of_answered_task_holds_an_answer_and_group_of_near_miss_none() -> None:
    wrong = tuple(Candidate(f"w{i}", None, "c") for i in range(9))
    answered = Task("q", (Candidate("right", Span(0, 5), "c"),), wrong)
    missed = Task("q", (), wrong)
    for seed in range(10):
        rng = random.Random(seed)
        shown = group(answered, rng, size=5, without_answer=0.0)
        assert len(shown) == 5
        assert sum(one.answer is not None for one in shown) == 1
        assert {one.context for one in shown} in ({"c"}, {""})
        assert all(one.answer is None for one in group(missed, rng, size=5, without_answer=0.0))


def test_group_without_answer_takes_sentences_from_elsewhere() -> None:
    task = Task("q", (Candidate("right", Span(0, 5)),), (Candidate("beside"),), (Candidate("far"), Candidate("away")))
    shown = group(task, random.Random(0), size=5, without_answer=1.0)
    assert {one.text for one in shown} == {"far", "away"}


def test_collection_is_a_record_of_equal_parts() -> None:
    assert squad_collection("tiny", [ARTICLE]) == squad_collection("tiny", [ARTICLE])
    assert isinstance(squad_collection("tiny", []), Collection)
