from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from index import sandbox
from index.errors import BuildError
from index.loaders import LoadedDocument, LoadedPage, PageNote
from index.metadata import Metadata
from index.sandbox import LoadResult, load_documents
from index.sandbox_wire import HEADER, Reply, decode_reply, encode_reply
from index.settings import LimitSettings
from index.types import Block

HOSTILE = Path(__file__).parent / "hostile_child.py"
PLAIN = "A paragraph of plain text."


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children whose loader does what the file says."""
    monkeypatch.setattr(sandbox, "CHILD", (str(HOSTILE),))


def write(root: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (root / f"{name}.txt").write_text(text, encoding="utf-8")
    return [f"{name}.txt" for name in files]


def run(root: Path, paths: list[str], limits: LimitSettings | None = None, workers: int = 1) -> dict[str, LoadResult]:
    found = list(load_documents(root, paths, limits or LimitSettings(), workers=workers, ocr=False))
    assert sorted(result.path for result in found) == sorted(paths)
    return {result.path: result for result in found}


def test_load_documents_gives_every_path_once_with_its_pages(tmp_path: Path) -> None:
    paths = write(tmp_path, **{f"f{number}": f"{PLAIN} {number}." for number in range(20)})
    results = run(tmp_path, paths, workers=2)
    assert all(result.loaded is not None and result.code == "" for result in results.values())
    assert results["f7.txt"].loaded is not None
    assert results["f7.txt"].loaded.pages[0].text == f"{PLAIN} 7."


def test_load_documents_of_no_paths_is_empty(tmp_path: Path) -> None:
    assert run(tmp_path, []) == {}


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("exit", "crash", "exit status 3"),
        ("segfault", "crash", "SIGSEGV"),
        ("hog", "memory", "more than 256 MiB"),
        ("lie", "crash", "answered nonsense"),
        ("deep", "damaged", "RecursionError: too deep"),
        ("write", "unsupported", "could not write"),
    ],
)
def test_load_documents_where_one_does_harm_costs_that_one_only(
    tmp_path: Path, command: str, code: str, words: str
) -> None:
    paths = write(tmp_path, before=PLAIN, bad=command, after=PLAIN)
    results = run(tmp_path, paths, LimitSettings(memory_mb=256))
    assert results["bad.txt"].code == code
    assert words in results["bad.txt"].reason
    assert {results[name].code for name in ("before.txt", "after.txt")} == {""}


@pytest.mark.slow
@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(("command", "code"), [("spin", "cpu"), ("sleep", "wall")])
def test_load_documents_where_one_never_ends_stops_it_at_its_limit(tmp_path: Path, command: str, code: str) -> None:
    paths = write(tmp_path, before=PLAIN, bad=command, after=PLAIN)
    limits = LimitSettings(cpu_s=1, wall_s=3 if command == "sleep" else 60)
    began = time.monotonic()
    results = run(tmp_path, paths, limits)
    assert results["bad.txt"].code == code
    assert f"PILOT_INDEX__LIMITS__{code.upper()}_S" in results["bad.txt"].reason
    assert time.monotonic() - began < 30
    assert results["after.txt"].code == ""


@pytest.mark.usefixtures("hostile")
def test_load_documents_keeps_a_child_for_many_files(tmp_path: Path) -> None:
    paths = write(tmp_path, a="pid", b="pid", c="pid")
    results = run(tmp_path, paths).values()
    assert [result.reason for result in results] == ["", "", ""]
    assert len({result.loaded.pages[0].text for result in results if result.loaded is not None}) == 1


@pytest.mark.usefixtures("hostile")
def test_load_documents_does_not_charge_a_file_for_the_one_before(tmp_path: Path) -> None:
    results = run(tmp_path, write(tmp_path, first=PLAIN, second="once"))
    assert results["second.txt"].code == ""


def test_load_documents_refuses_what_is_no_file_of_the_corpus(tmp_path: Path) -> None:
    root = tmp_path / "documents"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "zero.txt").symlink_to("/dev/zero")
    (root / "inside.txt").symlink_to(root / "real.txt")
    (root / "loop.txt").symlink_to(root / "loop.txt")
    (root / "real.txt").write_text(PLAIN, encoding="utf-8")
    (root / "empty.txt").touch()
    os.mkfifo(root / "pipe.txt")
    (root / "folder.txt").mkdir()
    with (root / "huge.txt").open("wb") as huge:
        huge.truncate(200 * 2**20)
    names = ["link", "zero", "inside", "loop", "empty", "pipe", "folder", "huge", "gone", "../secret"]
    results = run(root, [f"{name}.txt" for name in names])
    assert {name: results[f"{name}.txt"].code for name in names} == {
        "link": "outside",
        "zero": "outside",
        "inside": "",
        "loop": "missing",
        "empty": "empty",
        "pipe": "unsupported",
        "folder": "unsupported",
        "huge": "too_big",
        "gone": "missing",
        "../secret": "outside",
    }


def test_load_documents_closed_early_leaves_no_child(tmp_path: Path) -> None:
    before = children_of(os.getpid())
    paths = write(tmp_path, **{f"f{number}": PLAIN for number in range(40)})
    results = load_documents(tmp_path, paths, LimitSettings(), workers=2, ocr=False)
    next(results)
    assert children_of(os.getpid()) - before
    results.close()
    assert children_of(os.getpid()) <= before


PARENT = """
import sys
from pathlib import Path
from index import sandbox
from index.errors import BuildError
from index.settings import LimitSettings
sandbox.CHILD = (sys.argv[1],)
print("started", flush=True)
list(sandbox.load_documents(Path(sys.argv[2]), ["a.txt"], LimitSettings(cpu_s=60), workers=1, ocr=False))
"""


@pytest.mark.slow
def test_load_documents_whose_parent_is_killed_leaves_no_child(tmp_path: Path) -> None:
    write(tmp_path, a="spin")
    command = [sys.executable, "-c", PARENT, str(HOSTILE), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(HOSTILE.parent.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        grown: set[int] = set()
        while not grown:
            time.sleep(0.1)
            grown = children_of(parent.pid)
        parent.kill()
    assert all(_ends(pid, within_s=10) for pid in grown)


def children_of(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            found |= {int(child) for child in (task / "children").read_text(encoding="ascii").split()}
    return found


def _ends(pid: int, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_load_documents_whose_child_does_not_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "CHILD", ("-c", "raise SystemExit(9)"))
    with pytest.raises(BuildError, match=r"did not start: .*exit status 9.* untouched\. .*then run: pilot index build"):
        run(tmp_path, write(tmp_path, a=PLAIN))


def test_load_documents_without_room_for_a_child_loses_no_file_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(BuildError, match=r"A process that reads files did not start: .*No such file or directory"):
        run(tmp_path, write(tmp_path, a=PLAIN, b=PLAIN), workers=2)


REPLY = Reply(
    LoadedDocument(
        "text/1",
        Metadata(title="标题"),
        (LoadedPage(1, "i", "深圳", (Block("paragraph", 0, 2),)),),
        (PageNote(1, "ocr", "read"),),
        1,
    )
)


def test_decode_reply_of_encode_reply_is_the_same() -> None:
    assert decode_reply(encode_reply(REPLY)[HEADER:]) == REPLY


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"[" * 100_000, b'{"loaded": 5}', b'{"loaded": {"pages": "x"}}'])
def test_decode_reply_of_nonsense_raises(data: bytes) -> None:
    with pytest.raises(ValidationError, match="validation error"):
        decode_reply(data)


@pytest.mark.parametrize(
    ("blocks", "numbers", "words"),
    [
        ([[0, 9]], [1], "does not fit its text"),
        ([[1, 0]], [1], "does not fit its text"),
        ([[0, 2], [1, 2]], [1], "does not fit its text"),
        ([], [2, 1], "expected to rise from 1"),
        ([], [0], "expected to rise from 1"),
    ],
)
def test_decode_reply_of_spans_that_do_not_fit_raises(blocks: list[list[int]], numbers: list[int], words: str) -> None:
    reply = json.loads(encode_reply(REPLY)[HEADER:])
    page = reply["loaded"]["pages"][0]
    page["blocks"] = [{"kind": "paragraph", "start": start, "end": end, "level": 0} for start, end in blocks]
    reply["loaded"]["pages"] = [{**page, "number": number} for number in numbers]
    with pytest.raises(ValueError, match=words):
        decode_reply(json.dumps(reply).encode())
