"""The child of `index.sandbox`: takes limits upon itself, then reads one file after the other from its pipe.

Run as `python -m index.sandbox_child MEMORY_MB`; requests come in on standard input, replies go out on what was
standard output. What libraries print goes nowhere.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import os
import signal
import stat
import sys
import time
from pathlib import Path
from typing import BinaryIO, Protocol

from index.loaders import LoadedDocument, UnreadableError, load
from index.sandbox_wire import HEADER, LENGTH, Reply, Request, decode_request, encode_reply, frame
from index.settings import LimitSettings

# Without this module (Windows) there are no such limits; the parent's wall clock still holds.
resource = importlib.import_module("resource") if importlib.util.find_spec("resource") else None

PR_SET_PDEATHSIG = 1
OPEN_FILES = 64
GROWN_SHARE = 0.8


class Loader(Protocol):
    """What reads one file, as `index.loaders.load` does."""

    def __call__(self, path: Path, limits: LimitSettings, *, ocr: bool) -> LoadedDocument:
        """The file as pages; raises `UnreadableError`."""


def main(loader: Loader = load) -> None:
    """Serves requests until the parent closes the pipe."""
    _die_with_parent()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    memory_mb = int(sys.argv[1])
    _limit_process(memory_mb)
    _send(out, frame(b"ready"))
    while True:
        header = sys.stdin.buffer.read(HEADER)
        if len(header) < HEADER:
            return
        request = decode_request(sys.stdin.buffer.read(LENGTH.unpack(header)[0]))
        reply = _answer(request, loader)
        _send(out, encode_reply(reply))
        if reply.retire:
            return


def _send(out: BinaryIO, data: bytes) -> None:
    out.write(data)
    out.flush()


def _die_with_parent() -> None:
    """Asks Linux to kill this process when the parent's thread ends, so that a killed build leaves nothing running."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_process(memory_mb: int) -> None:
    if resource is None:
        return
    for name, value in (
        ("RLIMIT_AS", memory_mb * 2**20),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NOFILE", OPEN_FILES),
        ("RLIMIT_CORE", 0),
    ):
        limit = getattr(resource, name)
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _allow_cpu(seconds: int) -> None:
    """Raises the limit of CPU time by so much from what is used so far; passing it ends the process by SIGXCPU."""
    if resource is not None:
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = math.ceil(time.process_time() + seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _answer(request: Request, loader: Loader) -> Reply:
    _allow_cpu(request.limits.cpu_s)
    began = time.process_time()
    loaded: LoadedDocument | None = None
    reason, code, retire = "", "", False
    try:
        path = _admit(Path(request.root), request.path, request.limits)
        loaded = loader(path, request.limits, ocr=request.ocr)
    except UnreadableError as error:
        reason, code = str(error), error.code
    except MemoryError:
        reason, code, retire = f"needs more than {request.limits.memory_mb} MiB of memory", "memory", True
    except (Exception, RecursionError) as error:  # noqa: BLE001  the edge of one file: reported, not hidden
        reason, code = f"damaged or not what its name says ({type(error).__name__}: {str(error)[:200]})", "damaged"
    retire = retire or _grown(request.limits.memory_mb)
    return Reply(loaded, reason, code, time.process_time() - began, retire)


def _admit(root: Path, name: str, limits: LimitSettings) -> Path:
    """The file's real path, if it is a regular file of the corpus that is not too big.

    Raises:
        UnreadableError: If it is missing, no regular file, linked to outside of the corpus, or too big.
    """
    try:
        path = (root / name).resolve(strict=True)
        status = path.stat()
    except (OSError, RuntimeError) as error:
        raise UnreadableError(
            f"cannot be opened: {getattr(error, 'strerror', None) or error}", code="missing"
        ) from error
    if not path.is_relative_to(root.resolve()):
        raise UnreadableError("a link that leads out of the documents folder is not followed", code="outside")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("no regular file", code="unsupported")
    if not os.access(path, os.R_OK):
        raise UnreadableError("no permission to read it", code="missing")
    if status.st_size > limits.file_mb * 2**20:
        size = status.st_size / 2**20
        raise UnreadableError(
            f"{size:,.0f} MiB large; at most {limits.file_mb} MiB are opened (PILOT_INDEX__LIMITS__FILE_MB)",
            code="too_big",
        )
    if status.st_size == 0:
        raise UnreadableError("the file is empty", code="empty")
    return path


def _grown(memory_mb: int) -> bool:
    """Whether this process has mapped so much that the next file should have a fresh one."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return False
    return pages * os.sysconf("SC_PAGE_SIZE") > GROWN_SHARE * memory_mb * 2**20


if __name__ == "__main__":
    main()
