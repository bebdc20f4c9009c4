"""Progress bars on stderr, so that stdout stays for results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID


@contextmanager
def ticking(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar of that name and length; gives the function that moves it by one."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


class BuildBars:
    """Shows a build's stages, one bar at a time; what `index.report.Progress` asks for."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def stage(self, name: str, total: int) -> None:
        """A new stage takes the place of the last one."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=total)

    def advance(self, steps: int, detail: str) -> None:
        """So many more steps of the stage are done."""
        if self._task is not None:
            self._progress.advance(self._task, steps)


@contextmanager
def building() -> Iterator[BuildBars]:
    """Bars for one build."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield BuildBars(progress)
