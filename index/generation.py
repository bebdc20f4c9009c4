"""Generations on disk: a lock, a folder aside, publishing by one rename, opening, rolling back and pruning.

`home/index/gen-000042/` never changes once published. `home/index/CURRENT` names the live one, and after a rollback, on
a second line, the newest one published. A folder with a higher number is from a build killed before it could publish.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from index.disk import Disk
from index.errors import BuildError, CorruptGenerationError, IndexMissingError, LockedError
from index.manifest import MANIFEST, REMEDY, Manifest, encode, list_files, read_manifest, verify_files

CURRENT = "CURRENT"
LOCK = "build.lock"
_NAME = re.compile(r"gen-(\d{6,})$")
_ASIDE, _TRASH = ".build-", ".trash-"
_REMOVALS = 20
_held: set[str] = set()
_held_guard = threading.Lock()


def number_of(name: str) -> int:
    """The number in a generation's name, -1 if it is none."""
    match = _NAME.match(name)
    return int(match[1]) if match else -1


def generations(home: Path) -> list[str]:
    """Names of the published generations under `home/index`, oldest first; all that are whole without a CURRENT."""
    try:
        newest = max(number_of(name) for name in _pointer(home))
    except (IndexMissingError, CorruptGenerationError):
        return _complete(home)
    return [name for name in _complete(home) if number_of(name) <= newest]


def _complete(home: Path) -> list[str]:
    if not home.is_dir():
        return []
    names = [path.name for path in home.iterdir() if number_of(path.name) >= 0 and (path / MANIFEST).is_file()]
    return sorted(names, key=number_of)


def _pointer(home: Path) -> list[str]:
    """The lines of CURRENT: the live generation, and where it is not the same the newest that was published.

    Raises:
        IndexMissingError: If none was published yet.
        CorruptGenerationError: If CURRENT holds anything else.
    """
    path = home / CURRENT
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise IndexMissingError(f"There is no index in {home} yet. Run: pilot index build") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptGenerationError(f"{path}: cannot be read ({error}). {REMEDY}") from error
    names = text.split()
    if not 1 <= len(names) <= 2 or any(number_of(name) < 0 for name in names):
        raise CorruptGenerationError(f"{path}: got {text.strip()[:40]!r}, expected a name like gen-000042. {REMEDY}")
    return names


def current_name(home: Path) -> str:
    """The live generation's name.

    Raises:
        IndexMissingError: If none was published yet.
        CorruptGenerationError: If CURRENT names nothing that can be there.
    """
    return _pointer(home)[0]


def check_generation(home: Path, name: str) -> Manifest:
    """The manifest of a generation all of whose files are as they were published.

    Raises:
        CorruptGenerationError: Naming the first file that is not.
        ForeignGenerationError: If another format version wrote it.
    """
    folder = home / name
    if number_of(name) < 0 or not folder.is_dir():
        kept = ", ".join(generations(home)) or "none"
        raise CorruptGenerationError(f"{folder}: there is no such generation; kept are {kept}. {REMEDY}")
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    return manifest


def _holder(handle: FileIO) -> str:
    try:
        found = json.loads(handle.read() or b"{}")
        return f"process {found['pid']} on {found['host']} since {found['started']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _tell_holder(handle: FileIO) -> None:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    # The lock holds without it; where the disk is full, the build says so itself.
    with suppress(OSError):
        handle.truncate(0)
        handle.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": started}).encode())


@contextmanager
def build_lock(home: Path, *, then: str = "pilot index build") -> Iterator[None]:
    """Hold the right to publish in `home/index`, made where it is missing.

    A POSIX record lock, not flock: children that read files must not keep it when their parent is killed.

    Messages name `then`, the command that asks for it, as the next one.

    Raises:
        LockedError: If another build holds it, saying which.
        BuildError: If the folder cannot be written.
    """
    path = home / LOCK
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+b", buffering=0)
    except OSError as error:
        raise BuildError(
            f"{home} cannot be written ({error.strerror}). Give write permission or set PILOT_HOME, then run: {then}"
        ) from error
    name = str(path.resolve())
    with handle:
        with _held_guard:
            handle.seek(0)
            try:
                if name in _held:
                    raise BlockingIOError
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise LockedError(
                    f"Another build is at work: {_holder(handle)} holds {path}. Wait for it, or stop it, then run: "
                    f"{then}"
                ) from None
            _held.add(name)
        try:
            _tell_holder(handle)
            yield
        finally:
            _held.discard(name)


def clean_aside(home: Path) -> None:
    """Remove what builds that were killed left behind; the caller holds the lock."""
    for path in home.iterdir():
        if path.name.startswith((_ASIDE, _TRASH)):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(f".{CURRENT}-"):
            path.unlink(missing_ok=True)
    if live_name(home):
        for name in set(_complete(home)) - set(generations(home)):
            remove(home, name)


def new_aside(home: Path) -> tuple[Path, str]:
    """An empty folder to build in, and the name that it is going to be published under; the caller holds the lock.

    Raises:
        OSError: If it cannot be made.
    """
    last = max((number_of(path.name) for path in home.iterdir()), default=-1)
    aside = home / f"{_ASIDE}{uuid.uuid4().hex[:12]}"
    aside.mkdir()
    return aside, f"gen-{max(last, 0) + 1:06d}"


def seal(aside: Path, manifest: Manifest, disk: Disk) -> None:
    """Fsync every file, then write the manifest, then fsync the folders, deepest first.

    Raises:
        OSError: If the disk is full or fails.
    """
    for path in list_files(aside).values():
        path.chmod(0o644)  # Tantivy makes some files for their owner only
        disk.sync(path)
    disk.write(aside / MANIFEST, encode(manifest))
    folders = [path for path in aside.rglob("*") if path.is_dir()]
    for folder in [*sorted(folders, key=lambda path: -len(path.parts)), aside]:
        disk.sync(folder)


def publish(home: Path, aside: Path, name: str, disk: Disk) -> None:
    """Give a sealed folder its name, then point CURRENT at it; readers see the old generation or the new one.

    Raises:
        OSError: If the disk fails; the old generation is live, or the new one is complete.
    """
    disk.replace(aside, home / name)
    point(home, name, disk)


def point(home: Path, name: str, disk: Disk) -> None:
    """Make CURRENT name this generation, durably.

    Raises:
        OSError: If the disk is full or fails.
    """
    aside = home / f".{CURRENT}-{uuid.uuid4().hex[:12]}"
    newest = max([name, *generations(home)], key=number_of)
    try:
        disk.write(aside, (f"{name}\n" if name == newest else f"{name}\n{newest}\n").encode())
        disk.replace(aside, home / CURRENT)
    finally:
        aside.unlink(missing_ok=True)


def remove(home: Path, name: str) -> None:
    """Remove a generation's folder; it stops being one before its first file goes.

    Raises:
        OSError: If it cannot be renamed.
    """
    trash = home / f"{_TRASH}{uuid.uuid4().hex[:12]}"
    (home / name).rename(trash)
    shutil.rmtree(trash, ignore_errors=True)


def withdraw(home: Path, aside: Path, name: str) -> None:
    """Remove what a failed build made, unless CURRENT already names it."""
    for _ in range(_REMOVALS):
        shutil.rmtree(aside, ignore_errors=True)
        if not aside.exists():
            break
        time.sleep(0.1)  # Tantivy's threads may still have been writing
    if (home / name).is_dir() and live_name(home) != name:
        remove(home, name)


def live_name(home: Path) -> str:
    """The live generation's name, empty where there is none that can be told."""
    try:
        return current_name(home)
    except (IndexMissingError, CorruptGenerationError):
        return ""


def resolve_target(home: Path, target: str) -> str:
    """The generation that "gen-000041" or "2" (the second before the live one) names.

    Raises:
        BuildError: If there is none.
    """
    kept = generations(home)
    if number_of(target) >= 0 and target in kept:
        return target
    live = number_of(live_name(home))
    older = [name for name in reversed(kept) if live < 0 or number_of(name) < live]
    if target.isdecimal() and 1 <= int(target) <= len(older):
        return older[int(target) - 1]
    raise BuildError(
        f"There is no generation {target!r} to go back to in {home}; kept are {', '.join(kept) or 'none'}. "
        "Run: pilot index status"
    )


def rollback(home: Path, target: str, disk: Disk) -> str:
    """Point CURRENT at an older (or named) generation after checking its files; gives its name.

    Raises:
        BuildError: If there is no such generation or the pointer cannot be written.
        CorruptGenerationError: If its files are not as they were published; CURRENT stays.
        LockedError: If a build is at work.
    """
    with build_lock(home, then=f"pilot index rollback {target}"):
        name = resolve_target(home, target)
        check_generation(home, name)
        try:
            point(home, name, disk)
        except OSError as error:
            raise BuildError(
                f"{home / CURRENT} cannot be written ({error.strerror}). Run: pilot index status"
            ) from error
        return name


def prune(home: Path, keep: int, *, also: str = "") -> tuple[str, ...]:
    """Remove all but the newest `keep` generations, the live one and `also`; gives the names removed, oldest first.

    The caller holds the lock.
    """
    kept = generations(home)
    live = live_name(home)
    if not live:
        return ()
    gone = [name for name in kept[: max(0, len(kept) - keep)] if name not in (live, also)]
    for name in gone:
        remove(home, name)
    return tuple(gone)


def prune_under_lock(home: Path, keep: int) -> tuple[str, ...]:
    """`prune`, with the lock held.

    Raises:
        BuildError: If a folder cannot be removed.
        LockedError: If a build is at work.
    """
    with build_lock(home, then="pilot index prune"):
        try:
            return prune(home, keep)
        except OSError as error:
            raise BuildError(f"{home} cannot be pruned ({error.strerror}). Check its permissions") from error
