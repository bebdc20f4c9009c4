from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.squad import Squad, chosen, load_squad, with_questions_of
from index.errors import PilotError


def paragraph(context: str, *questions: tuple[str, str, list[str]]) -> dict[str, object]:
    qas = [
        {"id": name, "question": text, "answers": [{"text": answer, "answer_start": 0} for answer in answers]}
        for name, text, answers in questions
    ]
    return {"context": context, "qas": qas}


def write(path: Path, *articles: list[dict[str, object]]) -> Path:
    data = [{"title": "t", "paragraphs": paragraphs} for paragraphs in articles]
    path.write_text(json.dumps({"version": "1.1", "data": data}, ensure_ascii=False), "utf-8")
    return path


def english(folder: Path) -> Squad:
    first = [paragraph("One is first.", ("q1", "What is first?", ["One", "One"])), paragraph("Two.", ("q2", "x?", []))]
    second = [paragraph("Three is third.", ("q3", "What is third?", ["Three"]))]
    return load_squad(write(folder / "en.json", first, second))


def test_load_squad_numbers_articles_and_paragraphs(tmp_path: Path) -> None:
    squad = english(tmp_path)
    assert squad.paragraphs == ("One is first.", "Two.", "Three is third.")
    assert [(one.id, one.article, one.paragraph) for one in squad.questions] == [
        ("q1", 0, 0),
        ("q2", 0, 1),
        ("q3", 1, 2),
    ]
    assert squad.questions[0].answers == ("One",)


def test_chosen_leaves_out_questions_without_answer(tmp_path: Path) -> None:
    squad = english(tmp_path)
    assert [one.id for one in chosen(squad.questions, "all")] == ["q1", "q3"]
    assert [one.id for one in chosen(squad.questions, "even")] == ["q1"]
    assert [one.id for one in chosen(squad.questions, "odd")] == ["q3"]


def test_with_questions_of_translation_keeps_paragraph_answers(tmp_path: Path) -> None:
    chinese = load_squad(write(tmp_path / "zh.json", [paragraph("一是第一。", ("q1", "什么是第一？", ["一"]))]))
    both = with_questions_of(english(tmp_path), chinese)
    (question,) = both.questions
    assert (question.text, question.answers, len(both.paragraphs)) == ("什么是第一？", ("One",), 3)


def test_with_questions_of_another_file_without_common_id_is_refused(tmp_path: Path) -> None:
    other = load_squad(write(tmp_path / "other.json", [paragraph("x", ("q9", "y?", ["x"]))]))
    with pytest.raises(PilotError, match=r"other\.json: no question id in common with en\.json"):
        with_questions_of(english(tmp_path), other)


def test_load_squad_marked_impossible_has_no_answers(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    qas = [{"id": "q", "question": "w?", "is_impossible": True, "answers": [{"text": "x", "answer_start": 0}]}]
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "x", "qas": qas}]}]}), "utf-8")
    assert load_squad(path).questions[0].answers == ()


def test_load_squad_without_context_names_file_and_field(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"data": [{"paragraphs": [{"qas": []}]}]}', "utf-8")
    with pytest.raises(PilotError, match=r"bad\.json: not in SQuAD format: data\.0\.paragraphs\.0\.context: Field req"):
        load_squad(path)


def test_load_squad_leaves_questions_without_text_out(tmp_path: Path) -> None:
    path = write(tmp_path / "zh.json", [paragraph("一是第一。", ("q1", " ", ["一"]), ("q2", "什么是第一？", ["一"]))])
    assert [one.id for one in load_squad(path).questions] == ["q2"]


def test_load_squad_without_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"en\.json: no questions in data"):
        load_squad(write(tmp_path / "en.json", [paragraph("x")]))


def test_load_squad_with_repeated_id_is_refused(tmp_path: Path) -> None:
    same = paragraph("x", ("q", "w?", ["x"]), ("q", "w?", ["x"]))
    with pytest.raises(PilotError, match="question id 'q' stands twice"):
        load_squad(write(tmp_path / "en.json", [same]))


def test_load_squad_of_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"none\.json: cannot read: .* --format squad FILE"):
        load_squad(tmp_path / "none.json")
