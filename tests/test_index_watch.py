from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.errors import BuildError, LockedError, PilotError
from index.generation import build_lock
from index.report import BuildReport, SilentProgress
from index.watch import watch
from tests.crash_child import host_of, index_home, load_here, write_corpus
from tests.fakes import FakeHost, HashEmbedder, fake_pivot

Outcomes = Iterator[BuildReport | PilotError]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeHost, Outcomes]]:
    monkeypatch.setattr("index.intake.load_documents", load_here)
    write_corpus(tmp_path, 0, others=1)
    stop = threading.Event()
    outcomes = watch(
        host_of(tmp_path),
        embedder=HashEmbedder(),
        pivot=fake_pivot,
        progress=SilentProgress(),
        settle_s=0.05,
        retry_s=0.2,
        stop=stop,
    )
    yield host_of(tmp_path), outcomes
    stop.set()


def soon(act: Callable[[], object]) -> None:
    """Act once the watch has begun to wait."""
    timer = threading.Timer(0.15, act)
    timer.daemon = True
    timer.start()


def paths(outcome: BuildReport | PilotError) -> set[str]:
    assert isinstance(outcome, BuildReport), outcome
    return {one.path for one in outcome.documents}


def test_watch_out_of_date_builds_at_once(watched: tuple[FakeHost, Outcomes]) -> None:
    _, outcomes = watched
    assert "round.md" in paths(next(outcomes))


def test_watch_new_file_rebuilds(watched: tuple[FakeHost, Outcomes]) -> None:
    host, outcomes = watched
    next(outcomes)
    soon(lambda: (host.index.documents / "new.md").write_text("# New\n\nA new plan begins.", "utf-8"))
    assert "new.md" in paths(next(outcomes))


def test_watch_file_gone_rebuilds_without_it(watched: tuple[FakeHost, Outcomes]) -> None:
    host, outcomes = watched
    next(outcomes)
    soon((host.index.documents / "round.md").unlink)
    assert "round.md" not in paths(next(outcomes))


def test_watch_failed_build_is_told_and_the_next_change_builds(watched: tuple[FakeHost, Outcomes]) -> None:
    host, outcomes = watched
    next(outcomes)
    manifest = host.index.documents / "manifest.toml"
    soon(lambda: manifest.write_text("not toml", "utf-8"))
    failed = next(outcomes)
    assert isinstance(failed, PilotError)
    assert "manifest.toml" in str(failed)
    soon(lambda: manifest.write_text('["round.md"]\ntitle = "The trial"\n', "utf-8"))
    assert isinstance(next(outcomes), BuildReport)


def test_watch_locked_builds_when_the_lock_is_free(watched: tuple[FakeHost, Outcomes]) -> None:
    host, outcomes = watched
    lock = build_lock(host.home / "index")
    lock.__enter__()
    assert isinstance(next(outcomes), LockedError)
    soon(lambda: lock.__exit__(None, None, None))
    assert isinstance(next(outcomes), BuildReport)


def test_watch_stop_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.intake.load_documents", load_here)
    write_corpus(tmp_path, 0, others=1)
    stop = threading.Event()
    host = host_of(tmp_path)
    outcomes = watch(
        host, embedder=HashEmbedder(), pivot=fake_pivot, progress=SilentProgress(), settle_s=0.05, stop=stop
    )
    assert isinstance(next(outcomes), BuildReport)
    stop.set()
    assert list(outcomes) == []


def test_watch_missing_folder_is_one_line(tmp_path: Path) -> None:
    host = host_of(tmp_path)
    host.index.documents.rmdir()
    outcomes = watch(host, embedder=HashEmbedder(), pivot=fake_pivot, progress=SilentProgress())
    with pytest.raises(BuildError, match=r"no documents folder .*documents to watch.*PILOT_INDEX__DOCUMENTS"):
        next(outcomes)
    assert not index_home(tmp_path).exists()
