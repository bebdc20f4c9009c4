from __future__ import annotations

import sys

import pytest

import app


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["pilot", *arguments])
    with pytest.raises(SystemExit, match=r"\d") as stopped:
        app.main()
    return stopped.value.code


def test_main_unknown_setting_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PILOT_SERVR", "1")
    assert run_main(monkeypatch, "ask", "What are the four crossovers?") == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Unknown setting PILOT_SERVR; did you mean PILOT_SERVER? See: pilot settings\n")


def test_main_unknown_command_exit_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, "aks") == 2
    assert "No such command 'aks'" in capsys.readouterr().err


def test_main_help_names_the_four_doors(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, "--help") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("ask", "serve", "index", "evals", "doctor", "settings"))
