"""Every setting as a row: its `PILOT_…` name, default, bounds, meaning and value, as `pilot settings` lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from assistant.settings import Settings
from index.settings import PROJECT_ROOT


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting.

    Attributes:
        name: The environment variable, for example "PILOT_SERVER__PORT".
        default: Its default as it would be written, paths relative to the project's folder.
        bounds: What values it takes, for example "1 … 64"; empty where anything of its type goes.
        description: What it does.
        value: What it is now, written the same way; a secret as asterisks.
    """

    name: str
    default: str
    bounds: str
    description: str
    value: str

    @property
    def changed(self) -> bool:
        """Whether it is set to something other than its default."""
        return self.value != self.default


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Path):
        inside = value.is_absolute() and value.is_relative_to(PROJECT_ROOT)
        return (value.relative_to(PROJECT_ROOT) if inside else value).as_posix()
    if isinstance(value, tuple):
        return json.dumps(value)
    return str(value)


def _bounds(field: FieldInfo) -> str:
    low = next((f"{m.ge}" if isinstance(m, Ge) else f"> {m.gt}" for m in field.metadata if isinstance(m, Ge | Gt)), "")
    high = next((f"{m.le}" if isinstance(m, Le) else f"< {m.lt}" for m in field.metadata if isinstance(m, Le | Lt)), "")
    if low and high:
        return f"{low} … {high}"
    if low:
        return low if low.startswith(">") else f"≥ {low}"
    if high:
        return high if high.startswith("<") else f"≤ {high}"
    return "not empty" if any(isinstance(m, MinLen) for m in field.metadata) else ""


def _rows(defaults: BaseModel, values: BaseModel, prefix: str) -> Iterator[SettingRow]:
    for name, field in type(defaults).model_fields.items():
        default, value = getattr(defaults, name), getattr(values, name)
        full = prefix + name.upper()
        if isinstance(default, BaseModel) and isinstance(value, BaseModel):
            yield from _rows(default, value, f"{full}__")
        else:
            yield SettingRow(full, _shown(default), _bounds(field), field.description or "", _shown(value))


def setting_rows(settings: Settings | None = None) -> list[SettingRow]:
    """Every setting in the order of the models, with its value in `settings`, or its default where there are none."""
    defaults = Settings.model_construct()
    return list(_rows(defaults, settings or defaults, "PILOT_"))


def markdown_table(rows: Sequence[SettingRow]) -> str:
    """The table of the README: name, default, bounds, meaning; ends with a newline."""
    lines = ["| setting | default | takes | meaning |", "| --- | --- | --- | --- |"]
    for row in rows:
        cells = (f"`{row.name}`", f"`{row.default}`", row.bounds, row.description)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
