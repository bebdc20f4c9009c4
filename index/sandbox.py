"""Reads files that nobody trusts: each in a child process with limits, several at once, one outcome a file.

Comes in: paths of a corpus. Goes out: `LoadResult`s as they are finished. A child reads many files, one at a time, and
is replaced when it crashed, hit a limit or has grown. Parent and child speak length-prefixed JSON over two pipes; the
child's half is `index.sandbox_child`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from index.errors import BuildError
from index.loaders.types import LoadedDocument
from index.sandbox_wire import HEADER, LENGTH, Reply, Request, decode_reply, encode_request
from index.settings import LimitSettings

CHILD = ("-m", "index.sandbox_child")
START_S = 60
POLL_S = 0.5
RESULT_SLACK_BYTES = 16 * 2**20
_END = None


@dataclass(frozen=True)
class LoadResult:
    """The outcome of one file.

    Attributes:
        path: Document id.
        loaded: Its pages, None if it could not be read.
        reason: Why not, for people; empty if it was.
        code: The same as a code: "encrypted", "damaged", "no_text", "empty", "garbled", "too_big", "unsupported",
            "outside", "missing", "cpu", "memory", "wall", "crash"; empty if it was read.
        cpu_s: CPU seconds that reading took, 0 where the child did not live to say.
        wall_s: Wall-clock seconds that reading took.
    """

    path: str
    loaded: LoadedDocument | None
    reason: str = ""
    code: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0


class _DeadError(Exception):
    """The child ended, hung or answered nonsense; the code says which."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def load_documents(
    root: Path, paths: Sequence[str], limits: LimitSettings, *, workers: int, ocr: bool
) -> Generator[LoadResult]:
    """The outcome of every path exactly once, in the order in which they are finished.

    A crash, a hang or a bomb costs its own file. Children end with the iterator: when it is used up, closed or
    interrupted.

    Args:
        root: Folder of the corpus; what lies outside it by a link is not read.
        paths: Document ids, relative to `root`.
        limits: CPU, wall clock, memory and sizes per file.
        workers: Children at once, 0 for one a core.
        ocr: Whether to read images and scanned pages by OCR.

    Raises:
        BuildError: If a child cannot be started, which says nothing about a file.
    """
    pool = _Pool(root, limits, ocr=ocr)
    count = min(workers or os.cpu_count() or 1, max(1, len(paths)))
    try:
        yield from pool.run(paths, count)
    finally:
        pool.stop()


class _Pool:
    """Threads that each drive one child at a time."""

    def __init__(self, root: Path, limits: LimitSettings, *, ocr: bool) -> None:
        self._root = root
        self._limits = limits
        self._ocr = ocr
        self._todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._done: queue.Queue[LoadResult | BuildError | None] = queue.Queue(maxsize=8)
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, paths: Sequence[str], count: int) -> Iterator[LoadResult]:
        """Results of all paths by `count` children."""
        for path in paths:
            self._todo.put(path)
        for _ in range(count):
            thread = threading.Thread(target=self._work, name="pilot-load", daemon=True)
            thread.start()
            self._threads.append(thread)
        ended = 0
        while ended < count:
            result = self._done.get()
            if isinstance(result, BuildError):
                raise result
            if result is _END:
                ended += 1
            else:
                yield result

    def stop(self) -> None:
        """Ends the threads and their children and waits for them."""
        self._stopped.set()
        for thread in self._threads:
            while thread.is_alive():
                with contextlib.suppress(queue.Empty):
                    self._done.get_nowait()
                thread.join(timeout=0.05)

    def _put(self, result: LoadResult | BuildError | None) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._done.put(result, timeout=POLL_S)
                return

    def _work(self) -> None:
        child: _Child | None = None
        try:
            while not self._stopped.is_set():
                try:
                    path = self._todo.get_nowait()
                except queue.Empty:
                    break
                child, result = self._read(child, path)
                self._put(result)
        except BuildError as error:
            self._put(error)
        finally:
            if child is not None:
                child.kill()
            self._put(_END)

    def _read(self, child: _Child | None, path: str) -> tuple[_Child | None, LoadResult]:
        """The outcome of one file and the child to go on with, None if it must be replaced.

        A crash or lack of memory in a child that has read other files before may be their doing, so the file gets
        a second try in a fresh one.
        """
        for attempt in ("reused", "fresh"):
            began = time.monotonic()
            used = child is not None
            try:
                child = child or _Child(self._limits, self._stopped)
                reply = child.read(Request(str(self._root), path, self._limits, self._ocr))
            except _DeadError as error:
                if child is not None:
                    child.kill()
                child = None
                if attempt == "reused" and used and error.code in ("crash", "memory"):
                    continue
                return None, LoadResult(path, None, str(error), error.code, wall_s=time.monotonic() - began)
            if reply.retire:
                child.kill()
                child = None
                if reply.code == "memory" and attempt == "reused" and used:
                    continue
            wall_s = time.monotonic() - began
            return child, LoadResult(path, reply.loaded, reply.reason, reply.code, reply.cpu_s, wall_s)
        raise RuntimeError("unreachable: the second attempt returns")


def _not_started(said: str, limits: LimitSettings) -> BuildError:
    """No file's fault: files that cannot be read for it must not go missing from what is published."""
    return BuildError(
        f"A process that reads files did not start: {said}. The live generation is untouched. Check free memory and "
        f"limits (PILOT_INDEX__LIMITS__MEMORY_MB is {limits.memory_mb}), then run: pilot index build"
    )


class _Child:
    """One process that reads files one by one."""

    def __init__(self, limits: LimitSettings, stopped: threading.Event) -> None:
        self._limits = limits
        self._stopped = stopped
        package_root = str(Path(__file__).resolve().parent.parent)
        environment = {
            key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT", "TEMP", "TMPDIR") if key in os.environ
        }
        environment |= {"PYTHONPATH": package_root, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {"ORT_DISABLE_TELEMETRY": "1"}
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", *CHILD, str(limits.memory_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise _not_started(str(error), limits) from error
        self._fd = self._pipe(self._process.stdout)
        os.set_blocking(self._fd, False)
        try:
            self._frame(time.monotonic() + START_S, cap=64)
        except _DeadError as error:
            self.kill()
            raise _not_started(str(error), limits) from error

    @staticmethod
    def _pipe(stream: object) -> int:
        fileno = getattr(stream, "fileno", None)
        if fileno is None:
            raise _DeadError("crash", "the reading process has no pipe")
        return int(fileno())

    def read(self, request: Request) -> Reply:
        """The child's answer about one file.

        Raises:
            _DeadError: If it ended, took longer than its wall clock, or answered nonsense.
        """
        deadline = time.monotonic() + self._limits.wall_s
        try:
            os.write(self._pipe(self._process.stdin), encode_request(request))
        except OSError as error:
            raise self._death() from error
        data = self._frame(deadline, cap=self._limits.chars * 8 + RESULT_SLACK_BYTES)
        try:
            return decode_reply(data)
        except (ValidationError, ValueError) as error:
            raise _DeadError("crash", f"the reading process answered nonsense: {str(error)[:200]}") from error

    def kill(self) -> None:
        """Ends the process and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _frame(self, deadline: float, *, cap: int) -> bytes:
        length = LENGTH.unpack(self._exactly(HEADER, deadline))[0]
        if length > cap:
            raise _DeadError("too_big", f"its text takes {length:,} bytes; at most {cap:,} are taken over")
        return self._exactly(length, deadline)

    def _exactly(self, count: int, deadline: float) -> bytes:
        """So many bytes from the child.

        Raises:
            _DeadError: If it ends or the deadline passes before.
        """
        parts = bytearray()
        while len(parts) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise _DeadError(
                    "wall", f"took longer than {self._limits.wall_s} s; PILOT_INDEX__LIMITS__WALL_S sets that"
                )
            if self._stopped.is_set():
                raise _DeadError("crash", "reading was stopped")
            if not select.select([self._fd], [], [], min(left, POLL_S))[0]:
                continue
            piece = os.read(self._fd, min(count - len(parts), 2**20))
            if not piece:
                raise self._death()
            parts += piece
        return bytes(parts)

    def _death(self) -> _DeadError:
        """What the child died of."""
        status = self._process.wait()
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        if name == "SIGXCPU":
            limit = self._limits.cpu_s
            return _DeadError("cpu", f"used more than {limit} CPU seconds; PILOT_INDEX__LIMITS__CPU_S sets that")
        return _DeadError("crash", f"the process that read it ended with {name}; the file is damaged or hostile")
