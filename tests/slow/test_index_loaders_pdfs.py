"""Every hostile PDF at hand gets an outcome inside its limits, and the text of long reports is all there.

Words are compared with those that pdftotext reads (of poppler-utils), or pypdf where that is not installed.

Reads `../shared/pdfs` beside the project where it is; a few files made here stand in where it is not. Prints the
figures: `pytest -m slow -s tests/slow/test_index_loaders_pdfs.py`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pypdf
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from index.loaders import PARTIAL_CODES, load
from index.loaders.ocr import is_installed
from index.sandbox import LoadResult, load_documents
from index.settings import LimitSettings

SHARED = Path(__file__).resolve().parents[3] / "shared" / "pdfs"
KNOWN_CODES = {"", "encrypted", "damaged", "no_text", "empty", "garbled", "too_big", "cpu", "memory", "wall", "crash"}
PAGES = "<< /Type /Pages /Kids [{kids}] /Count {count} >>"


def _pdf(*objects: str, trailer: str = "/Root 1 0 R") -> bytes:
    """A PDF of these objects, numbered from 1, with a right cross-reference table."""
    data = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    data += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    return data + f"trailer << /Size {len(objects) + 1} {trailer} >>\nstartxref\n{start}\n%%EOF".encode()


def _report(path: Path, *, encrypt: StandardEncryption | None = None) -> None:
    canvas = Canvas(str(path), encrypt=encrypt)
    for number in range(30):
        for line in range(40):
            canvas.drawString(60, 780 - 18 * line, f"Line {line} of page {number} says something new about poles.")
        canvas.showPage()
    canvas.save()


def _made(folder: Path) -> Path:
    """A folder of hostile files, and real/ with a report."""
    (folder / "real").mkdir(parents=True)
    _report(folder / "real" / "report.pdf")
    whole = (folder / "real" / "report.pdf").read_bytes()
    _report(folder / "encrypted.pdf", encrypt=StandardEncryption("secret"))
    catalog = "<< /Type /Catalog /Pages 2 0 R >>"
    hostile = {
        "truncated": whole[: len(whole) // 2],
        "zeros": bytes(5000),
        "header": b"%PDF-1.7\n",
        "page-loop": _pdf(catalog, PAGES.format(kids="2 0 R", count=1)),
        "million-pages": _pdf(catalog, PAGES.format(kids="", count=10**6)),
        "vast-page": _pdf(
            catalog,
            PAGES.format(kids="3 0 R", count=1),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1e7 1e7] /Contents 4 0 R >>",
            "<< /Length 18 >>\nstream\n0 0 100 100 re f S\nendstream",
        ),
        "xref-loop": re.sub(rb"trailer <<", b"trailer << /Prev 9", _pdf(catalog, PAGES.format(kids="", count=0))),
        "deep": _pdf(catalog, "[" * 20_000 + "]" * 20_000),
    }
    for name, data in hostile.items():
        (folder / f"{name}.pdf").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SHARED if SHARED.is_dir() else _made(tmp_path_factory.mktemp("pdfs") / "made")


def outcomes(root: Path, limits: LimitSettings, *, ocr: bool = False) -> list[LoadResult]:
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.pdf"))
    began = time.monotonic()
    found = list(load_documents(root, paths, limits, workers=2, ocr=ocr))
    assert sorted(result.path for result in found) == paths
    counts = Counter(_outcome(result) for result in found)
    most = max(result.cpu_s for result in found)
    with_ocr = "with OCR" if ocr else "without OCR"
    seconds = f"{time.monotonic() - began:.1f} s, most CPU {most:.2f} s"
    sys.stdout.write(f"\n{len(found)} files {with_ocr} in {seconds}: {dict(counts.most_common())}")
    return found


def _outcome(result: LoadResult) -> str:
    if result.loaded is None:
        return result.code
    return "in part" if any(note.code in PARTIAL_CODES for note in result.loaded.notes) else "indexed"


@pytest.mark.slow
@pytest.mark.parametrize("ocr", [False, True], ids=["without_ocr", "with_ocr"])
def test_load_documents_of_hostile_pdfs_gives_each_an_outcome_within_limits(folder: Path, ocr: bool) -> None:
    if ocr and not is_installed():
        pytest.skip("the ocr extra is not installed")
    limits = LimitSettings()
    found = outcomes(folder, limits, ocr=ocr)
    for result in found:
        assert result.code in KNOWN_CODES
        assert (result.loaded is None) == bool(result.reason)
        assert result.cpu_s <= limits.cpu_s
        assert result.wall_s <= limits.wall_s + 5
    scanned = sum(any(note.code == "ocr" for note in result.loaded.notes) for result in found if result.loaded)
    sys.stdout.write(f"; {scanned} have pages read by OCR")


@pytest.mark.slow
def test_load_documents_of_made_hostile_pdfs_gives_each_an_outcome(tmp_path: Path) -> None:
    results = {result.path: result for result in outcomes(_made(tmp_path / "made"), LimitSettings(cpu_s=5))}
    assert results["encrypted.pdf"].code == "encrypted"
    assert results["real/report.pdf"].code == ""
    assert {results[f"{name}.pdf"].code for name in ("zeros", "header")} <= {"damaged", "empty"}


@pytest.mark.slow
def test_load_pdf_of_long_reports_has_all_their_words(folder: Path) -> None:
    for path in sorted((folder / "real").glob("*.pdf")):
        text = " ".join(page.text for page in load(path, LimitSettings(), ocr=False).pages)
        name, other = _other_reader(path)
        ours, theirs = _letters(text), _letters(other)
        missing = sum((theirs - ours).values()) / sum(theirs.values())
        words, expected = len(text.split()), len(other.split())
        sys.stdout.write(
            f"\n{path.name}: {words:,} words, {expected:,} by {name} ({words / expected - 1:+.1%}); "
            f"{missing:.3%} of its letters and digits are missing"
        )
        assert missing < 0.01
        assert abs(words / expected - 1) < 0.05


@pytest.mark.slow
def test_load_documents_of_two_thousand_small_files_takes_under_twenty_seconds(tmp_path: Path) -> None:
    for number in range(2000):
        text = f"# Document {number}\n\n- poles: {number}\n- fibre: {number * 2}\n"
        (tmp_path / f"{number}.md").write_text(text, encoding="utf-8")
    began = time.monotonic()
    paths = [f"{number}.md" for number in range(2000)]
    found = list(load_documents(tmp_path, paths, LimitSettings(), workers=2, ocr=False))
    wall_s = time.monotonic() - began
    sys.stdout.write(f"\n{len(found) / wall_s:,.0f} small files a second\n")
    assert {result.code for result in found} == {""}
    assert len(found) / wall_s >= 100


def _letters(text: str) -> Counter[str]:
    """Letters and digits by number; readers differ in where they see spaces, hyphens and line ends."""
    return Counter(char for char in text.lower() if char.isalnum())


def _other_reader(path: Path) -> tuple[str, str]:
    """Another reader's name and the text as it reads it: pdftotext, or pypdf where that is not installed."""
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True, text=True)
        return "pdftotext", done.stdout
    return "pypdf", " ".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
