"""The checks of `pilot doctor`: what machine, settings and index lack for the assistant to serve, and the way out."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from assistant.settings import ServerSettings, Settings
from index.errors import IndexMissingError, PilotError
from index.generation import CURRENT
from index.settings import PROJECT_ROOT, IndexSettings

State = Literal["ok", "warn", "fail"]

LEAST_FREE_MB = 1024
"""MiB below which a build may run out of disk: the model's export and three generations of the bundled corpus fit."""

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is, one word.
        state: "ok", "warn" (works, but not as well as it could) or "fail" (the assistant cannot serve).
        found: What was found.
        remedy: The next command or setting; empty where all is well.
    """

    name: str
    state: State
    found: str
    remedy: str = ""


def check_python() -> Check:
    """Whether this is Python 3.11 or newer, with limits for the processes that read files."""
    found = sys.version.split()[0]
    if find_spec("resource") is None:
        return Check("python", "warn", f"{found}, without resource limits for reading files", "Use Linux or macOS")
    return Check("python", "ok", found)


def check_packages(constraints: Path) -> Check:
    """Whether the installed packages have the versions that were tested; those not installed are no matter here."""
    try:
        pins = dict(_PIN.findall(constraints.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Check("packages", "warn", f"no {constraints.name} to compare with", "Run from a clone of the project")
    differ = [f"{name} {have} (tested: {pins[name]})" for name, have in _installed(pins) if have != pins[name]]
    if differ:
        more = f" and {len(differ) - 3} more" if len(differ) > 3 else ""
        return Check("packages", "warn", ", ".join(differ[:3]) + more, "Run: make run")
    return Check("packages", "ok", f"all as in {constraints.name}")


def _installed(names: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name).split("+")[0]
        except PackageNotFoundError:
            continue


def check_home(home: Path) -> Check:
    """Whether the folder of everything made at run time can be written, and has room."""
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    probe = there / ".pilot-doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        if (home / "index" / CURRENT).is_file():
            return Check("home", "warn", f"{home} is read-only: the index there is served, not rebuilt")
        return Check(
            "home", "fail", f"{home} cannot be written ({error.strerror})", "Set PILOT_HOME to a folder of yours"
        )
    free_mb = shutil.disk_usage(there).free // 2**20
    if free_mb < LEAST_FREE_MB:
        return Check("home", "warn", f"{home}: {free_mb:,} MiB free", f"Make room: {LEAST_FREE_MB:,} MiB or more")
    return Check("home", "ok", f"{home}: {free_mb:,} MiB free")


def check_documents(settings: IndexSettings) -> Check:
    """Whether there is a corpus and its glossary."""
    folder = settings.documents
    if not folder.is_dir():
        return Check("documents", "fail", f"{folder} is not a folder", "Set PILOT_INDEX__DOCUMENTS")
    count = sum(1 for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not count:
        return Check("documents", "fail", f"{folder} is empty", "Add documents, then run: pilot index build")
    if not settings.glossary.is_file():
        return Check("documents", "warn", f"no glossary at {settings.glossary}", "Set PILOT_INDEX__GLOSSARY")
    return Check("documents", "ok", f"{count:,} files in {folder}")


def check_ocr(settings: IndexSettings) -> Check:
    """Whether scanned pages can be read."""
    if not settings.ocr:
        return Check("ocr", "ok", "off by PILOT_INDEX__OCR")
    if find_spec("rapidocr") is None:
        return Check("ocr", "warn", "not installed: scans and images are left out", "Run: pip install '.[ocr]'")
    return Check("ocr", "ok", "installed")


def check_embedder(models: Path) -> Check:
    """Whether the bundled embedder was exported already; the first start does it by torch in about half a minute."""
    if any(models.glob("*/model.onnx")):
        return Check("embedder", "ok", f"exported in {models}")
    if find_spec("torch") is None:
        return Check("embedder", "fail", "not exported yet, and torch is not installed", "Run: make run")
    return Check("embedder", "ok", "not exported yet; the first start does it")


def check_index(settings: Settings) -> Check:
    """Whether a generation is published, whole and up to date."""
    from index.build import stale_reason
    from index.store import open_store

    try:
        with open_store(settings.home / "index") as store:
            found = f"{store.generation}: {len(store.documents):,} documents, {len(store):,} chunks"
        reason = stale_reason(settings)
    except IndexMissingError:
        return Check("index", "warn", "none yet", "Run: pilot index build")
    except PilotError as error:
        return Check("index", "fail", str(error), "Run: pilot index rollback, or pilot index build")
    if reason:
        return Check("index", "warn", f"{found}; out of date: {reason}", "Run: pilot index build")
    return Check("index", "ok", f"{found}, up to date")


def check_port(server: ServerSettings) -> Check:
    """Whether the chat's port is free; a chat that is being served holds it."""
    try:
        family = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((server.host, server.port))
    except OSError as error:
        found = f"{server.host} port {server.port}: {error.strerror}"
        return Check("port", "warn", found, "If that is not the chat itself: pilot serve --port 0")
    return Check("port", "ok", f"{server.host} port {server.port} is free")


def run_checks(settings: Settings) -> Iterator[Check]:
    """All checks in turn; takes a second or two, writes nothing that stays and imports neither torch nor gradio."""
    checks: tuple[Callable[[], Check], ...] = (
        check_python,
        lambda: check_packages(PROJECT_ROOT / "constraints.txt"),
        lambda: check_home(settings.home),
        lambda: check_documents(settings.index),
        lambda: check_ocr(settings.index),
        lambda: check_embedder(settings.home / "models"),
        lambda: check_index(settings),
        lambda: check_port(settings.server),
    )
    for check in checks:
        yield check()
