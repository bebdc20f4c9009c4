from __future__ import annotations

import pytest

from assistant.values import (
    Quantity,
    asks_money,
    days,
    has_date,
    has_number,
    magnitudes,
    moments,
    names_money,
    numbers,
    quantities,
    years,
    years_counted,
)


def test_numbers_separators_and_full_width_give_one_form() -> None:
    assert numbers("12,000 stations, ２２６.８ km, 2025") == {"12000", "226.8", "2025"}
    assert numbers("no figures") == frozenset()


@pytest.mark.parametrize("text", ["1.2万个", "12,000 stations", "12 thousand", "共1.2万个"])
def test_magnitudes_scales_of_both_languages_agree(text: str) -> None:
    assert magnitudes(text) == {12000.0}


def test_magnitudes_trillion_is_more_than_its_first_character() -> None:
    assert magnitudes("3.68万亿元") == {3.68e12}


def test_magnitudes_letters_and_digits_joined_are_no_number() -> None:
    assert magnitudes("line F5 of route_66") == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In 2021 and by 2035.", {"2021", "2035"}),
        ("２０２５年", {"2025"}),
        ("2,021 stations, 12021, 20215", set()),
        ("1899 and 2100", set()),
    ],
)
def test_years_only_four_digits_1900_to_2099(text: str, expected: set[str]) -> None:
    assert years(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.6万个", Quantity(36000, "个")),
        ("深圳有3.6万个", Quantity(36000, "个")),
        ("6.4万多个5G基站", Quantity(64000, "个")),
        ("300多万辆", Quantity(3e6, "辆")),
        ("100余亿元", Quantity(1e10, "元")),
        ("全长226.8公里", Quantity(226.8, "公里")),
        ("占比达到60%", Quantity(60, "%")),
        ("60 per cent", Quantity(60, "%")),
        ("60 percent", Quantity(60, "%")),
        ("增长5个百分点", Quantity(5, "个百分点")),
        ("20 persons", Quantity(20, "person")),
        ("3 per day", Quantity(3, "per")),
        ("3 million people", Quantity(3e6, "people")),
        ("2000个", Quantity(2000, "个")),
        ("2,000 stations", Quantity(2000, "statio")),
    ],
)
def test_quantities_one_figure_gives_value_and_unit(text: str, expected: Quantity) -> None:
    assert quantities(text) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "5G",
        "全市5G基站",
        "a 4G or 6g network",
        "2025",
        "到2025年底",
        "In 2021, the city",
        "In 2021 the city",
        "2021年12月",
        "在2021年12月13日",
        "none",
    ],
)
def test_quantities_years_and_chinese_dates_are_left_out(text: str) -> None:
    assert quantities(text) == ()


def test_quantities_several_keep_their_order() -> None:
    assert quantities("2021, 25 km; 5 lines") == (Quantity(25, "km"), Quantity(5, "lines"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in December", True),
        ("on 13 December 2021", True),
        ("12月13日", True),
        ("2025年", True),
        ("by 2025", True),
        ("25 lines", False),
    ],
)
def test_has_date_year_month_or_day_counts(text: str, expected: bool) -> None:
    assert has_date(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25 lines", True),
        ("four crossovers", True),
        ("共有四个方面", True),
        ("共3座", True),
        ("in 2025", False),
        ("到2025年", False),
        ("2021年12月13日印发", False),
        ("many lines", False),
    ],
)
def test_has_number_figures_and_words_but_no_bare_year(text: str, expected: bool) -> None:
    assert has_number(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How much does the tunnel cost?", True),
        ("What is the toll?", True),
        ("過路費怎麼收，要多少錢？", True),
        ("投资多少亿元？", True),
        ("How many stations are there?", False),
        ("有多少个基站？", False),
    ],
)
def test_asks_money_question_for_an_amount(text: str, expected: bool) -> None:
    assert asks_money(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("60 yuan", True), ("¥60", True), ("60亿元", True), ("60 km", False), ("60公里", False)]
)
def test_names_money_needs_a_currency(text: str, expected: bool) -> None:
    assert names_money(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on 6 December 2021 and July 4, 2020", {(12, 6), (7, 4)}),
        ("the 1st of May", {(5, 1)}),
        ("2021年12月13日，8月1號", {(12, 13), (8, 1)}),
        ("In May 2020, 2021年5月", set()),
        ("", set()),
    ],
)
def test_days_month_and_day_in_either_language(text: str, expected: set[tuple[int, int]]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In August 2023 there were 41.", {2023.62}),
        ("2023年8月和2024年底", {2023.62, 2024.99}),
        ("On 22 March 2024, then in 2024", {2024.21}),
        ("2025-02-03", {2025.12}),
        ("2025-02", {2025.12}),
        ("2024-2035", {2024.99, 2035.99}),
        ("1,002 stations in 2024年13月", {2024.99}),
        ("no time", set()),
    ],
)
def test_moments_months_and_ends_of_years(text: str, expected: set[float]) -> None:
    assert moments(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025年工作报告称，2024年增长15%", {"2024"}),
        ("The 2025 Government Work Report gives 15% for 2024.", {"2024"}),
        ("The 2022 plan sets a goal of 600 stations by 2025.", {"2025"}),
        ("2024年深圳共列入重大项目859个。", {"2024"}),
        ("2024年深圳计划再推出10个场景。", {"2024"}),
        ("Shenzhen planned 600 stations for 2025.", {"2025"}),
    ],
)
def test_years_counted_leaves_out_the_year_of_a_document(text: str, expected: set[str]) -> None:
    assert years_counted(text) == expected
