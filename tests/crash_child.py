"""Builds that are meant to die: run in processes of their own by tests/slow/test_index_crash.py."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO
from unittest.mock import patch

import index.intake
from index.build import build
from index.disk import Disk
from index.errors import PilotError
from index.loaders import load
from index.report import BuildReport, Progress, SilentProgress
from index.sandbox import LoadResult, load_documents
from index.settings import LimitSettings
from index.store import Scope, open_store
from tests.fakes import FakeHost, HashEmbedder, fake_host, fake_pivot

IN_PROCESS, IN_SANDBOX = "in_process", "in_sandbox"
READS = "load_documents"  # what index.intake reads files by


class FaultyDisk(Disk):
    """Fails once, at the k-th write, fsync or rename (from 1)."""

    def __init__(self, failing: int, code: int) -> None:
        self.failing = failing
        self.code = code
        self.count = 0

    def _step(self) -> None:
        self.count += 1
        if self.count == self.failing:
            raise OSError(self.code, os.strerror(self.code))

    def append(self, handle: BinaryIO, data: bytes | memoryview) -> None:
        self._step()
        super().append(handle, data)

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        super().replace(source, target)

    def _fsync(self, descriptor: int) -> None:
        self._step()
        super()._fsync(descriptor)


def host_of(base: Path) -> FakeHost:
    """Documents and home under one folder; two generations are kept."""
    return fake_host(base, keep_generations=2)


def index_home(base: Path) -> Path:
    return host_of(base).home / "index"


def write_corpus(base: Path, round_number: int, *, others: int = 7) -> None:
    """One document that names the round, and others."""
    documents = host_of(base).index.documents
    for number in range(others):
        lines = [
            f"Section {number} paragraph {line}: the port of item {number * 10 + line} grows." for line in range(6)
        ]
        (documents / f"doc-{number}.md").write_text(f"# Document {number}\n\n" + "\n\n".join(lines), "utf-8")
    (documents / "round.md").write_text(f"# Trial\n\nThe trial has reached round {round_number} now.", "utf-8")


def load_here(
    root: Path, paths: Sequence[str], limits: LimitSettings, *, workers: int, ocr: bool
) -> Iterator[LoadResult]:
    """`load_documents` without child processes, so that kills fall on writing rather than on starting processes."""
    for path in paths:
        yield LoadResult(path, load(root / path, limits, ocr=ocr))


def build_once(
    base: Path, *, reading: str = IN_PROCESS, disk: Disk | None = None, progress: Progress | None = None
) -> BuildReport:
    reads = load_here if reading == IN_PROCESS else load_documents
    with patch.object(index.intake, READS, reads):
        return build(
            host_of(base), embedder=HashEmbedder(), pivot=fake_pivot(), progress=progress or SilentProgress(), disk=disk
        )


def build_and_tell(base: Path, reading: str, tell: Connection) -> None:
    """Say "ready", build, say which generation was published."""
    tell.send("ready")
    tell.send(build_once(base, reading=reading).generation)


class FillDisk(SilentProgress):
    """From a stage on no file of this process can grow past a size, as on a full disk."""

    def __init__(self, stage: str, most_bytes: int) -> None:
        self._stage = stage
        self._most_bytes = most_bytes

    def stage(self, name: str, total: int) -> None:
        if name == self._stage:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._most_bytes, self._most_bytes))


def build_on_full_disk(base: Path, stage: str, most_bytes: int, tell: Connection) -> None:
    """Build with a disk that fills up as a stage begins ("" = at once); says what came of it."""
    progress = FillDisk(stage, most_bytes)
    progress.stage("", 0)
    try:
        tell.send(f"published {build_once(base, progress=progress).generation}")
    except (PilotError, OSError, RuntimeError, ValueError) as error:  # only a BuildError is right; the parent judges
        tell.send(f"{type(error).__name__}: {error}")


def round_answered(base: Path) -> tuple[str, int]:
    """The live generation's name and the round that it answers with, everything verified."""
    with open_store(index_home(base)) as store:
        rows, _ = store.lexical({"text": {"round": 1.0}}, language="en", limit=3, scope=Scope())
        dense, _ = store.dense(HashEmbedder().embed(["the trial has reached round"])[0], limit=3, rows=None)
        if not len(dense):
            raise LookupError("no chunk was found by its vector")
        text = store.chunks([int(rows[0])])[0].text
        return store.generation, int(text.split("round ")[1].split()[0])
