from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.language import FUNCTION_TERMS, detect, fold, sentence_spans, stem, tokenise, unwrap, visible, words
from index.types import Language

PIECES = ("The metro opened.", "Mr. Wu said 3.5 km.", "e.g.", "a", "深圳市", "地铁开通。", "12号线", "“好！”", "……")
MARKS = ".?!)”;,\n\r\t\x0c\x1c\x85\u3000\u200b\ufe0f\U000e0041 "
MIXED = st.lists(st.sampled_from([*PIECES, *MARKS, "\n\n"]), max_size=20).map("".join)


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("Shenzhen METRO", "shenzhen metro"),
        ("ＧＤＰ１２％", "gdp12%"),
        ("ﬁnance Ⅻ", "finance xii"),
        ("國務院發改委", "国务院发改委"),
        ("地\u200b铁\ufeff", "地铁"),
    ],
)
def test_fold_of_text_gives_compatible_simplified_lower_case(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_visible_of_hidden_characters_leaves_what_is_seen() -> None:
    hidden = "\u200b\u200d\u202e\u2066\u00ad\ufeff\ufe0f\U000e0041"
    assert visible(f"a{hidden}b\n 深{hidden}圳") == "ab\n 深圳"


@given(MIXED)
def test_visible_of_any_text_keeps_the_rest(text: str) -> None:
    assert visible(text) == "".join(c for c in text if c not in "\u200b\ufe0f\U000e0041")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("  one \t two  ", "one two"),
        ("the metro\nline", "the metro line"),
        ("the metro\r\nline", "the metro line"),
        ("深圳\n地铁", "深圳地铁"),
        ("深圳 \r\n 地铁", "深圳地铁"),
        ("深\n圳\n市", "深圳市"),
        ("试点，\n建设（\n一）", "试点，建设（一）"),
        ("深圳\nmetro", "深圳 metro"),
        ("2021\n年", "2021 年"),
        ("第一段\n\n第二段", "第一段 第二段"),
    ],
)
def test_unwrap_of_broken_lines_gives_one_line(text: str, line: str) -> None:
    assert unwrap(text) == line


@given(MIXED)
def test_unwrap_of_any_text_keeps_all_but_space(text: str) -> None:
    line = unwrap(text)
    assert "".join(line.split()) == "".join(text.split())
    assert line == " ".join(line.split())


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("2021 %", "en"),
        ("Shenzhen metro", "en"),
        ("深圳地铁", "zh"),
        ("two words 深圳", "zh"),
        ("three more words 深圳", "en"),
        ("深圳 Metro 12 开通", "zh"),
    ],
)
def test_detect_of_mixed_text_weighs_characters_against_words(text: str, language: Language) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("— … 。", []),
        ("The Metro opens", ["the", "metro", "opens"]),
        ("地铁12号线", ["地铁", "12", "号线"]),
        ("1,234,567 and 3.5", ["1234567", "and", "3.5"]),
        ("１，２", ["12"]),
        ("China’s don't", ["china's", "don't"]),
        ("high-quality foo_bar", ["high", "quality", "foo", "bar"]),
        ("深圳，廣州", ["深圳", "广州"]),
    ],
)
def test_words_of_text_gives_maximal_runs_in_order(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("深圳市", ["深", "圳", "市", "深圳", "圳市"]),
        ("城", ["城"]),
        ("Cities city’s CITY", ["citi", "citi", "citi"]),
        ("invested 1,500.25 yuan", ["invest", "1500.25", "yuan"]),
        ("第12条", ["第", "12", "条"]),
    ],
)
def test_tokenise_of_text_gives_terms_in_order_with_repeats(text: str, expected: list[str]) -> None:
    assert tokenise(text) == expected


@given(MIXED)
def test_tokenise_of_any_text_ignores_width_and_case(text: str) -> None:
    assert tokenise(text.upper()) == tokenise(text.lower()) == tokenise(fold(text))


def test_stem_of_inflected_words_is_one() -> None:
    assert {stem(word) for word in ("connect", "connected", "connecting", "connection")} == {"connect"}


def test_function_terms_of_content_words_hold_none() -> None:
    assert {"the", "which", "of"} <= FUNCTION_TERMS
    assert not FUNCTION_TERMS & set(tokenise("metro pilot city 深圳"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n \t", []),
        ("No end", ["No end"]),
        ("One came. Two left! Three? Four", ["One came.", "Two left!", "Three?", "Four"]),
        ("  Spaces around.  \n", ["Spaces around."]),
        ("First; second; third.", ["First; second; third."]),
        ("See Hello.World and a.b.", ["See Hello.World and a.b."]),
    ],
)
def test_sentence_spans_of_english_end_at_stops(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Mr. Wu and Dr. Li met.",
        "See Fig. 2 and No. 12 of Vol. 3.",
        "J. Smith signed it.",
        "Cities, e.g. Shenzhen, i.e. The pilot.",
        "The U.S. Economy grew.",
        "Roads, ports etc. were built.",
        "Issued on Dec. 13.",
        "(Art. 5 applies.)",
    ],
)
def test_sentence_spans_after_abbreviation_go_on(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize("end", ["construction of phase V.", "in part I.", "a plan of type X."])
def test_sentence_spans_after_roman_numeral_end(end: str) -> None:
    assert sentences(f"This is {end} All figures are rounded.") == [f"This is {end}", "All figures are rounded."]


def test_sentence_spans_after_initial_of_a_name_go_on() -> None:
    assert sentences("Henry V. Porter and I. Newton met.") == ["Henry V. Porter and I. Newton met."]


@pytest.mark.parametrize("number", ["3.5", "1,234.56", "12.3%", "2.0.1"])
def test_sentence_spans_in_decimal_go_on(number: str) -> None:
    assert sentences(f"It cost {number} billion. Then it grew.") == [f"It cost {number} billion.", "Then it grew."]


def test_sentence_spans_after_number_end() -> None:
    assert sentences("It opened in 2021. Line 12 followed.") == ["It opened in 2021.", "Line 12 followed."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("第一句。第二句！第三句？完", ["第一句。", "第二句！", "第三句？", "完"]),
        ("他说：“好。”她走了。", ["他说：“好。”", "她走了。"]),
        ("（完。）下一句。", ["（完。）", "下一句。"]),
        ("「好！」『是？』》", ["「好！」", "『是？』》"]),
        ("真的？！”’走。", ["真的？！”’", "走。"]),
        ("未完……继续。", ["未完……继续。"]),
        ("未完……”\n下一句", ["未完……”", "下一句"]),
        ("投资3.5亿元。增长12.3%。", ["投资3.5亿元。", "增长12.3%。"]),
        ("一是；二是；三是。", ["一是；二是；三是。"]),
    ],
)
def test_sentence_spans_of_chinese_keep_closers(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_sentence_spans_after_stop_in_english_quotes_keep_the_quote() -> None:
    assert sentences('He said "Go ahead." Then (it ended.) They left.') == [
        'He said "Go ahead."',
        "Then (it ended.)",
        "They left.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The metro of\nShenzhen opened. It\nruns.", ["The metro of\nShenzhen opened.", "It\nruns."]),
        ("深圳市地\n铁开通。第二\n句。", ["深圳市地\n铁开通。", "第二\n句。"]),
        ("See\nNo.\n12 there.", ["See\nNo.\n12 there."]),
        ("A heading\n\nIts text.", ["A heading", "Its text."]),
        ("A heading\r\n \t\r\nIts text.", ["A heading", "Its text."]),
        ("approx.\n\nThe next", ["approx.", "The next"]),
    ],
)
def test_sentence_spans_over_line_breaks_end_at_blank_lines_only(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(MIXED)
def test_sentence_spans_of_any_text_are_in_order_and_hold_all_but_space(text: str) -> None:
    position = 0
    for span in sentence_spans(text):
        assert position <= span.start < span.end <= len(text)
        assert not text[position : span.start].strip()
        assert text[span.start : span.end] == text[span.start : span.end].strip()
        position = span.end
    assert not text[position:].strip()


def test_sentence_spans_of_long_paragraph_take_linear_time() -> None:
    text = f"The {'metro ' * 80}opened. " * 12_000
    started = time.process_time()
    assert len(sentence_spans(text)) == 12_000
    assert time.process_time() - started < 1
