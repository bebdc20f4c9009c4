from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from assistant.settings import Settings
from assistant.types import Outcome
from evals import cli
from evals.bench_edit import Edit
from index.errors import PilotError
from tests.fakes_evals import FakeSubject, answer

ROW = {"id": "en-1", "question": "Who won?", "language": "en", "kind": "off_topic", "outcome": "off_topic"}


def suite(folder: Path) -> Path:
    path = folder / "tiny.jsonl"
    path.write_text(json.dumps(ROW) + "\n", "utf-8")
    return path


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    fake = FakeSubject(answers={"Who won?": answer("Who won?", Outcome.OFF_TOPIC)})
    monkeypatch.setattr(cli, "open_subject", lambda settings: fake)
    root = typer.Typer()
    root.add_typer(cli.evals_app, name="evals")

    @root.callback()
    def settings(context: typer.Context) -> None:
        context.obj = Settings(home=tmp_path)

    return root


def test_run_with_json_prints_one_object(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evals", "run", str(suite(tmp_path)), "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["n"] == 1
    assert report["figures"]["outcome_accuracy"]["value"] == 1.0
    assert report["wrong"] == []


def test_run_without_json_prints_a_table(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evals", "run", str(suite(tmp_path))])
    assert result.exit_code == 0
    assert "outcome_accuracy" in result.stdout


def test_run_saved_twice_compares_equal(app: typer.Typer, tmp_path: Path) -> None:
    runs = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in runs:
        CliRunner().invoke(app, ["evals", "run", str(suite(tmp_path)), "--json", "--out", str(path)])
    result = CliRunner().invoke(app, ["evals", "compare", str(runs[0]), str(runs[1]), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["changes"] == []


def test_run_of_suite_with_squad_option_is_a_usage_error(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evals", "run", str(suite(tmp_path)), "--near-miss"])
    assert result.exit_code == 2
    assert "--format squad" in result.stderr


def test_run_of_missing_suite_raises_the_message(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evals", "run", str(tmp_path / "none.jsonl")])
    assert isinstance(result.exception, PilotError)
    assert "cannot read this suite" in str(result.exception)


def test_bench_with_scale_and_incremental_is_a_usage_error(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["evals", "bench", "--scale", "1000", "--incremental", "20"])
    assert result.exit_code == 2
    assert "give --scale or --incremental, not both" in result.stderr


def test_bench_incremental_with_json_prints_one_object(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    edit = Edit(
        documents=20, chunks=40, sentences=200, embedder="hash", edited="000/en-000002.txt", edited_chunks=2,
        chunks_embedded=1, sentences_embedded=1, first_s=10.0, second_s=0.5, second_share=0.05,
        first_stages_s={}, second_stages_s={},
    )  # fmt: skip
    monkeypatch.setattr(cli, "run_edit", lambda settings, documents, **options: edit)
    result = CliRunner().invoke(app, ["evals", "bench", "--incremental", "20", "--embedder", "hash", "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["second_share"], report["chunks_embedded"]) == (0.05, 1)
    assert report["note"].startswith("Vectors are hashed words")
