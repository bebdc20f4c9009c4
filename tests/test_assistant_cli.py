from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import app
from assistant import chain
from assistant.chain import Engine, StoreSource
from assistant.cli import ask, serve
from assistant.settings import Settings
from index.errors import IndexMissingError, SettingsError
from tests.fakes import HashEmbedder, fake_pivot
from tests.fakes_assistant import MODEL, tiny_store

OPENED, PLANNED = "The tunnel opened in 2024.", "The tunnel was planned in 2020."
DOCUMENTS = {
    "new.md": f"---\ntitle: Works of 2024\nissuer: The city\npublished: '2024-06'\nkind: notice\n---\n{OPENED}",
    "old.md": f"---\ntitle: Plan of 2020\npublished: '2020-06'\nkind: plan\n---\n{PLANNED}",
}
QUESTION = "When was the tunnel opened?"


def fake_engine(settings: Settings, stores: StoreSource) -> Engine:
    engine = Engine(stores, HashEmbedder(), fake_pivot(), scorer=None)
    engine.model = MODEL
    return engine


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("cli")
    tiny_store(base, DOCUMENTS).close()
    return base / "var"


def run(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> Result:
    """`pilot ask` over a home, its models replaced by fakes."""
    monkeypatch.setattr(chain, "open_engine", fake_engine)
    root = typer.Typer()
    root.command()(ask)
    root.command()(serve)
    return CliRunner().invoke(root, ["ask", *arguments], obj=Settings(home=home))


def test_ask_answer_is_printed_with_its_source(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    result = run(monkeypatch, home, QUESTION)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{OPENED} [1]\n[1] Works of 2024, The city, 2024-06, p. 1 (new.md)\n"


def test_ask_json_prints_one_object(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    result = run(monkeypatch, home, QUESTION, "--json")
    values = json.loads(result.stdout)
    assert (result.exit_code, values["outcome"], values["generation"]) == (0, "answered", "gen-000001")
    assert values["sentences"] == [{"text": OPENED, "citations": [1], "start": 0}]
    assert values["citations"][0]["document_id"] == "new.md"


def test_ask_json_keeps_chinese_readable(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert "隧道何时通车？" in run(monkeypatch, home, "隧道何时通车？", "--json").stdout


def test_ask_bytes_of_another_encoding_are_shown_as_question_marks(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    result = run(monkeypatch, home, "When was the \udcc9 tunnel opened?", "--json")
    assert (result.exit_code, json.loads(result.stdout)["question"]) == (0, "When was the ? tunnel opened?")


@pytest.mark.parametrize("question", ["Which bakery sells the cheapest bread?", "Hello!", "", "a" * 2000])
def test_ask_abstaining_exits_0_and_says_why(monkeypatch: pytest.MonkeyPatch, home: Path, question: str) -> None:
    result = run(monkeypatch, home, question)
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout) > 10
    assert "[1]" not in result.stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--as-of", "2020-12-31"), "old.md"),
        (("--document", "old.md"), "old.md"),
        (("--kind", "plan"), "old.md"),
        (("--kind", "notice", "--language", "en"), "new.md"),
    ],
)
def test_ask_filters_reach_the_search(
    monkeypatch: pytest.MonkeyPatch, home: Path, options: tuple[str, ...], expected: str
) -> None:
    values = json.loads(run(monkeypatch, home, "When was the tunnel planned?", "--json", *options).stdout)
    assert {one["document_id"] for one in values["passages"]} == {expected}


def test_ask_language_without_documents_finds_nothing(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    values = json.loads(run(monkeypatch, home, QUESTION, "--json", "--language", "zh").stdout)
    assert (values["passages"], values["sentences"]) == ([], [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--as-of", "yesterday"), "expected YYYY-MM-DD"),
        (("--as-of", "2021-13-01"), "expected YYYY-MM-DD"),
        (("--language", "fr"), "expected zh or en"),
        (("--colour", "red"), "No such option"),
    ],
)
def test_ask_bad_option_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, home: Path, options: tuple[str, ...], message: str
) -> None:
    result = run(monkeypatch, home, QUESTION, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_ask_unknown_document_names_it_and_the_way_to_find_it(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    result = run(monkeypatch, home, QUESTION, "--document", "gone.md")
    assert result.exit_code == 1
    with pytest.raises(SettingsError, match=r"'gone\.md'.* pilot index status") as stopped:
        raise result.exception or AssertionError
    assert "\n" not in str(stopped.value)


def test_ask_missing_index_names_the_next_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = run(monkeypatch, tmp_path, QUESTION)
    assert (result.exit_code, result.stdout) == (1, "")
    with pytest.raises(IndexMissingError, match="Run: pilot index build") as stopped:
        raise result.exception or AssertionError
    assert "\n" not in str(stopped.value)


def test_main_missing_index_is_one_line_on_stderr_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PILOT_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["pilot", "ask", QUESTION])
    with pytest.raises(SystemExit, match="1"):
        app.main()
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "Run: pilot index build" in err


def test_ask_follow_up_of_nothing_stands_as_typed(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert "Understood as" not in run(monkeypatch, home, "And the tunnel?").stdout


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_serve_impossible_port_is_a_usage_error(port: str) -> None:
    result = CliRunner().invoke(app.app, ["serve", "--port", port])
    assert result.exit_code == 2
    assert "--port" in result.stderr
