"""A sandbox child whose loader does the harm that a file's text names; run by tests in place of the real one."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

from index.loaders import LoadedDocument, LoadedPage, UnreadableError, load
from index.metadata import Metadata
from index.sandbox_child import main
from index.settings import LimitSettings
from index.types import Block


def harm(path: Path, limits: LimitSettings, *, ocr: bool) -> LoadedDocument:
    command = path.read_text(encoding="utf-8").strip()
    if command == "exit":
        os._exit(3)
    elif command == "segfault":
        ctypes.string_at(0)
    elif command == "spin":
        while True:
            pass
    elif command == "sleep":
        time.sleep(600)
    elif command == "hog":
        held = [bytearray(2**20) for _ in range(10**6)]
        raise UnreadableError(f"{len(held)} were not too many")
    elif command == "lie":
        return _document("text", end=10**9)
    elif command == "write":
        raise UnreadableError("could write" if _can_write(path.parent) else "could not write", code="unsupported")
    elif command == "deep":
        raise RecursionError("too deep")
    elif command == "pid":
        return _document(str(os.getpid()))
    elif command == "once" and _READ:
        ctypes.string_at(0)
    _READ.append(command)
    return load(path, limits, ocr=ocr)


_READ: list[str] = []
"""What this child has read before: "once" crashes only a child that has."""


def _can_write(folder: Path) -> bool:
    try:
        (folder / "written.txt").write_text("x", encoding="utf-8")
    except OSError:
        return False
    return True


def _document(text: str, *, end: int | None = None) -> LoadedDocument:
    block = Block("paragraph", 0, len(text) if end is None else end)
    return LoadedDocument("hostile/1", Metadata(), (LoadedPage(1, "1", text, (block,)),), (), 1)


if __name__ == "__main__":
    main(harm)
