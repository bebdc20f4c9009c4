"""How a build looks in a terminal: a progress bar on stderr, and a summary that leaves no file out."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from index.report import BuildReport, DocumentReport

_NOTES = 3  # notes told of a document; report.json has all
_LEFT_OUT = 10  # files named by the status
_DETAIL_CHARS = 48


class BarProgress:
    """A bar for the stage that is under way and the file or chunk that was last done."""

    def __init__(self) -> None:
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("Starting", total=None, detail="")

    def __enter__(self) -> BarProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        """Start the bar anew; without a total it only moves."""
        self._bars.reset(self._task, description=name, total=total or None, detail="")

    def advance(self, steps: int, detail: str) -> None:
        """Move the bar and show what was done last."""
        shown = escape("".join(character if character.isprintable() else "·" for character in detail))
        self._bars.update(self._task, advance=steps, detail=shown[-_DETAIL_CHARS:])


def printable(text: str) -> str:
    """The text on one line: line breaks and control characters of odd names and texts as escapes."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def file_lines(documents: tuple[DocumentReport, ...]) -> Iterator[str]:
    """A line for each file that is not wholly indexed, with its reason, and for each note on the others."""
    for one in documents:
        if one.outcome != "indexed":
            label = "left out" if one.outcome == "left_out" else "in part "
            yield f"  {label}  {printable(one.path)}: {printable(one.reason)}"
        for note in one.notes[:_NOTES] if one.outcome == "indexed" else ():
            where = f", page {note.page}" if note.page else ""
            yield f"  note      {printable(one.path)}{where}: {printable(note.text)}"
        if one.outcome == "indexed" and len(one.notes) > _NOTES:
            yield f"  note      {printable(one.path)}: {len(one.notes) - _NOTES} more, see report.json"


def left_out_lines(documents: tuple[DocumentReport, ...]) -> Iterator[str]:
    """How many files are left out or in part, and the first of them with their reasons; nothing where none is."""
    if documents:
        states = [one.outcome for one in documents]
        yield f"  {states.count('left_out')} files left out, {states.count('partial')} in part"
        yield from file_lines(documents[:_LEFT_OUT])
    if len(documents) > _LEFT_OUT:
        yield f"  and {len(documents) - _LEFT_OUT} more. Run: pilot index status --json"


def _outcomes(report: BuildReport) -> str:
    states = [one.outcome for one in report.documents]
    indexed, partial, left_out = (states.count(state) for state in ("indexed", "partial", "left_out"))
    return f"{indexed} files indexed, {partial} in part, {left_out} left out"


def current_lines(report: BuildReport) -> Iterator[str]:
    """Why nothing was built, and each file that the live generation leaves out, in whole or in part."""
    again = "Read what is left out again with" if report.left_out else "Build all the same with"
    yield (
        f"Nothing has changed since {report.generation} was built, it stays live: {_outcomes(report)}. "
        f"{again}: pilot index build --force"
    )
    yield from file_lines(report.left_out)


def summary_lines(report: BuildReport) -> Iterator[str]:
    """What a build did, for people: what is in, what is not and why, what to look at."""
    reuse = report.reuse
    yield (
        f"Published {report.generation}: {_outcomes(report)}; "
        f"{report.chunks:,} chunks, {report.sentences:,} sentences, "
        f"{report.size_bytes / 2**20:.1f} MiB in {report.seconds.get('total', 0):.1f} s"
    )
    yield (
        f"  vectors   {reuse.chunks_embedded:,} chunks and {reuse.sentences_embedded:,} sentences embedded, "
        f"{reuse.chunks_reused:,} and {reuse.sentences_reused:,} taken over"
    )
    ann = report.ann
    if ann.nprobe:
        asked = f"recall@10 {ann.recall_at_10:.3f} over {ann.questions} questions"
        yield f"  search    {ann.factory}, {ann.nprobe} cells, {asked}"
    elif ann.note:
        yield f"  search    exact: {ann.note}"
    if report.pruned:
        yield f"  removed   {', '.join(report.pruned)}"
    yield from file_lines(report.documents)
    yield from (f"  warning   {printable(text)}" for text in report.warnings)
