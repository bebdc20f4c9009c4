from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.loaders import LoadedDocument, UnreadableError, load
from index.loaders.encoding import decode
from index.loaders.text import blocks
from index.settings import LimitSettings

CHINESE = "深圳市推进新型基础设施建设，到2025年建成5万个5G基站。"


def read(path: Path, limits: LimitSettings | None = None) -> LoadedDocument:
    return load(path, limits or LimitSettings(), ocr=False)


def shown(loaded: LoadedDocument) -> list[tuple[str, int, str]]:
    """Kind, level and text of every block."""
    return [(b.kind, b.level, page.text[b.start : b.end]) for page in loaded.pages for b in page.blocks]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [CHINESE, "粤港澳大湾区", "4119亿元", "罗湖、福田和南山"])
def test_decode_of_simplified_chinese_is_right_even_when_short(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    if encoding in ("utf-16-le", "utf-16-be"):
        data = (CHINESE + text).encode(encoding)
        text = CHINESE + text
    assert decode(data).text == text


@pytest.mark.parametrize("text", ["深圳市推進新型基礎設施建設", "項目投資總額為", "粵港澳大灣區", "龍崗區"])
def test_decode_of_traditional_chinese_in_big5_is_right(text: str) -> None:
    assert decode(text.encode("big5")).text == text


def test_decode_of_western_text_is_windows_1252() -> None:
    assert decode("Café au lait and a naïve plan – as before, and more of it.".encode("cp1252")).text.startswith(
        "Café au lait and a naïve plan –"
    )


def test_decode_of_utf8_with_one_damaged_byte_keeps_the_rest() -> None:
    decoded = decode((CHINESE * 20).encode()[:-1])
    assert decoded.encoding == "utf-8"
    assert decoded.undecoded == 1
    assert decoded.text.startswith(CHINESE * 19)


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
def test_decode_of_chinese_cut_off_in_a_character_keeps_the_rest_and_says_so(encoding: str) -> None:
    decoded = decode(("港口大道" * 20).encode(encoding)[:-1])
    assert decoded.text == "港口大道" * 19 + "港口大\ufffd"
    assert [note.text for note in decoded.notes()] == [f"read as {decoded.encoding}, 1 character not decoded"]


def test_decode_of_bytes_that_are_no_text_raises() -> None:
    with pytest.raises(UnreadableError, match="no known encoding") as caught:
        decode(bytes(range(256)) * 4)
    assert caught.value.code == "damaged"


def test_load_text_finds_headings_paragraphs_and_items(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Plan for 2025\n\nIt has one\naim.\n\nParts:\n- poles\n- fibre\n", encoding="utf-8")
    loaded = read(path)
    assert shown(loaded) == [
        ("heading", 1, "Plan for 2025"),
        ("paragraph", 0, "It has one\naim."),
        ("paragraph", 0, "Parts:"),
        ("list_item", 1, "poles"),
        ("list_item", 1, "fibre"),
    ]
    assert loaded.properties.title == "Plan for 2025"


def test_load_text_of_chinese_lines_makes_each_a_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("第一段。\r\n第二段。\r\n一、目标\r\n（一）基站。".encode("gb18030"))
    loaded = read(path)
    assert [text for _, _, text in shown(loaded)] == ["第一段。\n第二段。", "目标", "基站。"]
    assert [note.code for note in loaded.notes] == ["encoding"]


def test_load_text_drops_and_reports_smuggled_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Plain\u200b text\U000e0041\U000e0042 here.", encoding="utf-8")
    loaded = read(path)
    assert loaded.pages[0].text == "Plain text here."
    assert [(note.code, note.text[:2]) for note in loaded.notes] == [("hidden_text", "3 ")]


def test_load_text_beyond_the_limit_is_in_part_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("word " * 1000, encoding="utf-8")
    loaded = read(path, LimitSettings(chars=1000))
    assert len(loaded.pages[0].text) == 1000
    assert [note.code for note in loaded.notes] == ["over_limit"]


@pytest.mark.parametrize(
    ("name", "data", "code", "words"),
    [
        ("a.txt", b" \n\t", "empty", "the file is empty"),
        ("a.txt", b"x" * (2**20 + 1), "too_big", "larger than 1 MiB"),
        ("a.xyz", b"x", "unsupported", "files ending in '.xyz' are not read"),
        ("a.md", b"---\ntitle: x\n---\n", "empty", "it holds no text"),
    ],
)
def test_load_of_what_cannot_be_read_says_why(tmp_path: Path, name: str, data: bytes, code: str, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=words) as caught:
        read(path, LimitSettings(file_mb=1))
    assert caught.value.code == code


@given(st.text(alphabet="ab 。.\n-1、（）一 ", max_size=200))
def test_blocks_of_any_text_are_in_order_and_trimmed(text: str) -> None:
    position = 0
    for block in blocks(text):
        assert position <= block.start < block.end <= len(text)
        assert text[block.start : block.end] == text[block.start : block.end].strip()
        position = block.end
