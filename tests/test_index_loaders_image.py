from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from index.loaders import UnreadableError, load, ocr, pdf_ocr
from index.loaders.ocr import OcrLine, OcrText
from index.loaders.pdf_page import Line
from index.settings import LimitSettings


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.new("RGB", (80, 40), "white").save(path)
    return path


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """OCR that finds two lines in every image."""
    found = OcrText((OcrLine("深圳", (0.0, 20.0, 60.0, 36.0)), OcrLine("2025", (0.0, 2.0, 60.0, 18.0))), 0.9)
    monkeypatch.setattr(ocr, "is_installed", lambda: True)
    monkeypatch.setattr(ocr, "recognise", lambda image: found)


@pytest.mark.usefixtures("reading")
def test_load_image_gives_its_lines_and_the_score(picture: Path) -> None:
    loaded = load(picture, LimitSettings(), ocr=True)
    assert [page.text for page in loaded.pages] == ["深圳\n2025"]
    assert [note.text for note in loaded.notes] == ["read by OCR with a mean score of 0.90"]


@pytest.mark.usefixtures("reading")
def test_load_image_of_several_frames_has_as_many_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    frame = Image.new("L", (40, 40))
    frame.save(path, save_all=True, append_images=[frame.copy(), frame.copy()])
    loaded = load(path, LimitSettings(pages=2), ocr=True)
    assert [page.number for page in loaded.pages] == [1, 2]
    assert (loaded.page_count, loaded.notes[-1].code) == (3, "over_limit")


def test_load_image_with_ocr_off_says_so(picture: Path) -> None:
    with pytest.raises(UnreadableError, match=r"an image\. OCR is off \(PILOT_INDEX__OCR\)") as caught:
        load(picture, LimitSettings(), ocr=False)
    assert caught.value.code == "no_text"


def test_load_image_without_the_extra_names_the_install_command(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    with pytest.raises(UnreadableError, match=r"run: pip install \"pilot-assistant\[ocr\]\""):
        load(picture, LimitSettings(), ocr=True)


@pytest.mark.usefixtures("reading")
def test_load_image_that_is_none_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff no image")
    with pytest.raises(UnreadableError, match="no readable image") as caught:
        load(tmp_path / "a.jpg", LimitSettings(), ocr=True)
    assert caught.value.code == "damaged"


@pytest.mark.usefixtures("reading")
def test_load_image_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    Image.new("1", (30_000, 2_100)).save(tmp_path / "a.png")
    with pytest.raises(UnreadableError, match="60,000,000 are read") as caught:
        load(tmp_path / "a.png", LimitSettings(), ocr=True)
    assert caught.value.code == "too_big"


@pytest.mark.usefixtures("reading")
def test_read_image_places_its_lines() -> None:
    text, score = pdf_ocr.read_image(Image.new("L", (10, 10)))
    assert text.lines == (Line(0, 2, (0.0, 20.0, 60.0, 36.0), 16.0), Line(3, 7, (0.0, 2.0, 60.0, 18.0), 16.0))
    assert score == 0.9


def test_is_blank_of_one_colour_is_true() -> None:
    image = Image.new("L", (10, 10), 250)
    assert ocr.is_blank(image)
    image.putpixel((3, 3), 0)
    assert not ocr.is_blank(image)
