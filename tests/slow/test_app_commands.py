"""From an empty home to a cited answer by the commands that people type, each in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SENTENCE = "The metro opened 25 kilometres of new line in 2021."
BRIEF = f"""---
title: Rail in Shenzhen
issuer: Shenzhen Municipal Development and Reform Commission
published: "2021-12"
language: en
---
# Rail in Shenzhen

{SENTENCE} Three further lines are being planned.

## Water

The reservoir holds 186 million cubic metres of water.
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Done:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A home of its own and a corpus of one brief."""

    home: Path
    documents: Path

    def environment(self) -> Mapping[str, str]:
        own = {"PILOT_HOME": str(self.home), "PILOT_INDEX__DOCUMENTS": str(self.documents)}
        return {**os.environ, **own, "PYTHONPATH": str(ROOT)}

    def python(self, *arguments: str) -> Done:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment(), capture_output=True, text=True, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def pilot(self, *arguments: str) -> Done:
        return self.python(str(ROOT / "app.py"), *arguments)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place whose index is built, model export included."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "documents").mkdir()
    (folder / "documents" / "rail.md").write_text(BRIEF, encoding="utf-8")
    made = Place(folder / "var", folder / "documents")
    done = made.pilot("index", "build", "--json")
    assert done.code == 0, done.err
    assert [one["outcome"] for one in json.loads(done.out)["documents"]] == ["indexed"]
    return made


def test_ask_question_in_the_documents_is_quoted_with_its_source(place: Place) -> None:
    answer = json.loads(place.pilot("ask", "How many kilometres of metro opened in 2021?", "--json").out)
    assert answer["outcome"] == "answered"
    assert answer["sentences"][0]["text"] == SENTENCE
    cited = answer["citations"][answer["sentences"][0]["citations"][0] - 1]
    assert (cited["document_id"], cited["published"], cited["page"]) == ("rail.md", "2021-12", 1)
    assert cited["quote"] == SENTENCE
    assert cited["end"] - cited["start"] == len(SENTENCE)


def test_ask_json_has_the_stable_keys(place: Place) -> None:
    answer = json.loads(place.pilot("ask", "How large is the reservoir?", "--json").out)
    keys = "outcome language question understood_as sentences citations passages confidence generation timings_ms"
    assert set(keys.split()) <= answer.keys()


def test_ask_off_topic_question_is_refused_with_exit_0(place: Place) -> None:
    done = place.pilot("ask", "Who won the last football World Cup?", "--json")
    assert done.code == 0
    assert json.loads(done.out)["outcome"] in ("off_topic", "not_in_documents")
    assert json.loads(done.out)["sentences"] == []


def test_ask_second_start_imports_neither_torch_nor_gradio(place: Place) -> None:
    code = (
        "import sys, app\nsys.argv = ['pilot', 'ask', 'How many kilometres of metro opened?']\n"
        "try:\n    app.main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'sentence_transformers', 'gradio') if name in sys.modules])"
    )
    assert place.python("-c", code).out.splitlines()[-1] == "[]"


def test_status_edited_document_is_out_of_date(place: Place) -> None:
    assert json.loads(place.pilot("index", "status", "--json").out)["current"] is True
    (place.documents / "new.txt").write_text("A new notice on sponge parks.", encoding="utf-8")
    found = json.loads(place.pilot("index", "status", "--json").out)
    (place.documents / "new.txt").unlink()
    assert (found["current"], bool(found["reason"])) == (False, True)


def test_serve_busy_port_is_one_line_with_the_way_out(place: Place) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        done = place.pilot("serve", "--port", str(listener.getsockname()[1]))
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "pilot serve --port" in done.err


def test_ask_no_index_is_one_line_with_the_next_command(place: Place, tmp_path: Path) -> None:
    done = Place(tmp_path / "var", place.documents).pilot("ask", "How many kilometres?")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "Run: pilot index build" in done.err


def test_build_no_documents_is_one_line(place: Place, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "models").symlink_to(place.home / "models")
    done = Place(tmp_path / "var", tmp_path / "none").pilot("index", "build")
    assert done.code == 1
    assert done.err.strip().count("\n") == 0
    assert str(tmp_path / "none") in done.err


def test_ask_damaged_index_names_the_file_and_the_way_back(place: Place, tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(place.home / "models")
    assert Place(tmp_path, place.documents).pilot("index", "build").code == 0
    catalog = next((tmp_path / "index").glob("gen-*/catalog.sqlite"))
    data = bytearray(catalog.read_bytes())
    data[len(data) // 2] ^= 1
    catalog.write_bytes(data)
    done = Place(tmp_path, place.documents).pilot("ask", "How many kilometres?")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "catalog.sqlite" in done.err
    assert "pilot index" in done.err


def test_doctor_built_index_is_ok(place: Place) -> None:
    found = {one["name"]: one["state"] for one in json.loads(place.pilot("doctor", "--json").out)["checks"]}
    assert (found["index"], found["embedder"], found["documents"]) == ("ok", "ok", "ok")
