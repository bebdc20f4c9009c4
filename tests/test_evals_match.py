from __future__ import annotations

from evals.match import fold, has_expected, overlaps, squash


def test_fold_of_fullwidth_and_curly_gives_plain() -> None:
    assert fold("ＡＢ１２ “x”") == 'ab12 "x"'


def test_squash_drops_every_space() -> None:
    assert squash("308 分\n前") == "308分前"


def test_has_expected_takes_any_alternative() -> None:
    assert has_expected("共3300万人次", "33 million|3300万")
    assert not has_expected("共3200万人次", "33 million|3300万")


def test_has_expected_lets_spaces_and_commas_through() -> None:
    assert has_expected("about 50,000 base stations", "50000")
    assert has_expected("about 50000 base stations", "50,000 base stations")
    assert has_expected("总投资 36289 亿元", "36289亿元")
    assert has_expected("33million", "33 million")


def test_has_expected_keeps_numbers_whole() -> None:
    assert not has_expected("by 2025", "5")
    assert not has_expected("1,300 km", "300")
    assert not has_expected("300,000 km", "300")
    assert not has_expected("5.25 km", "5")
    assert not has_expected("5.25 km", "25")
    assert has_expected("in 2025, 300 km", "2025")
    assert has_expected("grew by 5.", "5")
    assert has_expected("2021年12月13日", "2021年12月13日")


def test_has_expected_ignores_case_and_width() -> None:
    assert has_expected("The ＮＤＲＣ agreed", "ndrc")


def test_overlaps_when_one_holds_the_other() -> None:
    assert overlaps("Shenzhen may run a pilot.", "The NDRC agrees that Shenzhen may run a pilot.")
    assert overlaps("The NDRC agrees that Shenzhen may run a pilot.", "Shenzhen may run a pilot.")


def test_overlaps_when_half_of_the_shorter_is_shared() -> None:
    assert overlaps("aaaaabbbbb", "bbbbbccccccc")
    assert not overlaps("aaaaaabbbb", "bbbbccccccc")


def test_overlaps_of_empty_quote_is_false() -> None:
    assert not overlaps("", "anything")
