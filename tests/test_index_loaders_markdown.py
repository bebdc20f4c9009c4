from __future__ import annotations

from pathlib import Path

import pytest

from index.loaders import LoadedDocument, load
from index.loaders.markdown import front_matter
from index.metadata import Metadata
from index.settings import LimitSettings


def read(tmp_path: Path, text: str) -> LoadedDocument:
    path = tmp_path / "a.md"
    path.write_text(text, encoding="utf-8")
    return load(path, LimitSettings(), ocr=False)


def test_load_markdown_renders_blocks_without_markup(tmp_path: Path) -> None:
    text = "# A *plan*\n\nTwo\nlines, [a link](http://x) and `code`.\n\n- one\n- two\n  1. inner\n\n> Quoted.\n"
    page = read(tmp_path, text).pages[0]
    assert page.text == "A plan\nTwo lines, a link and code.\n- one\n- two\n  1. inner\nQuoted."
    assert [(b.kind, b.level, page.text[b.start : b.end]) for b in page.blocks] == [
        ("heading", 1, "A plan"),
        ("paragraph", 0, "Two lines, a link and code."),
        ("list_item", 1, "one"),
        ("list_item", 1, "two"),
        ("list_item", 2, "inner"),
        ("paragraph", 0, "Quoted."),
    ]


def test_load_markdown_joins_chinese_lines_without_a_space(tmp_path: Path) -> None:
    assert read(tmp_path, "深圳市\n建设。").pages[0].text == "深圳市建设。"


def test_load_markdown_table_rows_carry_their_headers(tmp_path: Path) -> None:
    page = read(tmp_path, "| Indicator | 2025 |\n|---|---|\n| Poles | 50,000 |\n| Fibre | |\n").pages[0]
    assert page.text == "Indicator: Poles; 2025: 50,000\nIndicator: Fibre"
    assert {block.kind for block in page.blocks} == {"table_row"}


def test_load_markdown_chinese_table_uses_fullwidth_marks(tmp_path: Path) -> None:
    page = read(tmp_path, "| 指标 | 数值 |\n|---|---|\n| 基站 | 5万 |\n").pages[0]
    assert page.text == "指标：基站；数值：5万"


def test_load_markdown_front_matter_becomes_metadata(tmp_path: Path) -> None:
    loaded = read(tmp_path, "---\ntitle: 计划\npublished: 2021-12-13\nsupersedes: [zh/old.md]\n---\n# Heading\n")
    assert loaded.metadata == Metadata(title="计划", published="2021-12-13", supersedes=("zh/old.md",))
    assert loaded.properties.title == "Heading"
    assert loaded.notes == ()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("title: [", "front matter is no YAML"),
        ("- a\n- b", "front matter is a list"),
        ("a: &x [1]\nb: *x", "anchors or aliases"),
        ("title: " + "x" * 30_000, "front matter of 30,008 characters"),
        ("titel: x", "unknown key 'titel'"),
        ("published: soon", "published is 'soon'"),
        ("title: !!python/object/apply:os.system ['true']", "front matter is no YAML"),
        ("published: 2021-99-99", "published is '2021-99-99'"),
    ],
)
def test_load_markdown_with_bad_front_matter_notes_it_and_reads_on(tmp_path: Path, source: str, words: str) -> None:
    loaded = read(tmp_path, f"---\n{source}\n---\nText.\n")
    assert loaded.pages[0].text == "Text."
    assert [note.code for note in loaded.notes] == ["front_matter"]
    assert words in loaded.notes[0].text


def test_front_matter_that_never_ends_is_text_and_said() -> None:
    text = "---\ntitle: x\n\nText."
    assert front_matter(text) == (Metadata(), text, ("front matter is not closed by a line ---; it is read as text",))
    assert front_matter("---\nText: a line above is a rule.") == (Metadata(), "---\nText: a line above is a rule.", ())


def test_front_matter_with_a_key_twice_takes_the_last_and_says_so() -> None:
    metadata, _, problems = front_matter("---\ntitle: A\ntitle: B\n---\nText.")
    assert (metadata.title, problems) == ("B", ("front matter: title is given twice; the last one counts",))


def test_load_markdown_nested_deeply_ends(tmp_path: Path) -> None:
    assert "end" in read(tmp_path, ">" * 5000 + " deep\n\nend\n").pages[0].text


def test_load_markdown_html_block_loses_its_tags(tmp_path: Path) -> None:
    assert read(tmp_path, "<div onclick='x'>\nShown\n</div>\n").pages[0].text == "Shown"
