"""Composition root: the `pilot` command, and `python app.py` as `pilot serve`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from assistant.cli import ask, serve
from assistant.operate import doctor, settings
from assistant.settings import load_settings
from evals.cli import evals_app
from index.cli import index_app
from index.errors import PilotError

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Pilot Assistant: cited answers from policy documents."
)
app.add_typer(index_app, name="index")
app.add_typer(evals_app, name="evals")
app.command()(ask)
app.command()(serve)
app.command()(doctor)
app.command()(settings)


@app.callback()
def root(context: typer.Context, debug: Annotated[bool, typer.Option(help="Show tracebacks.")] = False) -> None:
    """Read the settings once and hand them to the command; `doctor` and `settings` read them on their own."""
    if context.invoked_subcommand not in ("doctor", "settings"):  # they must work when a setting is wrong
        context.obj = load_settings()


def main() -> None:
    """Run one command; an error is one line on stderr and exit 1, a traceback only with --debug."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reads it when it is first imported
    try:
        app()
    except PilotError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.argv.append("serve")
    main()
