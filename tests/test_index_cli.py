from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from index.cli import index_app
from index.embed import Embedder
from index.errors import BuildError, CorruptGenerationError, IndexMissingError
from index.generation import generations
from index.pivot import Pivot
from index.report import NothingIndexedError
from tests.fakes import FakeHost, HashEmbedder, fake_host, fake_pivot, load_here


@dataclass(frozen=True)
class Host(FakeHost):
    """Settings that bring a fake embedder."""

    def open_engines(self) -> tuple[Embedder, Pivot]:
        return HashEmbedder(), fake_pivot()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr("index.intake.load_documents", load_here)
    monkeypatch.setattr("index.diff.load_documents", load_here)
    fake = fake_host(tmp_path)
    (fake.index.documents / "a.md").write_text("# Port\n\nThe port grows every year.", "utf-8")
    return Host(fake.home, fake.index)


def run(host: Host, *arguments: str) -> Result:
    return CliRunner().invoke(index_app, list(arguments), obj=host)


def test_build_all_indexed_exits_0_with_a_summary(host: Host) -> None:
    result = run(host, "build")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "Published gen-000001: 1 files indexed, 0 in part, 0 left out; 1 chunks, 2 sentences,"
    )
    assert "1 chunks and 2 sentences embedded, 0 and 0 taken over" in result.stdout


def test_build_file_left_out_publishes_names_it_and_exits_1(host: Host) -> None:
    (host.index.documents / "a\nfilm.mp4").write_text("x")
    result = run(host, "build")
    assert result.exit_code == 1
    assert result.stdout.startswith("Published gen-000001: 1 files indexed, 0 in part, 1 left out")
    assert "\n  left out  a\\nfilm.mp4: unsupported format .mp4; save it as" in result.stdout


def test_build_json_is_one_object_on_stdout(host: Host) -> None:
    (host.index.documents / "film.mp4").write_text("x")
    result = run(host, "build", "--json")
    values = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [(one["path"], one["outcome"], one["chunks"]) for one in values["documents"]] == [
        ("a.md", "indexed", 1),
        ("film.mp4", "left_out", 0),
    ]
    assert values["documents"][1]["reason"].startswith("unsupported format")
    assert values["generation"] == "gen-000001"


@pytest.mark.parametrize("arguments", [("build",), ("build", "--json")])
def test_build_nothing_loadable_lists_every_file_and_fails(host: Host, arguments: tuple[str, ...]) -> None:
    (host.index.documents / "a.md").rename(host.index.documents / "film.mp4")
    result = run(host, *arguments)
    assert isinstance(result.exception, NothingIndexedError)
    assert "film.mp4" in result.stdout
    if "--json" in arguments:
        assert json.loads(result.stdout)["generation"] == ""


def test_build_warnings_and_notes_stand_in_the_summary(host: Host) -> None:
    (host.index.documents / "b.md").write_text("---\nsupersedes: [gone.md]\nexpires: 2020\n---\nThe text.", "utf-8")
    result = run(host, "build")
    assert "  warning   b.md: supersedes gone.md, which is not indexed\n" in result.stdout
    assert "  warning   b.md: expired on 2020 and nothing supersedes it\n" in result.stdout


def test_build_nothing_changed_publishes_nothing_and_says_so_in_one_line(host: Host) -> None:
    run(host, "build")
    result = run(host, "build")
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert result.stdout.startswith("Nothing has changed since gen-000001 was built, it stays live: 1 files indexed,")
    assert "pilot index build --force" in result.stdout
    assert generations(host.home / "index") == ["gen-000001"]
    assert run(host, "build", "--force").stdout.startswith("Published gen-000002: ")


def test_build_nothing_changed_still_names_what_is_left_out_and_exits_1(host: Host) -> None:
    (host.index.documents / "a\nfilm.mp4").write_text("x")
    first = json.loads(run(host, "build", "--json").stdout)
    again = run(host, "build")
    assert again.exit_code == 1
    assert again.stdout.startswith("Nothing has changed since gen-000001")
    assert "\n  left out  a\\nfilm.mp4: unsupported format" in again.stdout
    told = run(host, "build", "--json")
    values = json.loads(told.stdout)
    assert told.exit_code == 1
    assert "Nothing has changed since gen-000001" in told.stderr
    assert {**values, "seconds": {}} == {**first, "seconds": {}}
    assert values["seconds"].items() <= first["seconds"].items()


def test_build_nothing_changed_but_a_damaged_file_or_other_embedder_builds(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(host, "build")
    path = host.home / "index" / "gen-000001" / "report.json"
    path.write_text("{}")
    assert run(host, "build").stdout.startswith("Published gen-000002: ")
    monkeypatch.setattr(Host, "open_engines", lambda self: (HashEmbedder(name="other"), fake_pivot()))
    assert run(host, "build").stdout.startswith("Published gen-000003: ")


def test_status_follows_the_documents(host: Host) -> None:
    run(host, "build")
    values = json.loads(run(host, "status", "--json").stdout)
    assert (values["generation"], values["documents"], values["chunks"]) == ("gen-000001", 1, 1)
    assert (values["embedder"], values["current"], values["reason"]) == ("hash-16", True, "")
    assert [one["generation"] for one in values["kept"]] == ["gen-000001"]
    assert values["kept"][0]["bytes"] == values["bytes"] > 0
    assert "up to date" in run(host, "status").stdout
    (host.index.documents / "b.md").write_text("More.")
    assert "out of date: files in" in run(host, "status").stdout
    assert not json.loads(run(host, "status", "--json").stdout)["current"]


def test_status_names_what_is_left_out_with_its_reason(host: Host) -> None:
    run(host, "build")
    assert "left out" not in run(host, "status").stdout
    for number in range(12):
        (host.index.documents / f"old{number:02}.doc").write_text(f"{number}")
    run(host, "build")
    lines = run(host, "status").stdout.splitlines()
    first = lines.index("  12 files left out, 0 in part")
    assert lines[first + 1] == "  left out  old00.doc: unsupported format .doc; save it as .docx"
    assert lines[first + 10].startswith("  left out  old09.doc: ")
    assert lines[first + 11] == "  and 2 more. Run: pilot index status --json"
    values = json.loads(run(host, "status", "--json").stdout)
    assert [one["path"] for one in values["left_out"]] == [f"old{number:02}.doc" for number in range(12)]


def test_status_report_unreadable_names_the_file_and_remedy(host: Host) -> None:
    run(host, "build")
    (host.home / "index" / "gen-000001" / "report.json").write_text("{}")
    with pytest.raises(CorruptGenerationError, match=r"report\.json: got no report of a build.* Run: pilot index"):
        raise run(host, "status").exception or AssertionError


def test_status_nothing_built_says_build(host: Host) -> None:
    with pytest.raises(IndexMissingError, match="There is no index"):
        raise run(host, "status").exception or AssertionError


def test_check_sound_generation_says_so(host: Host) -> None:
    run(host, "build")
    result = run(host, "check")
    assert result.exit_code == 0
    assert "gen-000001 is sound: " in result.stdout
    assert "1 of 1 canaries found" in result.stdout


def test_check_harmed_generation_names_file_and_remedy(host: Host) -> None:
    run(host, "build")
    path = host.home / "index" / "gen-000001" / "catalog.sqlite"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CorruptGenerationError, match=r"catalog\.sqlite: got \d+ bytes.* Run: pilot index rollback"):
        raise run(host, "check").exception or AssertionError


def test_rollback_and_prune_move_and_remove(host: Host) -> None:
    for _ in range(2):
        run(host, "build", "--force")
    assert run(host, "rollback").stdout == "gen-000001 is live\n"
    assert run(host, "rollback", "gen-000002").stdout == "gen-000002 is live\n"
    assert run(host, "prune").stdout == "Nothing to remove\n"
    fewer = Host(host.home, host.index.model_copy(update={"keep_generations": 1}))
    assert run(fewer, "prune").stdout == "Removed gen-000001\n"
    with pytest.raises(BuildError, match="no generation '1' to go back to"):
        raise run(host, "rollback").exception or AssertionError


def test_diff_odd_name_and_text_stay_on_one_line(host: Host) -> None:
    run(host, "build")
    (host.index.documents / "a\nnew.txt").write_text("The \x1b[31mred\x1b[0m bridge opens.", "utf-8")
    lines = run(host, "diff").stdout.splitlines()
    assert lines[1] == "new a\\nnew.txt"
    assert "\x1b" not in lines[2]


def test_diff_tells_changed_documents_and_questions(host: Host, tmp_path: Path) -> None:
    run(host, "build")
    suite = tmp_path / "s.jsonl"
    gold = [{"document_id": "a.md", "page": 1, "quote": "The port grows every year."}]
    suite.write_text(json.dumps({"id": "q1", "gold": gold}) + "\n")
    (host.index.documents / "a.md").write_text("# Port\n\nThe port grows every month.", "utf-8")
    values = json.loads(run(host, "diff", "--json", "--suite", str(suite)).stdout)
    assert [(one["path"], one["state"]) for one in values["documents"]] == [("a.md", "changed")]
    assert [(one["id"], one["effect"]) for one in values["questions"]] == [("q1", "quote_gone")]
    assert run(host, "diff", "--suite", str(suite)).stdout.startswith("Against gen-000001: 1 changed")
