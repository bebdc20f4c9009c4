"""The command line of measuring: `pilot evals run · compare · bench`."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from assistant.settings import Settings
from evals import compare as comparison
from evals.bench import parse_scale, run_bench
from evals.bench_edit import run_edit
from evals.calibrate import calibrate
from evals.fit import fit_scorer
from evals.progress import ticking
from evals.report import (
    HASHED_NOTE,
    bench_table,
    compare_tables,
    edit_table,
    squad_table,
    stage_table,
    suite_json,
    suite_tables,
)
from evals.run import run_suite
from evals.saved import Json, load_run, save_run
from evals.squad_run import squad_figures, squad_stages
from evals.squad_task import SquadTask, run_squad
from evals.subject import open_subject
from evals.suite import load_suite

PILOT_SUITE = Path(__file__).resolve().parent / "suites" / "pilot.jsonl"

_PIPED_WIDTH = 150
_SCALE = "1000,10000"

evals_app = typer.Typer(no_args_is_help=True, help="Measure answers: run a suite, compare two runs, time the index.")


class Format(StrEnum):
    """What a file of questions looks like."""

    SUITE = "suite"
    SQUAD = "squad"


class SplitOption(StrEnum):
    """Which articles of a SQuAD file are asked."""

    EVEN = "even"
    ODD = "odd"
    ALL = "all"


class Vectors(StrEnum):
    """Where a bench's vectors come from."""

    MODEL = "model"
    HASH = "hash"


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Out = Annotated[Path | None, typer.Option("--out", help="Save the run with every question here, for `compare`.")]


@evals_app.command()
def run(
    context: typer.Context,
    suite: Annotated[Path, typer.Argument(help="A suite (.jsonl), or with --format squad a SQuAD file.")] = PILOT_SUITE,
    *,
    format: Annotated[Format, typer.Option(help="Format of the file.")] = Format.SUITE,
    questions: Annotated[Path | None, typer.Option(help="squad: ask in this file's words, matched by id.")] = None,
    also: Annotated[Path | None, typer.Option(help="squad: index this translation's paragraphs too.")] = None,
    near_miss: Annotated[bool, typer.Option("--near-miss", help="squad: ask again with the paragraph out.")] = False,
    split: Annotated[SplitOption, typer.Option(help="squad: ask even, odd or all articles.")] = SplitOption.ALL,
    traditional: Annotated[bool, typer.Option("--traditional", help="squad: ask in traditional characters.")] = False,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Ask every question of a suite, or of a SQuAD file over an index of its paragraphs, and print the figures."""
    settings: Settings = context.obj
    if format is Format.SUITE:
        if questions or also or near_miss or traditional or split is not SplitOption.ALL:
            raise typer.BadParameter("--questions, --also, --near-miss, --split, --traditional need --format squad")
        _run_suite(settings, suite, as_json=as_json, out=out)
        return
    task = SquadTask(suite, questions, also, split=split.value, traditional=traditional, near_miss=near_miss)
    _run_squad(settings, task, as_json=as_json, out=out)


def _run_suite(settings: Settings, suite: Path, *, as_json: bool, out: Path | None) -> None:
    rows = load_suite(suite)
    subject = open_subject(settings)
    with ticking("Asking", len(rows)) as tick:
        done = run_suite(subject, rows, suite=suite.name, tick=tick)
    report = suite_json(done)
    if out is not None:
        save_run(out, suite.name, report, results=done.results)
    show(report if as_json else suite_tables(done))


def _run_squad(settings: Settings, task: SquadTask, *, as_json: bool, out: Path | None) -> None:
    results = run_squad(settings, task)
    figures, stages = squad_figures(results), squad_stages(results)
    report: dict[str, Json] = {**figures, "stages_ms": stages}
    if out is not None:
        save_run(out, task.title, report, results=results)
    if as_json:
        show(report)
        return
    show(squad_table(task.title, figures))
    show(stage_table(stages))


@evals_app.command("compare")
def compare_runs(
    first: Annotated[Path, typer.Argument(help="A run saved with --out.")],
    second: Annotated[Path, typer.Argument(help="Another run of the same questions.")],
    as_json: AsJson = False,
) -> None:
    """Print by how much two runs differ, how surely, and which questions changed."""
    differences, changes = comparison.compare(load_run(first), load_run(second))
    if as_json:
        show({"differences": [asdict(one) for one in differences], "changes": [asdict(one) for one in changes]})
        return
    show(compare_tables(differences, changes))


@evals_app.command()
def bench(
    context: typer.Context,
    *,
    scale: Annotated[
        str | None, typer.Option(help="Sizes in chunks, for example 10000,100000,300000.", show_default=_SCALE)
    ] = None,
    incremental: Annotated[
        int | None,
        typer.Option(min=2, help="Build so many documents, change one, build again."),
    ] = None,
    text: Annotated[Path | None, typer.Option(help="File or folder of real text to cut the corpora from.")] = None,
    embedder: Annotated[Vectors, typer.Option(help="hash: all costs but the model's.")] = Vectors.MODEL,
    as_json: AsJson = False,
) -> None:
    """Build corpora cut from real text in several sizes and print what build and questions cost."""
    if incremental is not None and scale is not None:
        raise typer.BadParameter("give --scale or --incremental, not both")
    hashed = embedder is Vectors.HASH
    if incremental is not None:
        _bench_edit(context.obj, incremental, text=text, hashed=hashed, as_json=as_json)
        return
    try:
        sizes = parse_scale(scale or _SCALE)
    except ValueError as error:
        raise typer.BadParameter(f"--scale: {error}") from error
    points = []
    with ticking("Building and asking", len(sizes)) as tick:
        for point in run_bench(context.obj, sizes, text=text, hashed=hashed):
            points.append(point)
            tick()
    note = HASHED_NOTE if hashed else ""
    show({"points": [asdict(point) for point in points], "note": note} if as_json else bench_table(points))


def _bench_edit(settings: Settings, documents: int, *, text: Path | None, hashed: bool, as_json: bool) -> None:
    with ticking("Building twice", 2) as tick:
        found = run_edit(settings, documents, text=text, hashed=hashed, tick=tick)
    note = HASHED_NOTE if hashed else ""
    show(asdict(found) | {"note": note} if as_json else edit_table(found))


def show(what: dict[str, Json] | RenderableType) -> None:
    """Print a JSON object or a table on stdout."""
    if isinstance(what, dict):
        typer.echo(json.dumps(what, ensure_ascii=False, indent=1))
        return
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_PIPED_WIDTH)
    console.print(what)


evals_app.command("fit")(fit_scorer)
evals_app.command("calibrate")(calibrate)
