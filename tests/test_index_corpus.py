from __future__ import annotations

from pathlib import Path

import pytest

from index.corpus import document_digest, intake_digest, scan, shape_digest
from index.errors import BuildError
from index.metadata import Metadata
from tests.fakes import FakeHost, fake_host


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return fake_host(tmp_path)


def put(host: FakeHost, name: str, text: str = "") -> Path:
    path = host.index.documents / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or f"text of {name!r}", "utf-8")
    return path


def ids(host: FakeHost) -> list[str]:
    return [file.id for file in scan(host.index).files]


def reasons(host: FakeHost) -> dict[str, str]:
    return {one.path: f"{one.code}: {one.reason}" for one in scan(host.index).left_out}


def test_scan_skips_what_is_no_document_without_a_word(host: FakeHost) -> None:
    for name in ("README.md", "glossary.csv", "manifest.toml", ".hidden.md", ".git/x.md", "~$open.docx"):
        put(host, name, "\n")
    put(host, "en/README.md")
    put(host, "a.md")
    assert ids(host) == ["a.md", "en/README.md"]
    assert reasons(host) == {}


def test_scan_odd_names_survive(host: FakeHost) -> None:
    names = ["a\nb.md", "#1 'x' \"y\".md", "深圳/计划？.md", "sp ace.MD"]
    for name in names:
        put(host, name)
    assert ids(host) == sorted(names)


def test_scan_names_are_normalised(host: FakeHost) -> None:
    put(host, "cafe\u0301.md")
    (file,) = scan(host.index).files
    assert (file.id, file.path) == ("caf\u00e9.md", "cafe\u0301.md")


def test_scan_two_names_that_are_one_after_normalisation_first_is_taken(host: FakeHost) -> None:
    put(host, "cafe\u0301.md", "one")
    put(host, "caf\u00e9.md", "two")
    assert ids(host) == ["caf\u00e9.md"]
    assert "same name after Unicode normalisation" in reasons(host)["caf\u00e9.md"]


def test_scan_name_that_is_not_utf8_is_left_out(host: FakeHost) -> None:
    (host.index.documents / "a\udcff.md").write_text("x")
    assert reasons(host) == {"a\\udcff.md": "name: its name is not UTF-8; rename it"}


def test_scan_duplicates_are_left_out_naming_the_first(host: FakeHost) -> None:
    put(host, "a.md", "same")
    put(host, "z/b.txt", "same")
    assert ids(host) == ["a.md"]
    assert reasons(host) == {"z/b.txt": "duplicate: duplicate of a.md"}


def test_scan_copy_beside_its_original_is_the_duplicate(host: FakeHost) -> None:
    for name in ("en/plan.md", "en/plan copy.md", "en/plan (1).md"):
        put(host, name, "same")
    assert ids(host) == ["en/plan.md"]


def test_scan_duplicate_that_the_manifest_describes_is_the_document(host: FakeHost) -> None:
    for name in ("a.pdf", "long-name.pdf"):
        put(host, name, "same")
    put(host, "manifest.toml", '["long-name.pdf"]\ntitle = "Plan"\n')
    assert ids(host) == ["long-name.pdf"]


def test_scan_empty_files_are_no_duplicates_of_each_other(host: FakeHost) -> None:
    (host.index.documents / "a.md").touch()
    (host.index.documents / "b.md").touch()
    assert ids(host) == ["a.md", "b.md"]


def test_scan_links_are_followed_to_files_inside_only(host: FakeHost, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    documents = host.index.documents
    put(host, "real/a.md")
    (documents / "out.md").symlink_to(tmp_path / "secret.md")
    (documents / "dead.md").symlink_to(documents / "nothing.md")
    (documents / "folder").symlink_to(tmp_path, target_is_directory=True)
    (documents / "in.md").symlink_to(documents / "real" / "a.md")
    (documents / "circle.md").symlink_to("circle.md")
    assert ids(host) == ["real/a.md"]
    found = reasons(host)
    assert found["out.md"].startswith("outside: a link that leads out of the documents folder")
    assert found["dead.md"] == "missing: cannot be opened: No such file or directory"
    assert found["circle.md"] == "missing: cannot be opened: Too many levels of symbolic links"
    assert found["folder"].startswith("outside")
    assert found["in.md"] == "duplicate: duplicate of real/a.md"


def test_scan_unsupported_and_too_big_are_left_out(host: FakeHost) -> None:
    put(host, "film.mp4")
    limits = host.index.limits.model_copy(update={"file_mb": 1})
    (host.index.documents / "big.md").write_bytes(bytes(2 * 2**20))
    found = {one.path: one for one in scan(host.index.model_copy(update={"limits": limits})).left_out}
    assert found["film.mp4"].reason.startswith("unsupported format .mp4; save it as one of .bmp .csv")
    assert (found["big.md"].code, found["big.md"].reason[:31]) == ("too_big", "2 MiB, over the limit of 1 (PIL")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("plan.doc", "unsupported format .doc; save it as .docx"),
        ("PLAN.XLS", "unsupported format .XLS; save it as .xlsx"),
        ("plan.ppt", "unsupported format .ppt; save it as .pptx"),
        ("plan", "unsupported format, its name has no ending; save it as one of .bmp .csv"),
    ],
)
def test_scan_unsupported_says_what_to_save_it_as(host: FakeHost, name: str, reason: str) -> None:
    put(host, name)
    assert scan(host.index).left_out[0].reason.startswith(reason)


def test_scan_missing_folder_says_what_to_set(host: FakeHost) -> None:
    host.index.documents.rmdir()
    with pytest.raises(BuildError, match=r"no documents folder .*documents\. Make it, or set PILOT_INDEX__DOCUMENTS"):
        scan(host.index)


def test_scan_digest_changes_with_content_name_manifest_and_glossary(host: FakeHost) -> None:
    seen = set()
    for name, text in (
        ("a.md", "one"),
        ("a.md", "two"),
        ("b.md", "three"),
        ("manifest.toml", '["a.md"]\ntitle = "A"'),
        ("glossary.csv", "zh,en\n"),
        ("x.mp4", "film"),
    ):
        put(host, name, text)
        seen.add(scan(host.index).digest)
    assert len(seen) == 6
    assert scan(host.index).digest in seen


def test_document_digest_takes_the_manifest_entry_in(host: FakeHost) -> None:
    put(host, "a.md")
    (file,) = scan(host.index).files
    assert document_digest(file, None) == file.digest
    assert document_digest(file, Metadata(title="A")) != document_digest(file, Metadata(title="B"))


def test_digests_change_with_what_they_stand_for(host: FakeHost, tmp_path: Path) -> None:
    other = fake_host(tmp_path, chunk_chars=500)
    assert intake_digest(host.index) != intake_digest(other.index)
    exact = fake_host(tmp_path, exact_chunks=7)
    assert intake_digest(host.index) == intake_digest(exact.index)
    assert shape_digest(host) != shape_digest(exact)
