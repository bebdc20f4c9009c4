from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index.disk import Disk
from index.errors import BuildError, CorruptGenerationError, ForeignGenerationError, IndexMissingError, LockedError
from index.generation import (
    build_lock,
    check_generation,
    clean_aside,
    current_name,
    generations,
    new_aside,
    point,
    prune,
    prune_under_lock,
    publish,
    resolve_target,
    rollback,
    seal,
    withdraw,
)
from index.manifest import FORMAT, MANIFEST, Counts, Manifest, encode, entries, read_manifest, verify_files
from index.report import AnnReport


def manifest_of(folder: Path, name: str) -> Manifest:
    return Manifest(
        format=FORMAT,
        generation=name,
        built="2026-01-01T00:00:00+00:00",
        model="m",
        embedder="e",
        dim=2,
        pivot="p",
        intake="i",
        shape="s",
        words="w",
        chunk_chars=900,
        corpus="c",
        documents_path="documents",
        counts=Counts(1, 1, 1, 1),
        ann=AnnReport("SQfp16"),
        files=entries(folder),
    )


def publish_one(home: Path) -> str:
    home.mkdir(exist_ok=True)
    aside, name = new_aside(home)
    (aside / "lexical").mkdir()
    (aside / "lexical" / "a").write_bytes(b"words")
    (aside / "b").write_bytes(b"vectors")
    seal(aside, manifest_of(aside, name), Disk())
    publish(home, aside, name, Disk())
    return name


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three generations, the third live."""
    for _ in range(3):
        publish_one(tmp_path / "index")
    return tmp_path / "index"


def test_publish_numbers_generations_and_points_at_the_last(home: Path) -> None:
    assert generations(home) == ["gen-000001", "gen-000002", "gen-000003"]
    assert current_name(home) == "gen-000003"
    assert sorted(path.name for path in home.iterdir()) == ["CURRENT", *generations(home)]
    assert check_generation(home, "gen-000003").files.keys() == {"b", "lexical/a"}


def test_current_name_nothing_published_says_build(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match=r"There is no index in .* yet\. Run: pilot index build"):
        current_name(tmp_path)


@pytest.mark.parametrize("content", [b"", b"gen-7", b"../gen-000001", b"\xff\xfe"])
def test_current_name_nonsense_is_refused(home: Path, content: bytes) -> None:
    (home / "CURRENT").write_bytes(content)
    with pytest.raises(CorruptGenerationError, match=r"CURRENT: .* pilot index rollback"):
        current_name(home)


def edit(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new, 1))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / "b").write_bytes(b"vectorz"), r"gen-000003/b: got SHA-256 .*…, expected .*…\."),
        (lambda f: (f / "b").write_bytes(b"vector"), r"gen-000003/b: got 6 bytes, expected 7\."),
        (lambda f: (f / "b").unlink(), r"gen-000003/b: missing, expected 7 bytes\."),
        (lambda f: (f / "c").write_bytes(b""), r"gen-000003/c: got a file that the manifest does not list\."),
        (lambda f: edit(f / MANIFEST, b'"dim": 2', b'"dim": 3'), r"manifest\.json: its content does not match its own"),
        (lambda f: edit(f / MANIFEST, b"\n", b"\n\n"), r"manifest\.json: its content does not match its own digest"),
        (lambda f: edit(f / MANIFEST, b"{", b"["), r"manifest\.json: got no readable manifest, expected one of format"),
        (lambda f: (f / MANIFEST).unlink(), r"manifest\.json: cannot be read \(No such file"),
        (lambda f: (f / MANIFEST).write_bytes((f.parent / "gen-000002" / MANIFEST).read_bytes()), "of gen-000002, exp"),
    ],
)
def test_check_generation_harmed_names_file_and_remedy(
    home: Path, harm: Callable[[Path], object], message: str
) -> None:
    harm(home / "gen-000003")
    with pytest.raises(CorruptGenerationError, match=f"{message}.*pilot index rollback"):
        check_generation(home, "gen-000003")


def test_verify_files_link_instead_of_file_is_refused(home: Path, tmp_path: Path) -> None:
    path = home / "gen-000003" / "b"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptGenerationError, match="b: missing"):
        verify_files(home / "gen-000003", read_manifest(home / "gen-000003"))


def test_verify_files_tantivy_lock_is_no_harm(home: Path) -> None:
    (home / "gen-000003" / "lexical" / ".tantivy-meta.lock").touch()
    check_generation(home, "gen-000003")


def test_read_manifest_other_format_is_foreign(home: Path) -> None:
    folder = home / "gen-000003"
    (folder / MANIFEST).write_bytes(encode(replace(read_manifest(folder), format=99)))
    with pytest.raises(
        ForeignGenerationError, match=rf"has index format 99; this version reads {FORMAT}\. Run: pilot index build"
    ):
        read_manifest(folder)


def test_check_generation_unknown_name_lists_kept(home: Path) -> None:
    with pytest.raises(CorruptGenerationError, match="no such generation; kept are gen-000001, gen-000002, gen-000003"):
        check_generation(home, "gen-000009")


def test_build_lock_held_here_says_by_whom(tmp_path: Path) -> None:
    with build_lock(tmp_path):
        holder = json.loads((tmp_path / "build.lock").read_text())
        assert holder.keys() == {"pid", "host", "started"}
        with (
            pytest.raises(LockedError, match=rf"process {os.getpid()} on .* since .* holds .*build\.lock"),
            build_lock(tmp_path),
        ):
            pass
    with build_lock(tmp_path):
        pass


def test_rollback_and_prune_while_a_build_runs_say_to_run_them_again(home: Path) -> None:
    with build_lock(home):
        with pytest.raises(LockedError, match=r"Wait for it, or stop it, then run: pilot index rollback 2$"):
            rollback(home, "2", Disk())
        with pytest.raises(LockedError, match=r"Wait for it, or stop it, then run: pilot index prune$"):
            prune_under_lock(home, 1)


def test_build_lock_held_by_another_process_says_by_whom(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\nfrom index.generation import build_lock\n"
        "with build_lock(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match=f"process {child.pid} on"), build_lock(tmp_path):
            pass
        child.kill()
    with build_lock(tmp_path):
        pass


def test_build_lock_folder_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with (
        pytest.raises(BuildError, match=r"var/index cannot be written \(Not a directory\).*PILOT_HOME"),
        build_lock(tmp_path / "var" / "index"),
    ):
        pass


def test_clean_aside_removes_what_killed_builds_left(home: Path) -> None:
    before = sorted(home.iterdir())
    new_aside(home)
    (home / ".trash-1").mkdir()
    (home / ".CURRENT-1").touch()
    clean_aside(home)
    assert sorted(home.iterdir()) == before


def test_clean_aside_removes_what_was_never_published(home: Path) -> None:
    shutil.copytree(home / "gen-000003", home / "gen-000004")
    assert generations(home) == ["gen-000001", "gen-000002", "gen-000003"]
    clean_aside(home)
    assert not (home / "gen-000004").exists()


def test_clean_aside_after_rollback_keeps_the_newer_ones(home: Path) -> None:
    rollback(home, "2", Disk())
    assert (home / "CURRENT").read_text() == "gen-000001\ngen-000003\n"
    clean_aside(home)
    assert generations(home) == ["gen-000001", "gen-000002", "gen-000003"]


def test_withdraw_never_removes_what_is_live(home: Path) -> None:
    withdraw(home, home / ".build-x", "gen-000003")
    withdraw(home, home / ".build-x", "gen-000001")
    assert generations(home) == ["gen-000002", "gen-000003"]


@pytest.mark.parametrize(
    ("target", "expected"), [("1", "gen-000002"), ("2", "gen-000001"), ("gen-000001", "gen-000001")]
)
def test_rollback_points_at_the_one_named(home: Path, target: str, expected: str) -> None:
    assert rollback(home, target, Disk()) == expected
    assert current_name(home) == expected
    assert len(generations(home)) == 3


@pytest.mark.parametrize("target", ["3", "0", "-1", "gen-000009", "x"])
def test_rollback_to_nothing_lists_kept(home: Path, target: str) -> None:
    with pytest.raises(BuildError, match=f"no generation '{target}' to go back to .* kept are gen-000001, "):
        rollback(home, target, Disk())
    assert current_name(home) == "gen-000003"


def test_rollback_to_a_harmed_one_changes_nothing(home: Path) -> None:
    (home / "gen-000002" / "b").write_bytes(b"")
    with pytest.raises(CorruptGenerationError, match="gen-000002/b: got 0 bytes"):
        rollback(home, "1", Disk())
    assert current_name(home) == "gen-000003"


def test_resolve_target_without_current_goes_to_the_newest(home: Path) -> None:
    (home / "CURRENT").unlink()
    assert resolve_target(home, "1") == "gen-000003"


def test_new_aside_after_rollback_goes_on_counting(home: Path) -> None:
    point(home, "gen-000001", Disk())
    assert publish_one(home) == "gen-000004"


def test_prune_keeps_the_newest_and_the_live_one(home: Path) -> None:
    point(home, "gen-000001", Disk())
    assert prune_under_lock(home, 1) == ("gen-000002",)
    assert generations(home) == ["gen-000001", "gen-000003"]


def test_prune_unreadable_current_removes_nothing(home: Path) -> None:
    (home / "CURRENT").write_text("?")
    assert prune(home, 1) == ()
    assert len(generations(home)) == 3
