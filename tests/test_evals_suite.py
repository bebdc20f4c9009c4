from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.types import Outcome
from evals.suite import load_suite
from index.errors import PilotError

ROW: dict[str, object] = {
    "id": "en-001",
    "question": "Who approved the pilot?",
    "language": "en",
    "kind": "who",
    "gold": [{"document_id": "en/a.md", "page": 1, "quote": "The NDRC approved it."}],
    "expected": ["NDRC"],
    "outcome": "answered",
}


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_load_suite_of_one_row_gives_its_fields(tmp_path: Path) -> None:
    (row,) = load_suite(write(tmp_path / "s.jsonl", ROW))
    assert (row.id, row.outcome, row.answerable) == ("en-001", Outcome.ANSWERED, True)
    assert row.gold[0].quote == "The NDRC approved it."


def test_load_suite_with_unknown_kind_names_file_line_and_field(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", ROW, {**ROW, "id": "en-002", "kind": "riddle"})
    with pytest.raises(PilotError, match=r"s\.jsonl:2: kind: Input should be .* got 'riddle'"):
        load_suite(path)


def test_load_suite_with_unknown_key_names_it(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"s\.jsonl:1: note: Extra inputs are not permitted"):
        load_suite(write(tmp_path / "s.jsonl", {**ROW, "note": "x"}))


def test_load_suite_with_gold_on_page_zero_names_the_gold(tmp_path: Path) -> None:
    row = {**ROW, "gold": [{"document_id": "en/a.md", "page": 0, "quote": "x"}]}
    with pytest.raises(PilotError, match=r"s\.jsonl:1: gold\.0\.page: Input should be greater"):
        load_suite(write(tmp_path / "s.jsonl", row))


def test_load_suite_with_repeated_id_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"s\.jsonl:2: id: 'en-001' was used on line 1"):
        load_suite(write(tmp_path / "s.jsonl", ROW, ROW))


def test_load_suite_with_answer_but_no_gold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match="outcome 'answered' needs at least one gold passage"):
        load_suite(write(tmp_path / "s.jsonl", {**ROW, "gold": []}))


def test_load_suite_with_gold_for_a_refusal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match="outcome 'off_topic' must have empty gold and expected"):
        load_suite(write(tmp_path / "s.jsonl", {**ROW, "outcome": "off_topic"}))


def test_load_suite_with_broken_line_names_it(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"id": \n', "utf-8")
    with pytest.raises(PilotError, match=r"s\.jsonl:1: row: Invalid JSON"):
        load_suite(path)


def test_load_suite_of_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"none\.jsonl: cannot read this suite: .* pilot evals run SUITE"):
        load_suite(tmp_path / "none.jsonl")


def test_load_suite_of_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match="the suite is empty"):
        load_suite(write(tmp_path / "s.jsonl"))
