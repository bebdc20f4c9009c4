from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pypdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from index.build import build, is_current, stale_reason
from index.disk import Disk
from index.errors import BuildError, LockedError
from index.generation import build_lock, current_name, generations, rollback
from index.report import BuildReport, NothingIndexedError, SilentProgress
from index.settings import EmbeddingSettings
from index.store import PassageStore, Scope, open_store
from tests.fakes import FakeHost, HashEmbedder, fake_host, fake_pivot, load_here

PLAN = "# Plan\n\nThe city builds 50,000 stations by 2025.\n\n# Port\n\nThe port grows every year."
LETTER = "---\ntitle: Letter\npublished: '2021-12'\nsupersedes: [old.md]\n---\nThe commission agrees to the pilot."


def put(host: FakeHost, name: str, text: str) -> Path:
    path = host.index.documents / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def run(host: FakeHost, embedder: HashEmbedder | None = None, *, disk: Disk | None = None) -> BuildReport:
    return build(host, embedder=embedder or HashEmbedder(), pivot=fake_pivot(), progress=SilentProgress(), disk=disk)


def opened(host: FakeHost) -> PassageStore:
    return open_store(host.home / "index")


@pytest.fixture(autouse=True)
def _read_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, but in tests that ask for the sandbox: starting it takes half a second."""
    if "sandbox" not in request.node.name:
        monkeypatch.setattr("index.intake.load_documents", load_here)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents and their first generation; copied for each test."""
    base = tmp_path_factory.mktemp("made")
    host = fake_host(base)
    put(host, "plan.md", PLAN)
    put(host, "letter.md", LETTER)
    put(host, "zh/地铁.txt", "深圳地铁全长五百公里。")
    run(host)
    return base


@pytest.fixture
def host(made: Path, tmp_path: Path) -> FakeHost:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return fake_host(tmp_path)


def test_build_publishes_documents_in_order_of_id(host: FakeHost) -> None:
    with opened(host) as store:
        assert list(store.documents) == ["letter.md", "plan.md", "zh/地铁.txt"]
        assert [chunk.document_id for chunk in store.chunks(range(len(store)))] == [
            "letter.md",
            "plan.md",
            "plan.md",
            "zh/地铁.txt",
        ]
        letter = store.documents["letter.md"]
        assert (letter.title, letter.published, letter.supersedes) == ("Letter", "2021-12", ("old.md",))
        assert store.documents["zh/地铁.txt"].language == "zh"


def test_build_unchanged_corpus_reads_and_embeds_nothing(host: FakeHost) -> None:
    report = run(host)
    assert all(one.reused for one in report.documents)
    assert (report.reuse.chunks_embedded, report.reuse.chunks_reused) == (0, 4)
    assert (report.reuse.sentences_embedded, report.reuse.sentences_reused) == (0, report.sentences)
    home = host.home / "index"
    for name in ("vectors.faiss", "sentences.i8", "sentences.f32", "chunks.keys", "sentences.keys", "languages.u8"):
        assert (home / "gen-000001" / name).read_bytes() == (home / "gen-000002" / name).read_bytes()


def test_build_edited_document_embeds_only_its_changed_chunks(host: FakeHost) -> None:
    put(host, "plan.md", PLAN.replace("every year", "every month"))
    report = run(host)
    assert [one.path for one in report.documents if not one.reused] == ["plan.md"]
    assert (report.reuse.chunks_embedded, report.reuse.chunks_reused) == (1, 3)
    assert report.reuse.sentences_embedded == 1


def test_build_moved_document_keeps_vectors_under_new_ids(host: FakeHost) -> None:
    documents = host.index.documents
    with opened(host) as store:
        before = [chunk.id for chunk in store.chunks(store.document_rows("plan.md"))]
    (documents / "en").mkdir()
    (documents / "plan.md").rename(documents / "en" / "plan 'x'.md")
    report = run(host)
    assert all(one.reused for one in report.documents)
    assert report.reuse.chunks_embedded == 0
    with opened(host) as store:
        after = [chunk.id for chunk in store.chunks(store.document_rows("en/plan 'x'.md"))]
        assert after == [one.replace("plan.md#", "en/plan 'x'.md#") for one in before]
        assert store.page("plan.md", 1) is None


def test_build_from_scratch_equals_build_in_steps(host: FakeHost, tmp_path: Path) -> None:
    put(host, "a.md", "# New\n\nA new text about the harbour.")
    put(host, "plan.md", PLAN.replace("2025", "2026"))
    run(host)
    (tmp_path / "other").mkdir()
    fresh = FakeHost(tmp_path / "other", host.index)
    run(fresh)
    one, two = host.home / "index" / "gen-000002", fresh.home / "index" / "gen-000001"
    for name in ("vectors.faiss", "sentences.i8", "sentences.i64", "chunks.keys", "sentences.keys"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    with opened(host) as left, opened(fresh) as right:
        assert left.chunks(range(len(left))) == right.chunks(range(len(right)))
        assert left.documents == right.documents


def test_build_metadata_entry_changes_without_reading_again(host: FakeHost) -> None:
    put(host, "manifest.toml", '["zh/地铁.txt"]\ntitle = "地铁规划"\nexpires = "2020"\n')
    report = run(host)
    assert all(one.reused for one in report.documents)
    assert report.warnings == (
        "letter.md: supersedes old.md, which is not indexed",
        "zh/地铁.txt: expired on 2020 and nothing supersedes it",
    )
    with opened(host) as store:
        assert store.documents["zh/地铁.txt"].title == "地铁规划"


def test_build_undated_pdf_is_published_when_it_was_made_unless_its_name_says(host: FakeHost) -> None:
    path = host.index.documents / "tunnel.pdf"
    canvas = Canvas(str(path))
    canvas.drawString(72, 700, "The tunnel is open.")
    canvas.save()
    writer = pypdf.PdfWriter(clone_from=path)
    writer.add_metadata({"/CreationDate": "D:20230407101500+08'00'"})
    writer.write(path)
    run(host)
    with opened(host) as store:
        assert store.documents["tunnel.pdf"].published == "2023-04-07"
    path.rename(path.with_name("2022-02-14 tunnel.pdf"))
    run(host)
    with opened(host) as store:
        assert store.documents["2022-02-14 tunnel.pdf"].published == "2022-02-14"


def test_build_superseded_document_names_its_successor(host: FakeHost) -> None:
    put(host, "old.md", "The old text stands.")
    run(host)
    with opened(host) as store:
        assert store.documents["old.md"].superseded_by == "letter.md"


def test_build_removed_document_is_gone_and_old_citations_resolve(host: FakeHost) -> None:
    (host.index.documents / "plan.md").unlink()
    run(host)
    with opened(host) as store:
        assert "plan.md" not in store.documents
        rows, _ = store.lexical({"text": {"port": 1.0}}, language="en", limit=5, scope=Scope())
        assert len(rows) == 0
    with open_store(host.home / "index", generation="gen-000001") as old:
        assert old.page("plan.md", 1) is not None


def test_build_through_the_sandbox_every_file_has_an_outcome(host: FakeHost) -> None:
    put(host, "copy.md", PLAN)
    put(host, "film.mp4", "x")
    (host.index.documents / "empty.md").touch()
    (host.index.documents / "broken.docx").write_bytes(b"PK nonsense")
    report = run(host)
    found = {one.path: (one.outcome, one.code) for one in report.documents}
    assert found["copy.md"] == ("indexed", "")
    assert found["plan.md"] == ("left_out", "duplicate")
    assert found["film.mp4"] == ("left_out", "unsupported")
    assert found["empty.md"][0] == found["broken.docx"][0] == "left_out"
    assert len(report.left_out) == 4
    values = json.loads(report.to_json())
    assert values["left_out"] == ["broken.docx", "empty.md", "film.mp4", "plan.md"]
    assert {"path", "outcome", "reason", "pages", "chunks"} <= values["documents"][0].keys()
    stored = json.loads((host.home / "index" / report.generation / "report.json").read_text("utf-8"))
    assert stored["documents"] == values["documents"]


def test_build_no_documents_publishes_nothing(host: FakeHost) -> None:
    for path in host.index.documents.rglob("*.*"):
        path.unlink()
    with pytest.raises(NothingIndexedError, match=r"^No documents in .*documents\. Put files there") as caught:
        run(host)
    assert caught.value.reports == ()
    assert generations(host.home / "index") == ["gen-000001"]


def test_build_nothing_loadable_publishes_nothing_and_says_why(tmp_path: Path) -> None:
    host = fake_host(tmp_path)
    put(host, "film.mp4", "x")
    with pytest.raises(
        NothingIndexedError, match=r"1 left out, the first being film\.mp4 \(unsupported format"
    ) as caught:
        run(host)
    assert [one.path for one in caught.value.reports] == ["film.mp4"]
    assert [path.name for path in (host.home / "index").iterdir()] == ["build.lock"]


def test_build_missing_documents_folder_says_so(host: FakeHost) -> None:
    shutil.rmtree(host.index.documents)
    with pytest.raises(BuildError, match="There is no documents folder"):
        run(host)
    assert current_name(host.home / "index") == "gen-000001"


def test_build_home_that_is_a_file_says_what_to_do(host: FakeHost) -> None:
    shutil.rmtree(host.home)
    host.home.write_text("")
    with pytest.raises(BuildError, match=r"cannot be written \(Not a directory\)\. .* set PILOT_HOME"):
        run(host)


def test_build_while_another_runs_says_who(host: FakeHost) -> None:
    with build_lock(host.home / "index"), pytest.raises(LockedError, match=f"process {os.getpid()} on"):
        run(host)


def test_build_harmed_previous_generation_is_not_taken_over(host: FakeHost) -> None:
    path = host.home / "index" / "gen-000001" / "vectors.faiss"
    path.write_bytes(path.read_bytes()[::-1])
    report = run(host)
    assert report.reuse.chunks_reused == 0
    assert not any(one.reused for one in report.documents)


def test_build_other_embedder_embeds_all_but_reads_nothing(host: FakeHost) -> None:
    report = run(host, HashEmbedder(name="hash-8", dim=8))
    assert all(one.reused for one in report.documents)
    assert (report.reuse.chunks_embedded, report.reuse.chunks_reused) == (4, 0)


def test_build_keeps_so_many_generations(host: FakeHost) -> None:
    host = replace(host, index=host.index.model_copy(update={"keep_generations": 2}))
    run(host)
    assert run(host).pruned == ("gen-000001",)
    assert generations(host.home / "index") == ["gen-000002", "gen-000003"]


def test_build_after_rollback_keeps_the_one_that_was_live(host: FakeHost) -> None:
    host = replace(host, index=host.index.model_copy(update={"keep_generations": 2}))
    run(host)
    rollback(host.home / "index", "1", Disk())
    assert run(host).pruned == ()
    assert generations(host.home / "index") == ["gen-000001", "gen-000002", "gen-000003"]


def test_is_current_follows_documents_settings_and_model(host: FakeHost) -> None:
    assert is_current(host)
    assert "settings or code" in stale_reason(replace(host, index=host.index.model_copy(update={"chunk_chars": 300})))
    assert "embedded by" in stale_reason(replace(host, embedding=EmbeddingSettings(model="other")))
    put(host, "new.md", "A new one.")
    assert stale_reason(host) == f"files in {host.index.documents} have changed"
    run(host)
    assert is_current(host)
    shutil.rmtree(host.home)
    assert "There is no index" in stale_reason(host)


class FaultyDisk(Disk):
    """Fails at the k-th write, fsync or rename, from 1, and at every later one."""

    def __init__(self, failing: int, code: int) -> None:
        self.failing = failing
        self.code = code
        self.count = 0

    def _step(self) -> None:
        self.count += 1
        if self.count >= self.failing:
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


@pytest.mark.parametrize(
    ("code", "said"), [(errno.ENOSPC, "No space left on device"), (errno.EIO, "Input/output error")]
)
@pytest.mark.parametrize("failing", [1, 12, 30])
def test_build_disk_fails_live_generation_answers(host: FakeHost, failing: int, code: int, said: str) -> None:
    with pytest.raises(BuildError, match=rf"{said}\. The live generation is untouched\. .* pilot index build"):
        run(host, disk=FaultyDisk(failing, code))
    with opened(host) as store:
        assert store.generation == "gen-000001"
    assert sorted(path.name for path in (host.home / "index").iterdir()) == ["CURRENT", "build.lock", "gen-000001"]


class LateDisk(Disk):
    """Fails after CURRENT has been replaced."""

    def replace(self, source: Path, target: Path) -> None:
        super().replace(source, target)
        if target.name == "CURRENT":
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_build_disk_fails_once_published_says_to_build_although_nothing_changed(host: FakeHost) -> None:
    with pytest.raises(
        BuildError,
        match=r"gen-000002 is published, but .* run: pilot index build --force$",
    ):
        run(host, disk=LateDisk())
    assert current_name(host.home / "index") == "gen-000002"
