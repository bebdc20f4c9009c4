"""`pilot index …`: build, inspect, check, roll back and watch the index. Results on stdout, progress on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Protocol, cast, runtime_checkable

import typer

from index.build import build as run_build
from index.build import is_current
from index.check import check_store
from index.console import BarProgress, current_lines, file_lines, left_out_lines, printable, summary_lines
from index.current import current_report
from index.diff import default_suites
from index.diff import diff as run_diff
from index.disk import Disk
from index.embed import Embedder, open_embedder
from index.errors import PilotError
from index.generation import prune_under_lock
from index.generation import rollback as run_rollback
from index.pivot import Pivot, open_pivot
from index.report import BuildReport, NothingIndexedError, SilentProgress
from index.settings import IndexHost
from index.status import read_status
from index.store import check_embedder, open_store
from index.watch import watch as run_watch

index_app = typer.Typer(no_args_is_help=True, help="Build and look after the index of documents.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@runtime_checkable
class EngineHost(Protocol):
    """Settings that bring their own embedder and pivot."""

    def open_engines(self) -> tuple[Embedder, Pivot]:
        """What embeds and what renders Chinese."""


def open_engines(host: IndexHost) -> tuple[Embedder, Pivot]:
    """The embedder and the pivot that the settings name, or those that they bring.

    Raises:
        PilotError: If the model is not on this machine or the glossary cannot be read.
    """
    if isinstance(host, EngineHost):
        return host.open_engines()
    return open_embedder(host.embedding, host.home / "models"), _open_pivot(host)


def _open_pivot(host: IndexHost) -> Pivot:
    if isinstance(host, EngineHost):
        return host.open_engines()[1]
    return open_pivot(host.index.glossary, host.home / "models")


def build_with_progress(host: IndexHost) -> BuildReport:
    """Build and publish with a progress bar on stderr.

    Raises:
        PilotError: As `index.build.build` and `open_engines`.
    """
    with BarProgress() as progress:
        progress.stage("Opening the embedder", 0)
        embedder, pivot = open_engines(host)
        return run_build(host, embedder=embedder, pivot=pivot, progress=progress)


def _current(host: IndexHost) -> BuildReport | None:
    """The live generation's report where a build would publish the same, else None; progress on stderr."""
    with BarProgress() as progress:
        progress.stage("Looking for changes", 0)
        return current_report(host.home / "index", *open_engines(host)) if is_current(host) else None


def _host(context: typer.Context) -> IndexHost:
    return cast(IndexHost, context.obj)


@index_app.command()
def build(
    context: typer.Context,
    as_json: Json = False,
    force: Annotated[bool, typer.Option("--force", help="Build even if nothing has changed.")] = False,
) -> None:
    """Index the documents and publish a new generation if anything has changed; exit 1 if any file is left out."""
    host = _host(context)
    found = None if force else _current(host)
    try:
        report = found or build_with_progress(host)
    except NothingIndexedError as error:
        if as_json:
            typer.echo(BuildReport("", error.reports).to_json())
        else:
            for line in file_lines(error.reports):
                typer.echo(line)
        raise
    lines = list(current_lines(report) if found else summary_lines(report))
    if as_json:
        typer.echo(report.to_json())
        if found:
            typer.echo(lines[0], err=True)
    else:
        for line in lines:
            typer.echo(line)
    if report.left_out:
        raise typer.Exit(1)


@index_app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Show the live generation, whether it is up to date, what it leaves out, and which others are kept."""
    found = read_status(_host(context))
    if as_json:
        typer.echo(found.to_json())
        return
    typer.echo(f"{found.generation}, built {found.built}, {found.bytes / 2**20:.1f} MiB")
    typer.echo(f"  {found.documents:,} documents, {found.chunks:,} chunks, {found.sentences:,} sentences")
    typer.echo(f"  embedder {found.embedder}, search {found.search}")
    state = "up to date" if found.current else f"out of date: {found.reason}. Run: pilot index build"
    typer.echo(f"  {state}")
    for line in left_out_lines(found.left_out):
        typer.echo(line)
    for one in found.kept:
        typer.echo(f"  kept {one.generation} {one.built} {one.bytes / 2**20:.1f} MiB")


@index_app.command()
def diff(
    context: typer.Context,
    as_json: Json = False,
    suite: Annotated[list[Path] | None, typer.Option(help="Suite of questions; default: the project's own.")] = None,
) -> None:
    """Show what the next build would change, and which suite questions rest on it."""
    host = _host(context)
    with open_store(host.home / "index") as store:
        found = run_diff(host, store, pivot=_open_pivot(host), suites=suite or default_suites())
    if as_json:
        typer.echo(found.to_json())
        return
    for line in found.lines():
        typer.echo(printable(line))


@index_app.command()
def check(
    context: typer.Context,
    generation: Annotated[str, typer.Argument(help="A kept generation; default: the live one.")] = "",
) -> None:
    """Compare hashes, counts and ids, and ask canary questions; exit 1 if anything is wrong."""
    host = _host(context)
    home = host.home / "index"
    with open_store(home, generation=generation or None) as store:
        embedder, pivot = open_engines(host)
        check_embedder(store.manifest, embedder, folder=home / store.generation)
        smoke = check_store(store, embedder, pivot)
        manifest = store.manifest
    typer.echo(
        f"{manifest.generation} is sound: {len(manifest.files)} files, {manifest.counts.documents} documents, "
        f"{manifest.counts.chunks:,} chunks; {smoke.asked - len(smoke.missed)} of {smoke.asked} canaries found"
    )


@index_app.command()
def rollback(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="[N]", help="How many generations back, or a name.")] = "1",
) -> None:
    """Make an older generation the live one, after checking its files."""
    name = run_rollback(_host(context).home / "index", target, Disk())
    typer.echo(f"{name} is live")


@index_app.command()
def prune(context: typer.Context) -> None:
    """Remove generations beyond PILOT_INDEX__KEEP_GENERATIONS; the live one always stays."""
    host = _host(context)
    home = host.home / "index"
    gone = prune_under_lock(home, host.index.keep_generations)
    typer.echo(f"Removed {', '.join(gone)}" if gone else "Nothing to remove")


@index_app.command()
def watch(context: typer.Context) -> None:
    """Rebuild whenever documents have changed and settled, until Ctrl-C."""
    host = _host(context)
    embedder, _ = open_engines(host)
    typer.echo(f"Watching {host.index.documents}; Ctrl-C ends it", err=True)
    outcomes = run_watch(host, embedder=embedder, pivot=lambda: _open_pivot(host), progress=SilentProgress())
    for outcome in outcomes:
        if isinstance(outcome, PilotError):
            typer.echo(str(outcome), err=True)
            continue
        for line in summary_lines(outcome):
            typer.echo(line)
