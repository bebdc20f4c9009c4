from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from docx.enum.text import WD_BREAK
from docx.shared import Pt, RGBColor
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from index.loaders import LoadedDocument, UnreadableError, load
from index.settings import LimitSettings


def read(path: Path, limits: LimitSettings | None = None) -> LoadedDocument:
    return load(path, limits or LimitSettings(), ocr=False)


def test_load_docx_gives_headings_lists_and_tables_in_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("规划", 1)
    document.add_paragraph("正文。")
    table = document.add_table(2, 2)
    for cell, text in zip((c for row in table.rows for c in row.cells), ["指标", "数值", "基站", "5万"], strict=True):
        cell.text = text
    document.add_paragraph("第一项", style="List Bullet")
    document.add_paragraph("内层", style="List Bullet 2")
    document.save(str(tmp_path / "a.docx"))
    loaded = read(tmp_path / "a.docx")
    assert loaded.pages[0].text == "规划\n正文。\n指标：基站；数值：5万\n- 第一项\n- 内层"
    assert [block.kind for block in loaded.pages[0].blocks] == [
        "heading",
        "paragraph",
        "table_row",
        "list_item",
        "list_item",
    ]
    assert loaded.properties.title == "规划"


def test_load_docx_drops_and_reports_hidden_white_and_tiny_runs(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Seen. ")
    paragraph.add_run("vanish").font.hidden = True
    paragraph.add_run("tiny").font.size = Pt(1)
    paragraph.add_run("white").font.color.rgb = RGBColor(255, 255, 255)
    paragraph.add_run("Also seen.")
    document.save(str(tmp_path / "a.docx"))
    loaded = read(tmp_path / "a.docx")
    assert loaded.pages[0].text == "Seen. Also seen."
    assert [(note.code, note.text[:3]) for note in loaded.notes] == [("hidden_text", "15 ")]


def test_load_docx_explicit_page_breaks_make_pages(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("One.").add_run().add_break(WD_BREAK.PAGE)
    document.add_paragraph("Two.")
    document.save(str(tmp_path / "a.docx"))
    loaded = read(tmp_path / "a.docx")
    assert [(page.number, page.label, page.text) for page in loaded.pages] == [(1, "1", "One."), (2, "2", "Two.")]
    assert loaded.page_count == 2


def test_load_xlsx_sheets_are_pages_with_rows_that_carry_headers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Aims"
    for row in (["Aims for 2025"], [], ["Item", "Value", "Day"], ["Poles", 50000, date(2025, 1, 1)], ["Share", 0.125]):
        sheet.append(row)
    sheet["B4"].number_format, sheet["B5"].number_format = "#,##0", "0.0%"
    book.create_sheet("secret").sheet_state = "hidden"
    book["secret"]["A1"] = "hidden"
    book.save(tmp_path / "a.xlsx")
    loaded = read(tmp_path / "a.xlsx")
    assert [(page.label, page.text) for page in loaded.pages] == [
        ("Aims", "Aims for 2025\nItem: Poles; Value: 50,000; Day: 2025-01-01\nItem: Share; Value: 12.5%")
    ]
    assert [(note.page, note.code) for note in loaded.notes] == [(2, "hidden_text")]


def test_load_xlsx_merged_cells_count_for_every_row_and_column_they_span(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Poles and ports by district"],
        ["District", "Poles", None, "Ports"],
        [None, "2023", "2024"],
        ["Futian", 80, 85, 1],
        [None, 90, 95, 2],
    ):
        sheet.append(row)
    for area in ("A1:D1", "A2:A3", "B2:C2", "D2:D3", "A4:A5"):
        sheet.merge_cells(area)
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx").pages[0].text == (
        "Poles and ports by district\n"
        "District: Futian; Poles 2023: 80; Poles 2024: 85; Ports: 1\n"
        "District: Futian; Poles 2023: 90; Poles 2024: 95; Ports: 2"
    )


def test_load_xlsx_years_as_numbers_are_headers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["District", 2023, 2024], ["Futian", 80, 85]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx").pages[0].text == "District: Futian; 2023: 80; 2024: 85"


def test_load_xlsx_formula_without_a_value_is_said(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Item", "Value"], ["Poles", 5], ["Sum", "=SUM(B2:B2)"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    loaded = read(tmp_path / "a.xlsx")
    assert loaded.pages[0].text == "Item: Poles; Value: 5\nItem: Sum"
    assert [(note.page, note.code, note.text[:38]) for note in loaded.notes] == [
        (1, "no_text", "1 formula without a stored value left ")
    ]


def test_load_xlsx_with_a_wrong_dimension_is_read_whole(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Item", "Value"], ["Poles", 5]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as source, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1"'))
    assert read(tmp_path / "b.xlsx").pages[0].text == "Item: Poles; Value: 5"


def test_load_xlsx_beyond_200_columns_is_in_part_and_says_so(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([f"c{number}" for number in range(201)])
    book.active.append([f"v{number}" for number in range(201)])
    book.save(tmp_path / "a.xlsx")
    assert [note.text for note in read(tmp_path / "a.xlsx").notes] == [
        "indexed in part: at most 200 of 201 columns are read"
    ]


def test_load_docx_merged_cells_and_tables_in_cells_keep_their_headers(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(3, 2)
    for cell, text in zip(
        (c for row in table.rows for c in row.cells), ["Place", "What", "", "", "", "Two"], strict=True
    ):
        cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0)).text = "Futian"
    inner = table.cell(1, 1).add_table(2, 2)
    for cell, text in zip((c for row in inner.rows for c in row.cells), ["Hue", "Sum", "Red", "77"], strict=True):
        cell.text = text
    document.save(str(tmp_path / "a.docx"))
    assert read(tmp_path / "a.docx").pages[0].text == "Place: Futian; What: Hue: Red; Sum: 77\nPlace: Futian; What: Two"


def test_load_pptx_merged_cells_count_for_every_row(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(3, 2, 0, 0, 5_000_000, 1_000_000).table
    for row, texts in enumerate([["Place", "What"], ["Futian", "One"], ["", "Two"]]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    deck.save(str(tmp_path / "a.pptx"))
    assert read(tmp_path / "a.pptx").pages[0].text == "Place: Futian; What: One\nPlace: Futian; What: Two"


def test_load_pptx_slides_are_pages_with_titles_lists_and_notes(tmp_path: Path) -> None:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Crossovers"
    slide.placeholders[1].text = "Borders\nRegions"
    slide.notes_slide.notes_text_frame.text = "Four in all."
    hidden = show.slides.add_slide(show.slide_layouts[5])
    hidden.shapes.title.text = "Hidden"
    hidden.element.set("show", "0")
    show.save(str(tmp_path / "a.pptx"))
    loaded = read(tmp_path / "a.pptx")
    assert [page.text for page in loaded.pages] == ["Crossovers\n- Borders\n- Regions\nFour in all."]
    assert [(note.page, note.text) for note in loaded.notes] == [(2, "a hidden slide is left out")]
    assert loaded.page_count == 2


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.csv", b'Item,Value\nPoles,"10,000"\n', "Item: Poles; Value: 10,000"),
        ("a.csv", "指标;数值\n基站;5万\n".encode("gb18030"), "指标：基站；数值：5万"),
        ("a.tsv", b"Item\tValue\nPoles\t5\n", "Item: Poles; Value: 5"),
        ("a.csv", b"alone\n", "alone"),
    ],
)
def test_load_csv_rows_carry_headers_whatever_the_mark(tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert read(tmp_path / name).pages[0].text == expected


def test_load_csv_with_a_quotation_mark_left_open_keeps_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('Place,Sum\n"Futian,5\nNanshan,6\n', "utf-8")
    loaded = read(tmp_path / "a.csv")
    assert loaded.pages[0].text == 'Place: "Futian; Sum: 5\nPlace: Nanshan; Sum: 6'
    assert [(note.code, note.text[:31]) for note in loaded.notes] == [("repaired", "a quotation mark is not closed;")]


def test_load_csv_cells_with_line_breaks_and_quotation_marks_are_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('Place,Sum\n"Futian\nnorth, ""old""",5\n"Nan"shan,6\n', "utf-8")
    loaded = read(tmp_path / "a.csv")
    assert loaded.pages[0].text == 'Place: Futian north, "old"; Sum: 5\nPlace: Nanshan; Sum: 6'
    assert loaded.notes == ()


def test_load_pptx_charts_become_rows_and_slides_of_pictures_are_said(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["East", "West"]
    data.add_series("Poles 2024", (19.5, 21))  # type: ignore[no-untyped-call]
    deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 5_000_000, 5_000_000, data
    )
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_picture(str(tmp_path / "a.png"), 0, 0)
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(str(tmp_path / "a.pptx"))
    loaded = read(tmp_path / "a.pptx")
    assert [page.text for page in loaded.pages] == ["East; Poles 2024: 19.5\nWest; Poles 2024: 21"]
    assert [(note.page, note.code, note.text[:28]) for note in loaded.notes] == [
        (2, "no_text", "no text: a slide of pictures")
    ]


@pytest.mark.parametrize("suffix", ["docx", "xlsx", "pptx"])
def test_load_office_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"word/{number}.xml", bytes(5 * 2**20), compresslevel=1)
    with pytest.raises(UnreadableError, match="unpacks to 40 MiB; at most 32 MiB") as caught:
        read(path, LimitSettings(memory_mb=128))
    assert caught.value.code == "too_big"


@pytest.mark.parametrize("suffix", ["docx", "xlsx", "pptx"])
@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"PK\x03\x04 cut short", "damaged", "no readable Office archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "unsupported", "old binary Office format"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "encrypted",
            "without a password",
        ),
    ],
)
def test_load_office_file_that_is_none_says_why(
    tmp_path: Path, suffix: str, data: bytes, code: str, words: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=words) as caught:
        read(path)
    assert caught.value.code == code


@pytest.mark.parametrize("suffix", ["docx", "xlsx", "pptx"])
def test_load_office_archive_without_its_parts_is_damaged(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(UnreadableError, match=r"damaged, or no \w+ file inside") as caught:
        read(path)
    assert caught.value.code == "damaged"
