from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from pypdf.constants import PageLabelStyle
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from index.loaders import LoadedDocument, UnreadableError, load
from index.loaders.garbled import garbled_share, is_plausible
from index.settings import LimitSettings

Draw = Callable[[Canvas], None]


def draw(path: Path, *pages: Draw, encrypt: StandardEncryption | None = None) -> Path:
    """A PDF with one page a function."""
    canvas = Canvas(str(path), pagesize=(595, 842), encrypt=encrypt)
    canvas.setTitle("untitled")
    for page in pages:
        canvas.setFont("Helvetica", 11)
        page(canvas)
        canvas.showPage()
    canvas.save()
    return path


def lines(*texts: str, top: int = 760) -> Draw:
    """Draws lines of 11 points, 14 points apart."""

    def on(canvas: Canvas) -> None:
        for position, text in enumerate(texts):
            canvas.drawString(72, top - 14 * position, text)

    return on


def read(path: Path, limits: LimitSettings | None = None) -> LoadedDocument:
    return load(path, limits or LimitSettings(), ocr=False)


def codes(loaded: LoadedDocument) -> list[tuple[int, str]]:
    return [(note.page, note.code) for note in loaded.notes]


def test_load_pdf_keeps_lines_and_numbers_pages(tmp_path: Path) -> None:
    loaded = read(draw(tmp_path / "a.pdf", lines("One line", "and two."), lines("Second page.")))
    assert [(page.number, page.label, page.text) for page in loaded.pages] == [
        (1, "1", "One line\nand two."),
        (2, "2", "Second page."),
    ]
    assert loaded.page_count == 2
    assert loaded.notes == ()


def test_load_pdf_of_chinese_keeps_every_character(tmp_path: Path) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))

    def on(canvas: Canvas) -> None:
        canvas.setFont("STSong-Light", 12)
        canvas.drawString(72, 700, "深圳市新型基础设施建设，到2025年。")

    assert read(draw(tmp_path / "a.pdf", on)).pages[0].text == "深圳市新型基础设施建设，到2025年。"


def test_load_pdf_gives_page_labels_as_printed(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=draw(tmp_path / "a.pdf", lines("One."), lines("Two."), lines("Three.")))
    writer.set_page_label(0, 1, style=PageLabelStyle.LOWERCASE_ROMAN)
    writer.set_page_label(2, 2, style=PageLabelStyle.DECIMAL, start=1)
    writer.write(tmp_path / "b.pdf")
    assert [page.label for page in read(tmp_path / "b.pdf").pages] == ["i", "ii", "1"]


def _invisible(canvas: Canvas) -> None:
    text = canvas.beginText(72, 700)
    text.setTextRenderMode(3)
    text.textLine("Secret")
    text.setTextRenderMode(0)
    canvas.drawText(text)


def _white(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(72, 700, "Secret")


def _tiny(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 1)
    canvas.drawString(72, 700, "Secret")


def _scaled(canvas: Canvas) -> None:
    canvas.scale(0.05, 0.05)
    canvas.drawString(1440, 14000, "Secret")


def _outside(canvas: Canvas) -> None:
    canvas.drawString(-500, 700, "Secret")


def _transparent(canvas: Canvas) -> None:
    canvas.setFillAlpha(0)
    canvas.drawString(72, 700, "Secret")


@pytest.mark.parametrize(
    ("hide", "cause"),
    [
        (_invisible, "text in invisible ink"),
        (_white, "white text on white"),
        (_tiny, "text too small to read"),
        (_scaled, "text too small to read"),
        (_outside, "text outside of the page"),
        (_transparent, "text in invisible ink"),
    ],
)
def test_load_pdf_drops_and_reports_hidden_text(tmp_path: Path, hide: Draw, cause: str) -> None:
    def on(canvas: Canvas) -> None:
        canvas.drawString(72, 760, "Seen.")
        hide(canvas)

    loaded = read(draw(tmp_path / "a.pdf", on))
    assert loaded.pages[0].text == "Seen."
    assert [(note.code, note.text) for note in loaded.notes] == [("hidden_text", f"dropped: 6 characters of {cause}")]


def test_load_pdf_form_fields_are_read_as_they_are_filled_in(tmp_path: Path) -> None:
    def filled(canvas: Canvas) -> None:
        canvas.drawString(72, 760, "Name of the port:")
        canvas.acroForm.textfield(name="n", value="Yantian 4711", x=72, y=700, width=300, height=20)
        canvas.acroForm.textfield(name="h", value="hidden", x=72, y=600, width=300, height=20, annotationFlags="hidden")

    assert read(draw(tmp_path / "a.pdf", filled)).pages[0].text == "Name of the port:\nYantian 4711"


def test_load_pdf_keeps_white_text_on_colour(tmp_path: Path) -> None:
    def on(canvas: Canvas) -> None:
        canvas.setFillColorRGB(0, 0, 0.5)
        canvas.rect(60, 690, 300, 30, fill=1, stroke=0)
        _white(canvas)

    loaded = read(draw(tmp_path / "a.pdf", on))
    assert loaded.pages[0].text == "Secret"
    assert loaded.notes == ()


def test_load_pdf_keeps_the_text_layer_of_a_scan(tmp_path: Path) -> None:
    from PIL import Image

    def on(canvas: Canvas) -> None:
        image = tmp_path / "scan.png"
        Image.new("L", (60, 84), 200).save(image)
        canvas.drawImage(str(image), 0, 0, 595, 842)
        _invisible(canvas)

    loaded = read(draw(tmp_path / "a.pdf", on))
    assert loaded.pages[0].text == "Secret"
    assert codes(loaded) == [(1, "text_layer")]


def test_load_pdf_encrypted_without_a_user_password_is_read(tmp_path: Path) -> None:
    encryption = StandardEncryption("", ownerPassword="owner")
    assert read(draw(tmp_path / "a.pdf", lines("Open."), encrypt=encryption)).pages[0].text == "Open."


def test_load_pdf_encrypted_with_a_password_says_so(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", lines("Closed."), encrypt=StandardEncryption("user"))
    with pytest.raises(UnreadableError, match="encrypted with a password") as caught:
        read(path)
    assert caught.value.code == "encrypted"


def test_load_pdf_without_text_says_that_it_is_a_scan(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", lambda canvas: canvas.rect(100, 100, 300, 300, fill=1))
    with pytest.raises(UnreadableError, match=r"no text: a scan or drawing\. OCR is off") as caught:
        read(path)
    assert caught.value.code == "no_text"


def test_load_pdf_with_a_page_without_text_notes_that_page(tmp_path: Path) -> None:
    loaded = read(draw(tmp_path / "a.pdf", lines("One."), lambda canvas: canvas.rect(9, 9, 300, 300, fill=1)))
    assert codes(loaded) == [(2, "no_text")]
    assert loaded.page_count == 2


def test_load_pdf_with_a_blank_page_needs_no_note(tmp_path: Path) -> None:
    assert read(draw(tmp_path / "a.pdf", lines("One."), lambda canvas: None)).notes == ()


def test_load_pdf_beyond_the_limit_of_pages_is_in_part(tmp_path: Path) -> None:
    loaded = read(draw(tmp_path / "a.pdf", *[lines(f"Page {n}.") for n in range(1, 5)]), LimitSettings(pages=2))
    assert [page.number for page in loaded.pages] == [1, 2]
    assert [note.text for note in loaded.notes] == [
        "indexed in part: pages 3–4 of 4 are left out; at most 2 are read (PILOT_INDEX__LIMITS__PAGES)"
    ]


def test_load_pdf_beyond_the_limit_of_characters_is_in_part(tmp_path: Path) -> None:
    loaded = read(draw(tmp_path / "a.pdf", *[lines("word " * 12 + ".") for _ in range(30)]), LimitSettings(chars=1000))
    assert len(loaded.pages) == 17
    assert codes(loaded) == [(0, "over_limit")]


def test_load_pdf_whose_end_is_cut_off_still_gives_text_or_says_damaged(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", lines("One."))
    path.write_bytes(path.read_bytes()[:-12])
    assert read(path).pages[0].text == "One."
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UnreadableError, match="damaged") as caught:
        read(path)
    assert caught.value.code == "damaged"


@pytest.mark.parametrize(
    ("text", "undecoded", "share"),
    [
        ("Plain words.", 0, 0.0),
        ("\ufffd\ufffdab", 0, 0.5),
        ("\ue001\ue002ab", 0, 0.5),
        ("\uf0b7 item", 0, 0.0),
        ("abcd", 4, 0.5),
        ("å\u0085¨å\u009b½", 0, 1.0),
        ("7KLV LV WKH WHVW " * 8, 0, 1.0),
        ("/G43/G24", 0, 1.0),
        ("", 0, 0.0),
    ],
)
def test_garbled_share_counts_wreckage(text: str, undecoded: int, share: float) -> None:
    assert garbled_share(text, undecoded=undecoded) == pytest.approx(share)


def test_is_plausible_wants_words() -> None:
    assert is_plausible("深圳 2025")
    assert not is_plausible("' !\" !'")
