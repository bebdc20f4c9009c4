from __future__ import annotations

import pytest

from assistant.settings import AnswerSettings, ServerSettings, Settings, load_settings
from assistant.settings_table import markdown_table, setting_rows
from index.settings import PROJECT_ROOT

README = PROJECT_ROOT / "README.md"


def test_setting_rows_defaults_name_nested_settings_with_bounds() -> None:
    rows = {row.name: row for row in setting_rows()}
    port = rows["PILOT_SERVER__PORT"]
    assert (port.default, port.bounds, port.changed) == ("7860", "0 … 65535", False)
    assert rows["PILOT_INDEX__LIMITS__CPU_S"].bounds == "1 … 3600"
    assert rows["PILOT_ANSWER__WRONG_ANSWER_RATE"].bounds == "> 0 … < 1"
    assert rows["PILOT_INDEX__EXACT_CHUNKS"].bounds == "≥ 0"
    assert rows["PILOT_INDEX__OCR"].default == "true"


def test_setting_rows_paths_in_the_project_are_relative() -> None:
    rows = {row.name: row for row in setting_rows()}
    assert rows["PILOT_HOME"].default == "var"
    assert not any(str(PROJECT_ROOT) in row.default for row in rows.values())


def test_setting_rows_set_value_is_marked_changed() -> None:
    settings = Settings(server=ServerSettings(port=0), answer=AnswerSettings())
    assert [row.name for row in setting_rows(settings) if row.changed] == ["PILOT_SERVER__PORT"]


def test_setting_rows_loaded_settings_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PILOT_HOME", raising=False)
    assert [row.name for row in setting_rows(load_settings({})) if row.changed] == []


def test_setting_rows_every_setting_is_described() -> None:
    assert [row.name for row in setting_rows() if not row.description.endswith((".", ")"))] == []


def test_readme_settings_table_is_the_models() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.partition("<!-- settings -->\n")[2].partition("<!-- /settings -->")[0]
    assert table == markdown_table(setting_rows()), "Run: pilot settings --markdown, and put it into README.md"
