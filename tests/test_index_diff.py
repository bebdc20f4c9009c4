from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.clauses import Clause
from index.diff import CorpusDiff, DocumentDiff, default_suites, diff
from index.errors import PilotError
from index.pivot import Pivot
from index.settings import EmbeddingSettings
from index.store import open_store
from tests.crash_child import build_once, host_of, index_home, load_here
from tests.fakes import FakeHost, fake_pivot

PLAN = "# Plan\n\nThe city builds 50,000 stations by 2025.\n\nThe port grows every year."


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.intake.load_documents", load_here)
    monkeypatch.setattr("index.diff.load_documents", load_here)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = host_of(tmp_path).index.documents
    (folder / "plan.md").write_text(PLAN, "utf-8")
    (folder / "letter.md").write_text("# Letter\n\nThe commission agrees to the pilot.", "utf-8")
    build_once(tmp_path)
    return folder


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    rows = [
        {"id": "q1", "gold": [{"document_id": "plan.md", "page": 1, "quote": "The city builds\n50,000 stations"}]},
        {"id": "q2", "gold": [{"document_id": "plan.md", "page": 1, "quote": "The port grows every year."}]},
        {"id": "q3", "gold": [{"document_id": "letter.md", "page": 1, "quote": "The commission agrees"}]},
        {"id": "q4", "gold": []},
    ]
    path = tmp_path / "suite.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", "utf-8")
    return path


def difference(base: Path, suites: Sequence[Path] = ()) -> CorpusDiff:
    with open_store(index_home(base)) as store:
        return diff(host_of(base), store, pivot=fake_pivot(), suites=suites)


def only(found: CorpusDiff) -> DocumentDiff:
    assert len(found.documents) == 1
    return found.documents[0]


def test_diff_nothing_changed_gives_nothing(tmp_path: Path, documents: Path, suite: Path) -> None:
    found = difference(tmp_path, [suite])
    assert (found.documents, found.unchanged, found.questions) == ((), 2, ())
    assert list(found.lines()) == ["Against gen-000001: nothing; 2 unchanged"]


def test_diff_edited_sentence_is_a_changed_clause(tmp_path: Path, documents: Path, suite: Path) -> None:
    (documents / "plan.md").write_text(PLAN.replace("50,000", "60,000"), "utf-8")
    found = difference(tmp_path, [suite])
    document = only(found)
    assert (document.path, document.state) == ("plan.md", "changed")
    assert [(one.before.text, one.after.text) for one in document.clauses.changed] == [
        ("The city builds 50,000 stations by 2025.", "The city builds 60,000 stations by 2025.")
    ]
    assert (document.clauses.new, document.clauses.gone) == ((), ())
    assert [(one.id, one.effect) for one in found.questions] == [("q1", "quote_gone"), ("q2", "document_changed")]


def test_diff_new_document_lists_its_clauses(tmp_path: Path, documents: Path) -> None:
    (documents / "new.md").write_text("# New\n\nA tunnel opens.", "utf-8")
    document = only(difference(tmp_path))
    assert (document.path, document.state) == ("new.md", "new")
    assert Clause(1, "New", "A tunnel opens.") in document.clauses.new


def test_diff_removed_document_is_gone_with_its_questions(tmp_path: Path, documents: Path, suite: Path) -> None:
    (documents / "letter.md").unlink()
    found = difference(tmp_path, [suite])
    document = only(found)
    assert (document.path, document.state) == ("letter.md", "gone")
    assert "The commission agrees to the pilot." in {one.text for one in document.clauses.gone}
    assert [(one.id, one.effect) for one in found.questions] == [("q3", "document_gone")]


def test_diff_renamed_document_is_moved(tmp_path: Path, documents: Path, suite: Path) -> None:
    (documents / "letter.md").rename(documents / "reply.md")
    found = difference(tmp_path, [suite])
    document = only(found)
    assert (document.path, document.state, document.was) == ("reply.md", "moved", "letter.md")
    assert [(one.id, one.effect, one.document) for one in found.questions] == [("q3", "document_moved", "letter.md")]


def test_diff_manifest_entry_is_a_metadata_change(tmp_path: Path, documents: Path) -> None:
    (documents / "manifest.toml").write_text('["letter.md"]\npublished = "2021-12-13"\n', "utf-8")
    document = only(difference(tmp_path))
    assert (document.path, document.state) == ("letter.md", "changed")
    assert document.metadata == ('published: "" → "2021-12-13"',)
    assert (document.clauses.new, document.clauses.changed, document.clauses.gone) == ((), (), ())


def test_diff_unreadable_file_is_left_out_with_reason(tmp_path: Path, documents: Path) -> None:
    (documents / "tool.exe").write_bytes(b"MZ")
    document = only(difference(tmp_path))
    assert (document.path, document.state) == ("tool.exe", "left_out")
    assert "unsupported" in document.reason


def test_diff_other_limits_reads_every_file_again(tmp_path: Path, documents: Path, suite: Path) -> None:
    (documents / "plan.md").write_text(f"{PLAN}\n\n{'The bridge carries trams. ' * 50}\n\nThe end is here.", "utf-8")
    build_once(tmp_path)
    host = host_of(tmp_path)
    limits = host.index.limits.model_copy(update={"chars": 1000})
    with open_store(index_home(tmp_path)) as store:
        other = FakeHost(host.home, host.index.model_copy(update={"limits": limits}))
        found = diff(other, store, pivot=fake_pivot(), suites=[suite])
    document = only(found)
    assert (document.path, document.state, found.unchanged) == ("plan.md", "changed", 1)
    assert "The end is here." in {one.text for one in document.clauses.gone}
    assert [(one.id, one.effect) for one in found.questions] == [("q1", "document_changed"), ("q2", "document_changed")]
    assert "the build reads every file again" in list(found.lines())[1]


def against(base: Path, pivot: Pivot, embedding: EmbeddingSettings | None = None, **settings: object) -> list[str]:
    """The diff's lines under other settings, but the first."""
    host = host_of(base)
    other = FakeHost(host.home, host.index.model_copy(update=settings), embedding or host.embedding)
    with open_store(index_home(base)) as store:
        return list(diff(other, store, pivot=pivot).lines())[1:]


def test_diff_other_glossary_or_settings_are_said_with_what_is_embedded_again(tmp_path: Path, documents: Path) -> None:
    glossary = against(tmp_path, Pivot({"地铁": "underground"}, {}))
    assert glossary == [
        "Glossary or dictionary: changed; the build makes all search words anew and embeds again the Chinese text that "
        "is rendered differently"
    ]
    assert against(tmp_path, fake_pivot(), EmbeddingSettings(model="other")) == [
        f"Embedder: {EmbeddingSettings().model} → other; the build embeds all chunks and sentences again"
    ]
    chunks = host_of(tmp_path).index.chunk_chars
    assert against(tmp_path, fake_pivot(), chunk_chars=chunks - 1)[1:] == [
        f"Chunk size: {chunks} → {chunks - 1} characters; the build embeds again all that is cut differently"
    ]
    assert against(tmp_path, fake_pivot(), ann_recall=0.5)[0].startswith("Search settings or code")


def test_diff_left_out_file_that_vanished_is_said(tmp_path: Path, documents: Path) -> None:
    (documents / "tool.exe").write_bytes(b"MZ")
    build_once(tmp_path)
    (documents / "tool.exe").unlink()
    found = difference(tmp_path)
    assert found.documents == ()
    assert list(found.lines())[1].startswith("Files that are left out, entries of manifest.toml without a file, or")


def test_diff_lines_and_json_name_what_changed(tmp_path: Path, documents: Path, suite: Path) -> None:
    (documents / "plan.md").write_text(PLAN.replace("50,000", "60,000"), "utf-8")
    found = difference(tmp_path, [suite])
    lines = list(found.lines())
    assert lines[0] == "Against gen-000001: 1 changed; 1 unchanged"
    assert "  ~ [Plan] The city builds 50,000 stations by 2025." in lines
    assert "  suite.jsonl q1: its quote is gone from plan.md" in lines
    values = json.loads(found.to_json())
    assert values["documents"][0]["clauses"]["changed"][0]["after"]["text"].startswith("The city builds 60,000")


def test_diff_lines_tell_a_question_with_two_golds_in_a_document_once(tmp_path: Path, documents: Path) -> None:
    quotes = ["The city builds 50,000 stations", "The port grows every year."]
    gold = [{"document_id": "plan.md", "page": 1, "quote": quote} for quote in quotes]
    path = tmp_path / "two.jsonl"
    path.write_text(json.dumps({"id": "q1", "gold": gold}) + "\n", "utf-8")
    (documents / "plan.md").write_text(PLAN.replace("50,000", "60,000"), "utf-8")
    found = difference(tmp_path, [path])
    assert list(found.lines())[-2:] == [
        "1 suite questions rest on them",
        "  two.jsonl q1: its quote is gone from plan.md",
    ]
    assert [one.effect for one in found.questions] == ["quote_gone", "document_changed"]


def test_diff_lines_of_a_vast_clause_are_cut_short(tmp_path: Path, documents: Path) -> None:
    (documents / "more.md").write_text("word " * 200, "utf-8")
    last = list(difference(tmp_path).lines())[-1]
    assert last == f"  + {('word ' * 80)}… (999 characters)"


def test_diff_malformed_suite_names_file_and_line(tmp_path: Path, documents: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "q1", "gold": []}\n[1]\n', "utf-8")
    with pytest.raises(PilotError, match=r"bad\.jsonl:2: got no suite question"):
        difference(tmp_path, [path])


def test_diff_missing_suite_is_one_line(tmp_path: Path, documents: Path) -> None:
    with pytest.raises(PilotError, match=r"none\.jsonl: cannot read this suite"):
        difference(tmp_path, [tmp_path / "none.jsonl"])


def test_default_suites_are_sorted_jsonl_files() -> None:
    found = default_suites()
    assert list(found) == sorted(found)
    assert all(path.suffix == ".jsonl" for path in found)
