"""Rebuilds after the corpus has changed and the changes have settled; one outcome a rebuild.

A build that fails does not end the watch: the live generation goes on answering, and the next change tries again. While
another build holds the lock, it is tried again until that one is done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import watchfiles

from index.build import build, is_current
from index.embed import Embedder
from index.errors import BuildError, LockedError, PilotError
from index.pivot import Pivot, open_pivot
from index.report import BuildReport, Progress
from index.settings import IndexHost

_LONGEST_S = 60.0  # after so long it builds even if changes still come in


def watch(
    host: IndexHost,
    *,
    embedder: Embedder,
    pivot: Callable[[], Pivot],
    progress: Progress,
    settle_s: float = 2.0,
    retry_s: float = 5.0,
    stop: threading.Event | None = None,
) -> Iterator[BuildReport | PilotError]:
    """The outcome of each rebuild, the first one at once where the live generation is out of date.

    Nothing is rebuilt where the files that changed leave the corpus as it was. Ends when `stop` is set or by Ctrl-C.

    Args:
        host: Settings.
        embedder: What embeds.
        pivot: Opens the pivot, before each build: its glossary may have changed.
        progress: Who is told how far a build is.
        settle_s: Seconds without a change before it builds.
        retry_s: Seconds between tries while another build holds the lock.
        stop: Set it to end the watch.

    Raises:
        BuildError: If the documents folder does not exist.
    """
    changes = _changes(host, settle_s=settle_s, retry_s=retry_s, stop=stop)
    due = 2  # looks without a change: at once, and again for what changed before it was watched
    told = ""
    for changed in chain([set()], changes):
        if not (changed or due):
            continue
        outcome = _rebuild(host, embedder, pivot, progress=progress)
        due = 1 if isinstance(outcome, LockedError) else max(due - 1, 0)
        if isinstance(outcome, PilotError) and str(outcome) == told and not changed:
            continue
        told = str(outcome) if isinstance(outcome, PilotError) else ""
        if outcome is not None:
            yield outcome


def _changes(
    host: IndexHost, *, settle_s: float, retry_s: float, stop: threading.Event | None
) -> Iterator[set[tuple[watchfiles.Change, str]]]:
    """Settled changes of corpus and glossary; an empty set every `retry_s` without any."""
    folder, glossary = host.index.documents, host.index.glossary
    if not folder.is_dir():
        raise BuildError(
            f"There is no documents folder {folder} to watch. Make it, or set PILOT_INDEX__DOCUMENTS, then run: "
            "pilot index watch"
        )
    return watchfiles.watch(
        *_watched(folder, glossary),
        watch_filter=_relevant(folder, glossary),
        step=max(1, int(settle_s * 1000)),
        debounce=int(max(settle_s, _LONGEST_S) * 1000),
        stop_event=stop,
        rust_timeout=max(1, int(retry_s * 1000)),
        yield_on_timeout=True,
        raise_interrupt=False,
    )


def _rebuild(
    host: IndexHost, embedder: Embedder, pivot: Callable[[], Pivot], *, progress: Progress
) -> BuildReport | PilotError | None:
    """What came of one rebuild, None where the live generation is current."""
    try:
        if is_current(host):
            return None
        open_pivot.cache_clear()  # it is kept by the glossary's path
        return build(host, embedder=embedder, pivot=pivot(), progress=progress)
    except PilotError as error:
        return error


def _watched(folder: Path, glossary: Path) -> list[Path]:
    """The corpus, and the glossary's folder where that lies elsewhere."""
    inside = glossary.resolve().is_relative_to(folder.resolve())
    return [folder] if inside or not glossary.parent.is_dir() else [folder, glossary.parent]


def _relevant(folder: Path, glossary: Path) -> Callable[[watchfiles.Change, str], bool]:
    """Whether a change may concern the index: the glossary, or a file of the corpus that is not hidden."""

    def relevant(change: watchfiles.Change, path: str) -> bool:
        changed = Path(path)
        if changed == glossary:
            return True
        for root in (folder, folder.resolve()):
            if changed.is_relative_to(root):
                return not any(part.startswith(".") for part in changed.relative_to(root).parts)
        return False

    return relevant
