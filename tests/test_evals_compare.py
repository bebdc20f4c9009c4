from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from evals.compare import compare
from evals.report import compare_tables
from evals.saved import SavedResult, SavedRun, load_run, save_run
from evals.squad_run import SquadResult
from index.errors import PilotError


def saved(**recall: float) -> SavedRun:
    results = tuple(
        SavedResult(id=name, question=f"{name}?", outcome="answered", scores={"recall@1": score, "mrr@10": score / 2})
        for name, score in recall.items()
    )
    return SavedRun(name="s.jsonl", created="2026-01-01T00:00:00Z", results=results)


def test_compare_of_two_gained_one_lost_counts_them() -> None:
    differences, changes = compare(saved(a=0, b=0, c=1, d=1), saved(a=1, b=1, c=0, d=1))
    recall, reciprocal = differences
    assert (recall.n, recall.first, recall.second, recall.up, recall.down) == (4, 0.5, 0.75, 2, 1)
    assert recall.p == 1.0
    assert (reciprocal.p, reciprocal.up) == (None, 0)
    assert changes[0].up == ("recall@1", "mrr@10")
    assert changes[2].down == ("recall@1", "mrr@10")
    assert [change.id for change in changes] == ["a", "b", "c"]


def test_compare_uses_common_questions_only() -> None:
    differences, _ = compare(saved(a=0, b=1), saved(b=1, c=0))
    assert differences[0].n == 1


def test_compare_without_common_question_is_refused() -> None:
    with pytest.raises(PilotError, match="have no question in common"):
        compare(saved(a=1), saved(b=1))


def test_compare_tables_hold_both_tables() -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(compare_tables(*compare(saved(a=0), saved(a=1))))
    text = console.export_text()
    assert "recall@1" in text
    assert "1 questions changed" in text


def test_save_run_then_load_run_gives_the_scores(tmp_path: Path) -> None:
    result = SquadResult("q1", "What?", 2, 1, 0.5, None, "answered", refused=False, ms=1.0)
    path = tmp_path / "runs" / "one.json"
    save_run(path, "en.json", {"n": 1}, results=[result])
    run = load_run(path)
    assert run.name == "en.json"
    assert run.results[0].scores["mrr@10"] == 0.5
    assert run.results[0].scores["evidence@1"] == 1.0


def test_load_run_of_foreign_file_names_the_field(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}", "utf-8")
    with pytest.raises(PilotError, match=r"x\.json: no run: name: Field required.*pilot evals run --out FILE"):
        load_run(path)


def test_load_run_of_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"none\.json: cannot read this run: .*--out FILE"):
        load_run(tmp_path / "none.json")
