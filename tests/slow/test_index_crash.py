"""Torn builds, full disks and damaged files: the live generation always opens and answers."""

from __future__ import annotations

import errno
import json
import multiprocessing
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from index.errors import BuildError, CorruptGenerationError, PilotError
from index.generation import CURRENT, generations
from index.store import open_store
from tests.crash_child import (
    IN_PROCESS,
    IN_SANDBOX,
    FaultyDisk,
    build_and_tell,
    build_on_full_disk,
    build_once,
    index_home,
    round_answered,
    write_corpus,
)

pytestmark = pytest.mark.slow

KILLS = 200
SANDBOXED = 20  # of the kills, with files read in child processes, as a real build does
SEED = 20261123


def forks() -> multiprocessing.context.ForkServerContext:
    """Where builds are forked from: a process that has imported everything and started nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash_child"])
    return context


def build_killed_after(base: Path, reading: str, delay_s: float | None) -> tuple[str, float]:
    """Build in a child that is killed after so long (None: never); the name it said it published, and its seconds."""
    context = forks()
    hear, tell = context.Pipe(duplex=False)
    child = context.Process(target=build_and_tell, args=(base, reading, tell))
    child.start()
    tell.close()
    published = ""
    try:
        assert hear.poll(60)
        assert hear.recv() == "ready"
        began = time.monotonic()
        if delay_s is None:
            published = hear.recv()
        else:
            time.sleep(delay_s)
            child.kill()
            if hear.poll(0):
                published = hear.recv()
    except EOFError:
        published = ""
    child.join(60)
    hear.close()
    return published, time.monotonic() - began


@pytest.mark.timeout(1800)
def test_build_killed_at_random_moments_live_generation_answers(tmp_path: Path) -> None:
    write_corpus(tmp_path, 0)
    live = build_once(tmp_path).generation
    home = index_home(tmp_path)
    live_round = 0
    chance = random.Random(SEED)
    finished = 0
    for round_number in range(1, KILLS + 1):
        reading = IN_SANDBOX if round_number % (KILLS // SANDBOXED) == 0 else IN_PROCESS
        if round_number in (1, KILLS // SANDBOXED):
            whole_s = max(build_killed_after(tmp_path, reading, None)[1] for _ in range(2))
            live, live_round = round_answered(tmp_path)
        if reading == IN_PROCESS and round_number == 1:
            process_s = whole_s
        limit_s = process_s if reading == IN_PROCESS else whole_s
        write_corpus(tmp_path, round_number)
        said, _ = build_killed_after(tmp_path, reading, chance.uniform(0, 1.1 * limit_s))
        name, answered = round_answered(tmp_path)
        if said:
            assert (name, answered) == (said, round_number)
        assert (name, answered) in {(live, live_round), (name, round_number)}
        assert name in generations(home)
        assert live in generations(home), "a published generation is lost"
        assert len([path for path in home.iterdir() if path.name.startswith(".build-")]) <= 1
        finished += name != live
        live, live_round = name, answered
    assert 0 < finished < KILLS, "the kills fell all before or all after publishing"
    report = build_once(tmp_path)
    left = {path.name for path in home.iterdir() if path.name.startswith(".")}
    assert round_answered(tmp_path) == (report.generation, KILLS)
    assert left == set()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_build_fault_at_each_write_live_generation_answers(tmp_path: Path, code: int) -> None:
    write_corpus(tmp_path, 0)
    live = build_once(tmp_path).generation
    counting = FaultyDisk(0, code)
    write_corpus(tmp_path, 1)
    live = build_once(tmp_path, disk=counting).generation
    steps = counting.count
    assert steps > 20
    live_round = 1
    for step in range(1, steps + 1):
        write_corpus(tmp_path, step + 1)
        with pytest.raises(BuildError, match=r"pilot index build"):
            build_once(tmp_path, disk=FaultyDisk(step, code))
        name, answered = round_answered(tmp_path)
        # The last fsync comes after CURRENT was replaced: then the new generation is whole and live.
        assert (name, answered) == (live, live_round) or answered == step + 1
        live, live_round = name, answered
        assert [path.name for path in index_home(tmp_path).iterdir() if path.name.startswith(".build-")] == []


@pytest.mark.parametrize(
    ("stage", "most_bytes"),
    [
        ("", 0),
        ("", 200),
        ("", 5_000),
        ("", 20_000),
        ("Embedding", 0),
        ("Embedding", 100),
        ("Embedding", 400),
        ("Embedding", 2_000),
        ("Publishing", 0),
        ("Publishing", 1_000),
    ],
)
def test_build_disk_full_in_a_stage_live_generation_answers(tmp_path: Path, stage: str, most_bytes: int) -> None:
    write_corpus(tmp_path, 0)
    live = build_once(tmp_path).generation
    write_corpus(tmp_path, 1)
    context = forks()
    hear, tell = context.Pipe(duplex=False)
    child = context.Process(target=build_on_full_disk, args=(tmp_path, stage, most_bytes, tell))
    child.start()
    tell.close()
    assert hear.poll(60)
    said = hear.recv()
    child.join(60)
    hear.close()
    assert said.startswith("BuildError: "), said
    assert "pilot index build" in said
    assert round_answered(tmp_path) == (live, 0)


Damage = Callable[[Path], None]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 0x10
    path.write_bytes(data)


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def extend(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def header(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes(255 - one for one in data[:16]) + data[16:])


def drop(path: Path) -> None:
    path.unlink()


def swap(path: Path) -> None:
    """Exchange the file with the next one of another content in its folder."""
    others = sorted(one for one in path.parent.iterdir() if one.is_file() and one != path)
    other = next(one for one in others if one.read_bytes() != path.read_bytes())
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


def forge(path: Path) -> None:
    """Change a file and write its new digest and size into the manifest, but not the manifest's own digest."""
    import hashlib

    extend(path)
    folder = next(parent for parent in path.parents if (parent / "manifest.json").is_file())
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    data = path.read_bytes()
    manifest["files"][path.relative_to(folder).as_posix()] = {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


DAMAGES: tuple[Damage, ...] = (flip, cut, extend, header, drop, swap, forge)


def test_open_store_corrupted_files_are_all_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path, 0)
    name = build_once(tmp_path).generation
    whole = index_home(tmp_path)
    files = sorted(
        path.relative_to(whole / name).as_posix()
        for path in (whole / name).rglob("*")
        if path.is_file() and path.stat().st_size
    )
    cases = [
        (file, damage) for damage in DAMAGES for file in files if not (damage is forge and file == "manifest.json")
    ]
    assert len(cases) >= 60
    loaded: list[str] = []
    for number, (file, damage) in enumerate(cases):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(whole, copy)
        damage(copy / name / file)
        try:
            open_store(copy).close()
        except PilotError as error:
            text = str(error)
            named = [one for one in [*files, "manifest.json"] if one in text]
            assert isinstance(error, CorruptGenerationError), f"{damage.__name__} {file}: {error!r}"
            assert named and "pilot index" in text, f"{damage.__name__} {file}: {text}"
        else:
            loaded.append(f"{damage.__name__} {file}")
        shutil.rmtree(copy)
    assert loaded == []


@pytest.mark.parametrize("content", [b"", b"gen-999999\n", b"../../etc\n", b"\xff\xfe", b"gen-000001\0"])
def test_open_store_bad_pointer_is_refused(tmp_path: Path, content: bytes) -> None:
    write_corpus(tmp_path, 0)
    build_once(tmp_path)
    (index_home(tmp_path) / CURRENT).write_bytes(content)
    with pytest.raises(CorruptGenerationError, match="pilot index"):
        open_store(index_home(tmp_path))
