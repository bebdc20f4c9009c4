from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from index.build import build
from index.disk import Disk
from index.errors import CorruptGenerationError, ForeignGenerationError, IndexMissingError
from index.generation import point
from index.lexical import LexicalReader
from index.manifest import list_files
from index.report import SilentProgress
from index.store import LiveStore, PassageStore, Scope, linked_view, open_store
from index.vectors import Scores
from tests.fakes import FakeHost, HashEmbedder, fake_host, fake_pivot, load_here
from tests.fakes_assistant import tiny_store

HEADER = "---\npublished: '2021-12'\nkind: plan\n---\n"
PLAN = f"{HEADER}# Plan\n\nThe city builds stations. The port grows.\n\n# End\n\nIt ends."
LETTER = "---\npublished: '2023-05-06'\nkind: letter\n---\nThe commission agrees to the port."
NEXT = "The tunnel opens for the public."


def put(host: FakeHost, name: str, text: str) -> None:
    (host.index.documents / name).write_text(text, "utf-8")


@pytest.fixture(autouse=True)
def _read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.intake.load_documents", load_here)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generations: plan.md (rows 1, 2), letter.md (row 0) and zh.txt (row 3); then one more document, next.md."""
    base = tmp_path_factory.mktemp("made")
    host = fake_host(base)
    for name, text in (("plan.md", PLAN), ("letter.md", LETTER), ("zh.txt", "深圳地铁全长五百公里。港口很大。")):
        put(host, name, text)
    build(host, embedder=HashEmbedder(), pivot=fake_pivot(), progress=SilentProgress())
    put(host, "next.md", NEXT)
    build(host, embedder=HashEmbedder(), pivot=fake_pivot(), progress=SilentProgress())
    return base


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy whose live generation is the first."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    home = tmp_path / "var" / "index"
    point(home, "gen-000001", Disk())
    return home


@pytest.fixture(scope="module")
def store(made: Path) -> PassageStore:
    return open_store(made / "var" / "index", generation="gen-000001")


def query(text: str) -> Scores:
    return np.asarray(HashEmbedder().embed([text])[0], np.float32)


def rows_of(store: PassageStore, scope: Scope) -> list[int] | None:
    found = store.rows(scope)
    return None if found is None else found.tolist()


def test_rows_no_scope_is_none(store: PassageStore) -> None:
    assert rows_of(store, Scope()) is None


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(documents=("plan.md",)), [1, 2]),
        (Scope(documents=("plan.md", "unknown.md")), [1, 2]),
        (Scope(documents=("unknown.md",)), []),
        (Scope(language="zh"), [3]),
        (Scope(kind="letter"), [0]),
        (Scope(exclude=("plan.md",)), [0, 3]),
        (Scope(as_of=date(2021, 12, 31)), [1, 2]),
        (Scope(as_of=date(2021, 12, 30)), []),
        (Scope(as_of=date(2024, 1, 1), exclude=("plan.md",)), [0]),
    ],
)
def test_rows_scope_admits_whole_documents(store: PassageStore, scope: Scope, expected: list[int]) -> None:
    assert rows_of(store, scope) == expected


def test_dense_own_words_find_their_chunk(store: PassageStore) -> None:
    text = store.chunks([1])[0].text
    rows, scores = store.dense(query(text), limit=2, rows=None)
    assert rows[0] == 1
    assert scores[0] == pytest.approx(1, abs=1e-2)
    rows, _ = store.dense(query(text), limit=5, rows=np.array([0, 3]))
    assert sorted(rows.tolist()) == [0, 3]


def test_dense_scores_and_sentence_scores_follow_the_rows(store: PassageStore) -> None:
    rows = np.array([2, 1])
    chunks = store.chunks([2, 1])
    assert store.dense_scores(query(chunks[1].text), rows)[1] == pytest.approx(1, abs=1e-2)
    scores = store.sentence_scores(query("The port grows."), rows)
    assert [len(one) for one in scores] == [len(chunk.sentences) for chunk in chunks]
    best = chunks[1].sentences[int(scores[1].argmax())]
    assert chunks[1].text[best.start - chunks[1].start : best.end - chunks[1].start] == "The port grows."


def test_homogeneity_is_the_mean_cosine_of_two_chunks(store: PassageStore) -> None:
    rows = np.arange(len(store))
    cosines = [store.dense_scores(store._chunks.take(rows[[row]])[0], rows) for row in rows]
    apart = [cosines[one][other] for one in rows for other in rows if one != other]
    assert store.homogeneity == pytest.approx(float(np.mean(apart)), abs=1e-3)


def test_homogeneity_of_one_chunk_is_1(tmp_path: Path) -> None:
    assert tiny_store(tmp_path, {"a.md": "The tunnel is open."}).homogeneity == 1


def test_homogeneity_of_the_same_text_twice_is_1(tmp_path: Path) -> None:
    alike = tiny_store(tmp_path, {"a.md": "The tunnel is open.", "b.md": "The tunnel is open.\n"})
    assert alike.homogeneity == pytest.approx(1, abs=1e-2)


def test_lexical_scope_is_applied_before_ranking(store: PassageStore) -> None:
    terms = {"text": {"port": 1.0}}
    rows, scores = store.lexical(terms, language="en", limit=5, scope=Scope())
    assert sorted(rows.tolist()) == [0, 1]
    assert (scores > 0).all()
    rows, _ = store.lexical(terms, language="en", limit=1, scope=Scope(documents=("letter.md",)))
    assert rows.tolist() == [0]
    rows, _ = store.lexical(terms, language="en", limit=1, scope=Scope(documents=("unknown.md",)))
    assert rows.tolist() == []


def test_row_languages_are_those_of_chunks(store: PassageStore) -> None:
    assert store.row_languages(np.array([3, 0])).tolist() == ["zh", "en"]


def test_chunks_pages_and_rows_point_at_each_other(store: PassageStore) -> None:
    assert store.document_rows("plan.md") == [1, 2]
    assert store.document_rows("unknown.md") == []
    for row in range(len(store)):
        (chunk,) = store.chunks([row])
        page = store.page(chunk.document_id, chunk.page)
        assert page is not None
        assert page.text[chunk.start : chunk.end] == chunk.text
        assert store.row_of(chunk.id) == row
    assert store.row_of("unknown") is None
    assert store.page("unknown.md", 1) is None
    assert store.page("plan.md", 2) is None


def test_open_store_nothing_published_says_build(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="pilot index build"):
        open_store(tmp_path)


def test_open_store_pruned_generation_lists_kept(home: Path) -> None:
    with pytest.raises(CorruptGenerationError, match=r"kept are gen-000001, gen-000002\. Run: pilot index status$"):
        open_store(home, generation="gen-000009")


def test_open_store_foreign_embedder_names_both(home: Path) -> None:
    expected = (
        r'gen-000001 holds 16-dim vectors of "hash-16"; the settings ask for "bge-m3" \(1024\)\. Run: pilot index build'
    )
    with pytest.raises(ForeignGenerationError, match=expected):
        open_store(home, embedder=HashEmbedder(name="bge-m3", dim=1024))


def test_open_store_reading_changes_no_file(home: Path) -> None:
    folder = home / "gen-000001"
    before = {name: path.read_bytes() for name, path in list_files(folder).items()}
    with open_store(home) as store:
        store.lexical({"text": {"port": 1.0}}, language="en", limit=5, scope=Scope())
    assert {name: path.read_bytes() for name, path in list_files(folder).items()} == before


@contextmanager
def another_user() -> Iterator[None]:
    """As somebody whom nothing belongs to; where the tests do not run as root, who they run as has to do."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_open_store_of_a_read_only_folder_answers_another_user(home: Path) -> None:
    with tempfile.TemporaryDirectory() as parent:  # pytest's own folders are closed to others
        copy = Path(parent) / "index"
        shutil.copytree(home, copy)
        open_store(copy).close()  # reading leaves Tantivy's lock files behind
        assert list(copy.rglob(".tantivy-*.lock"))
        folders = [Path(parent), *(path for path in copy.rglob("*") if path.is_dir()), copy]
        try:
            for path in [*copy.rglob("*"), *folders]:
                path.chmod(0o555 if path.is_dir() else 0o444)
            before = sorted(path.name for path in copy.rglob("*"))
            with another_user(), open_store(copy) as store:
                rows, _ = store.lexical({"text": {"port": 1.0}}, language="en", limit=5, scope=Scope())
                assert store.chunks(rows.tolist())[0].text.count("port") == 1
            assert sorted(path.name for path in copy.rglob("*")) == before
        finally:
            for path in folders:
                path.chmod(0o755)


def test_linked_view_leaves_a_read_only_folder_as_it_is(home: Path) -> None:
    lexical = home / "gen-000001" / "lexical"
    for lock in lexical.glob("*/.tantivy-*.lock"):
        lock.unlink()
    before = sorted(path.name for path in lexical.rglob("*"))
    view = linked_view(lexical)
    rows, _ = LexicalReader(Path(view.name)).search({"text": {"port": 1.0}}, language="en", limit=5)
    assert len(rows) == 2
    view.cleanup()
    assert sorted(path.name for path in lexical.rglob("*")) == before


def open_catalogs() -> int:
    """How many files of this process are catalogs."""
    return sum(
        path.is_symlink() and path.readlink().name == "catalog.sqlite" for path in Path("/proc/self/fd").iterdir()
    )


def test_store_let_go_of_closes_its_files(home: Path) -> None:
    before = open_catalogs()
    store = open_store(home)
    assert open_catalogs() == before + 1
    del store
    assert open_catalogs() == before


def test_live_store_swaps_and_queries_in_flight_keep_theirs(home: Path) -> None:
    live = LiveStore(home, reload_s=3600)
    before = live.current()
    assert not live.refresh()
    point(home, "gen-000002", Disk())
    assert live.refresh()
    assert (before.generation, live.current().generation) == ("gen-000001", "gen-000002")
    assert "next.md" not in before.documents
    assert before.page("plan.md", 1) is not None
    assert live.current().page("next.md", 1) is not None
    live.close()


def test_live_store_notices_by_itself(home: Path) -> None:
    live = LiveStore(home, reload_s=0.02)
    point(home, "gen-000002", Disk())
    deadline = time.monotonic() + 20
    while live.current().generation != "gen-000002" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert live.current().generation == "gen-000002"
    live.close()


def test_live_store_broken_generation_is_logged_once_and_left_alone(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = LiveStore(home, reload_s=3600)
    (home / "gen-000002" / "sentences.i8").write_bytes(b"")
    point(home, "gen-000002", Disk())
    with caplog.at_level(logging.WARNING):
        assert not live.refresh()
        assert not live.refresh()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["still answering from gen-000001"]
    assert live.current().generation == "gen-000001"
    point(home, "gen-000001", Disk())
    assert not live.refresh()
    live.close()


def test_live_store_survives_a_vanished_index(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    live = LiveStore(home, reload_s=3600)
    shutil.rmtree(home)
    assert not live.refresh()
    rows, _ = live.current().lexical({"text": {"port": 1.0}}, language="en", limit=5, scope=Scope())
    assert len(rows) == 2
    assert live.current().page("plan.md", 1) is not None
    assert "There is no index" in caplog.text
    live.close()
