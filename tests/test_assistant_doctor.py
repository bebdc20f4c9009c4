from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import app
from assistant.doctor import check_documents, check_embedder, check_home, check_index, check_packages, check_port
from assistant.doctor import check_python as python_check
from assistant.settings import ServerSettings, Settings
from index.settings import IndexSettings


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def test_check_python_this_one_is_ok() -> None:
    assert python_check().state == "ok"


def test_check_packages_same_versions_ok(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text(f"# comment\nnumpy=={version('numpy')}\nnot-installed-here==1.0\n", encoding="utf-8")
    assert check_packages(pins).state == "ok"


def test_check_packages_other_version_warns_with_both(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("numpy==0.0.1\n", encoding="utf-8")
    found = check_packages(pins)
    assert (found.state, found.found) == ("warn", f"numpy {version('numpy')} (tested: 0.0.1)")


def test_check_packages_no_file_warns(tmp_path: Path) -> None:
    assert check_packages(tmp_path / "constraints.txt").state == "warn"


def test_check_home_missing_folder_is_made_later_and_left_alone(tmp_path: Path) -> None:
    assert check_home(tmp_path / "a" / "b").state in ("ok", "warn")
    assert list(tmp_path.iterdir()) == []


def test_check_home_read_only_with_an_index_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "CURRENT").write_text("gen-000001\n")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)  # root may write anywhere
    found = check_home(tmp_path)
    assert (found.state, found.found) == ("warn", f"{tmp_path} is read-only: the index there is served, not rebuilt")


def test_check_home_under_a_file_fails_with_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = check_home(tmp_path / "file")
    assert (found.state, found.remedy) == ("fail", "Set PILOT_HOME to a folder of yours")


def test_check_documents_missing_folder_fails(tmp_path: Path) -> None:
    found = check_documents(IndexSettings(documents=tmp_path / "none"))
    assert (found.state, found.remedy) == ("fail", "Set PILOT_INDEX__DOCUMENTS")


def test_check_documents_empty_folder_fails(tmp_path: Path) -> None:
    assert check_documents(IndexSettings(documents=tmp_path)).found == f"{tmp_path} is empty"


def test_check_documents_no_glossary_warns(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text", encoding="utf-8")
    found = check_documents(IndexSettings(documents=tmp_path, glossary=tmp_path / "glossary.csv"))
    assert found.state == "warn"


def test_check_embedder_exported_ok(tmp_path: Path) -> None:
    (tmp_path / "minilm").mkdir()
    (tmp_path / "minilm" / "model.onnx").touch()
    assert check_embedder(tmp_path).found == f"exported in {tmp_path}"


def test_check_index_none_yet_warns_with_command(tmp_path: Path) -> None:
    found = check_index(Settings(home=tmp_path))
    assert (found.state, found.remedy) == ("warn", "Run: pilot index build")


def test_check_index_corrupt_pointer_fails(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "CURRENT").write_text("nonsense", encoding="utf-8")
    found = check_index(Settings(home=tmp_path))
    assert found.state == "fail"
    assert "CURRENT" in found.found


def test_check_port_taken_warns(taken_port: int) -> None:
    found = check_port(ServerSettings(port=taken_port))
    assert (found.state, f"port {taken_port}" in found.found) == ("warn", True)


def test_check_port_free_ok() -> None:
    assert check_port(ServerSettings(port=0)).state == "ok"


def test_doctor_empty_documents_exits_1_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PILOT_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("PILOT_INDEX__DOCUMENTS", str(tmp_path))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    states = {one["name"]: one["state"] for one in json.loads(done.stdout)["checks"]}
    assert done.exit_code == 1
    assert (states["python"], states["documents"], states["index"]) == ("ok", "fail", "warn")


def test_settings_command_wrong_setting_lists_defaults_then_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_SERVR", "1")
    done = CliRunner().invoke(app, ["settings"])
    assert "PILOT_SERVER__PORT=7860" in done.stdout
    assert str(done.exception).startswith("Unknown setting PILOT_SERVR")


def test_settings_command_changed_value_is_shown_with_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_SERVER__PORT", "8000")
    done = CliRunner().invoke(app, ["settings"])
    assert "PILOT_SERVER__PORT=8000  (default 7860)  [0 … 65535]" in done.stdout
