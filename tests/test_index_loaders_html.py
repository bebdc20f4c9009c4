from __future__ import annotations

from pathlib import Path

import pytest

from index.loaders import LoadedDocument, UnreadableError, load
from index.settings import LimitSettings


def read(tmp_path: Path, body: str, head: str = "") -> LoadedDocument:
    path = tmp_path / "a.html"
    path.write_text(f"<html><head>{head}</head><body>{body}</body></html>", encoding="utf-8")
    return load(path, LimitSettings(), ocr=False)


def test_load_html_gives_headings_paragraphs_and_nested_lists(tmp_path: Path) -> None:
    body = "<h1>Plan</h1><p>Some <b>bold</b>\ntext.<br>Next.</p>"
    body += "<ul><li>one<ol><li>in</li></ol></li><li><p>two</p></li></ul>tail"
    page = read(tmp_path, body).pages[0]
    assert page.text == "Plan\nSome bold text. Next.\n- one\n  1. in\n- two\ntail"
    assert [(block.kind, block.level) for block in page.blocks] == [
        ("heading", 1),
        ("paragraph", 0),
        ("list_item", 1),
        ("list_item", 2),
        ("list_item", 1),
        ("paragraph", 0),
    ]


def test_load_html_leaves_out_scripts_navigation_and_controls(tmp_path: Path) -> None:
    body = "<nav>Home</nav><script>x()</script><style>p{}</style><!-- c --><p>Text.</p><button>Go</button>"
    loaded = read(tmp_path, body)
    assert loaded.pages[0].text == "Text."
    assert loaded.notes == ()


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>Secret</p>",
        "<p aria-hidden='true'>Secret</p>",
        "<p style='display: none'>Secret</p>",
        "<p style='visibility:hidden'>Secret</p>",
        "<p style='font-size:1px'>Secret</p>",
        "<p style='opacity:0'>Secret</p>",
        "<p style='position:absolute;left:-9999px'>Secret</p>",
        "<p style='color:#fff'>Secret</p>",
        "<font color='white'>Secret</font>",
        "<p class='x'>Secret</p>",
    ],
)
def test_load_html_drops_and_reports_hidden_elements(tmp_path: Path, hidden: str) -> None:
    loaded = read(tmp_path, f"<p>Seen.</p>{hidden}", "<style>.x, .y { display:none }</style>")
    assert loaded.pages[0].text == "Seen."
    assert [(note.code, note.text) for note in loaded.notes] == [
        ("hidden_text", "6 characters in hidden elements dropped")
    ]


@pytest.mark.parametrize("style", ["opacity:0.9", "font-size:10px", "font-size:1.2em", "background:#000;color:#fff"])
def test_load_html_keeps_what_is_only_styled(tmp_path: Path, style: str) -> None:
    assert read(tmp_path, f"<p style='{style}'>Seen.</p>").pages[0].text == "Seen."


def test_load_html_table_with_headers_gives_rows_with_them(tmp_path: Path) -> None:
    body = "<table><caption>Aims</caption><tr><th>Item<th>Value</tr><tr><td>Poles<td>10,000</tr></table>"
    assert read(tmp_path, body).pages[0].text == "Aims\nItem: Poles; Value: 10,000"


def test_load_html_cells_over_rows_and_columns_stay_under_their_headers(tmp_path: Path) -> None:
    rows = (
        "<tr><th rowspan=2>Place<th colspan=2>Poles</tr><tr><th>2023<th>2024</tr>"
        "<tr><td rowspan=2>Futian<td>80<td>85</tr><tr><td>90<td>95</tr>"
    )
    loaded = read(tmp_path, f"<table>{rows}</table>")
    assert loaded.pages[0].text == (
        "Place: Futian; Poles 2023: 80; Poles 2024: 85\nPlace: Futian; Poles 2023: 90; Poles 2024: 95"
    )


def test_load_html_layout_table_is_read_as_text(tmp_path: Path) -> None:
    body = "<table><tr><td><h2>Left</h2><p>One.</p></td><td><p>Two.</p></td></tr></table>"
    assert read(tmp_path, body).pages[0].text == "Left\nOne.\nTwo."


def test_load_html_head_gives_title_and_date(tmp_path: Path) -> None:
    head = "<title> A  plan </title><meta property='article:published_time' content='2022-02-14T08:00:00Z'>"
    properties = read(tmp_path, "<h1>Other</h1>", head).properties
    assert (properties.title, properties.published) == ("A plan", "2022-02-14")


def test_load_html_in_a_declared_encoding_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.htm"
    path.write_bytes("<meta charset=gb2312><p>深圳市发展规划</p>".encode("gb18030"))
    assert load(path, LimitSettings(), ocr=False).pages[0].text == "深圳市发展规划"


def test_load_html_nested_thousands_deep_reads_the_rest(tmp_path: Path) -> None:
    loaded = read(tmp_path, "<p>start</p>" + "<div>" * 5_000 + "deep" + "</div>" * 5_000)
    assert loaded.pages[0].text == "start"
    assert [note.code for note in loaded.notes] == ["over_limit"]


def test_load_html_without_visible_text_says_what_was_hidden(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no text but hidden text: 6 characters"):
        read(tmp_path, "<p hidden>Secret</p>")
