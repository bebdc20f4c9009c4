"""The commands of operators: `pilot doctor` looks what is missing, `pilot settings` lists what can be set."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from assistant.doctor import run_checks
from assistant.settings import Settings, load_settings
from assistant.settings_table import SettingRow, markdown_table, setting_rows
from index.errors import SettingsError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def doctor(as_json: Json = False) -> None:
    """Look at packages, folders, models, index and port; exit 1 if the assistant cannot serve."""
    found = list(run_checks(load_settings()))
    if as_json:
        typer.echo(json.dumps({"checks": [asdict(one) for one in found]}, ensure_ascii=False))
    else:
        for one in found:
            typer.echo(f"{one.state:<5} {one.name:<10} {one.found}" + (f". {one.remedy}" if one.remedy else ""))
    if any(one.state == "fail" for one in found):
        raise typer.Exit(1)


def _line(row: SettingRow) -> str:
    was = f"  (default {row.default})" if row.changed else ""
    takes = f"  [{row.bounds}]" if row.bounds else ""
    return f"{row.name}={row.value}{was}{takes}\n    {row.description}"


def settings(
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the README's table.")] = False,
) -> None:
    """List every setting with its value, bounds and meaning; where one is wrong, the defaults, then what is wrong."""
    wrong: SettingsError | None = None
    current: Settings | None = None
    try:
        current = load_settings()
    except SettingsError as error:
        wrong = error
    rows = setting_rows(None if markdown else current)
    if markdown:
        typer.echo(markdown_table(rows), nl=False)
    elif as_json:
        typer.echo(json.dumps({"settings": [asdict(row) for row in rows]}, ensure_ascii=False))
    else:
        typer.echo("\n".join(map(_line, rows)))
    if wrong is not None:
        raise wrong
