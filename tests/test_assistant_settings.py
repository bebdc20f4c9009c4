from __future__ import annotations

from pathlib import Path

import pytest

from assistant.settings import load_settings
from index.errors import SettingsError


def test_load_settings_nothing_set_gives_defaults() -> None:
    settings = load_settings({})
    assert (settings.server.port, settings.index.chunk_chars) == (7860, 900)
    assert settings.home.is_absolute()


def test_load_settings_nested_name_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_INDEX__LIMITS__CPU_S", "7")
    assert load_settings().index.limits.cpu_s == 7


def test_load_settings_relative_home_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PILOT_HOME", "here")
    assert load_settings().home == tmp_path / "here"


def test_load_settings_unknown_name_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_SERVR", "1")
    with pytest.raises(SettingsError, match=r"^Unknown setting PILOT_SERVR; did you mean PILOT_SERVER\? See: pilot s"):
        load_settings()


def test_load_settings_unknown_nested_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_SERVER__PROT", "1")
    with pytest.raises(SettingsError, match="PILOT_SERVER__PROT: Extra inputs are not permitted"):
        load_settings()


def test_load_settings_out_of_bounds_names_setting_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_SERVER__PORT", "99999")
    with pytest.raises(SettingsError, match=r"PILOT_SERVER__PORT: .*65535, got '99999'\. See: pilot settings"):
        load_settings()


def test_load_settings_not_a_number_names_setting_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_INDEX__CHUNK_CHARS", "many")
    with pytest.raises(SettingsError, match=r"PILOT_INDEX__CHUNK_CHARS: .*integer.*, got 'many'"):
        load_settings()


def test_load_settings_test_steering_name_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_REQUIRE_BROWSER", "1")
    assert load_settings().server.port == 7860
