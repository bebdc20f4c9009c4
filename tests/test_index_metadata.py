from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from index.errors import SettingsError
from index.metadata import Metadata, from_file_name, from_mapping, iso_date, merge, read_manifest, resolve


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021", "2021"),
        (2021, "2021"),
        ("2021-12", "2021-12"),
        (date(2021, 12, 13), "2021-12-13"),
        ("2021-02-30", ""),
        ("2021-13", ""),
        ("soon", ""),
    ],
)
def test_iso_date_of_a_value_is_its_prefix_or_empty(value: object, expected: str) -> None:
    assert iso_date(value) == expected


def test_from_mapping_of_known_keys_fills_the_fields() -> None:
    metadata, problems = from_mapping(
        {"title": " A  plan ", "language": "zh", "supersedes": ["zh/old.md"], "kind": None}
    )
    assert metadata == Metadata(title="A plan", language="zh", supersedes=("zh/old.md",))
    assert problems == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"titel": "x"}, "unknown key 'titel'"),
        ({"published": "yesterday"}, "published is 'yesterday'; expected"),
        ({"language": "de"}, "language is 'de'"),
        ({"supersedes": [1]}, "supersedes is"),
        ({"title": ["a"]}, "title is a list; expected text"),
    ],
)
def test_from_mapping_of_a_bad_value_says_which_and_drops_it(values: dict[str, object], words: str) -> None:
    metadata, problems = from_mapping(values)
    assert metadata == Metadata()
    assert len(problems) == 1
    assert words in problems[0]


def test_merge_takes_each_field_from_the_first_that_has_it() -> None:
    merged = merge(Metadata(title="a"), Metadata(title="b", issuer="c"), Metadata(issuer="d", kind="plan"))
    assert merged == Metadata(title="a", issuer="c", kind="plan")
    assert merge() == Metadata()


@pytest.mark.parametrize(
    ("name", "published", "number"),
    [
        ("zh/2022-02-14 通知.pdf", "2022-02-14", ""),
        ("20220214-notice.pdf", "2022-02-14", ""),
        ("通知2023年10月25日.docx", "2023-10-25", ""),
        ("notice-2022-02.pdf", "2022-02", ""),
        ("粤府〔2023〕92号.pdf", "", "粤府〔2023〕92号"),
        ("深府[2020]42号.pdf", "", "深府〔2020〕42号"),
        ("digital-infrastructure-plan-2023.md", "", ""),
        ("major-projects-2023-2024.md", "", ""),
        ("scan-20229999.pdf", "", ""),
    ],
)
def test_from_file_name_finds_dates_and_numbers_but_no_lone_years(name: str, published: str, number: str) -> None:
    found = from_file_name(name)
    assert (found.published, found.document_number) == (published, number)


def test_resolve_prefers_front_matter_then_manifest_then_properties_then_name() -> None:
    found = resolve(
        "zh/2022-02-14_plan.pdf",
        declared=Metadata(title="declared"),
        manifest={"zh/2022-02-14_plan.pdf": Metadata(title="manifest", issuer="city")},
        properties=Metadata(title="property", issuer="author", kind="plan", published="2001-01-01"),
    )
    assert found == Metadata(title="declared", issuer="city", kind="plan", published="2022-02-14")
    bare = resolve("a_b.pdf", declared=Metadata(), manifest={}, properties=Metadata(published="2001-01-01"))
    assert bare == Metadata(title="a b", published="2001-01-01")


def test_read_manifest_gives_entries_by_document_id(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text('["zh/a.pdf"]\ntitle = "计划"\npublished = 2023-10-25\n', encoding="utf-8")
    assert read_manifest(tmp_path) == {"zh/a.pdf": Metadata(title="计划", published="2023-10-25")}


def test_read_manifest_without_a_file_is_empty(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not toml [", "cannot be read as TOML"),
        ('title = "x"', "'title' stands outside a table"),
        ('["a.pdf"]\nisuer = "x"', r'\["a.pdf"\]: unknown key'),
    ],
)
def test_read_manifest_that_is_malformed_raises_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "manifest.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        read_manifest(tmp_path)
