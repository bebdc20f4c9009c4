"""Numbers, dates and shares in Chinese and English text, in one scale, to compare what sources say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.language import fold

_SCALES = {
    "百": 1e2,
    "千": 1e3,
    "万": 1e4,
    "亿": 1e8,
    "万亿": 1e12,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
}
_QUANTITY = re.compile(
    r"(?<![a-z\d_.])(\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?:[多余](?=[百千万亿]))?"
    r"(万亿|亿|万|千|百|thousand\b|million\b|billion\b|trillion\b)?\s*(?:[多余](?=[\u4e00-\u9fff]))?"
    r"(%|percentage points?|per ?cent|个百分点|[a-z]+(?:[ -][a-z]+)?|[\u4e00-\u9fff]{1,2})?"
)
_OF_A_DOCUMENT = re.compile(  # a year that says of which year a report or plan is, not for which a figure stands
    r"\b(?:19|20)\d\d(?= (?:[a-z-]+ ){0,4}(?:reports?|plans?|outline|notice|opinions?|articles?|release|guidelines?)\b)"
    r"|(?:19|20)\d\d年?(?=[\u4e00-\u9fff]{0,10}(?:报告|规划|方案|计划|公报|报道|纲要|意见|指引)(?:称|说|显示|提出|写|把|给出|公布))"
)
_NETWORK = re.compile(r"(?<![a-z\d.])[2-9]g(?![a-z])")  # 5G names a kind of network and counts nothing
_CHINESE_DAY = re.compile(r"(?<!\d)\d{1,2}月(?:\d{1,2}[日号])?")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d|,\d)")
_DATE = re.compile(
    r"(?:19|20)\d{2}年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2}月\d{1,2}日"
    r"|(?:\d{1,2} )?(?:january|february|march|april|may|june|july|august|september|october|november|december)"
    r"(?: \d{1,2},?)?(?: (?:19|20)\d{2})?|(?<!\d)(?:19|20)\d{2}(?!\d)"
)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH_DAY = re.compile(r"(?<!\d)(\d{1,2})月(\d{1,2})[日号]")
_DAY_NAMED = re.compile(
    rf"(?:(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? )?\b({'|'.join(_MONTHS)})\b(?: (\d{{1,2}})(?!\d))?"
)
_YEAR_MONTH = re.compile(r"(?<!\d)((?:19|20)\d{2})(?:年(?=\d{1,2}月)|-(?=\d\d(?!\d)))(\d{1,2})")
_MONTH_YEAR = re.compile(rf"\b({'|'.join(_MONTHS)})(?: \d{{1,2}}(?:st|nd|rd|th)?)?,? ((?:19|20)\d{{2}})(?!\d)")
_CHINESE_NUMBER = re.compile(
    r"[一二三四五六七八九十两百千]+(?:个|条|座|项|成|倍|分之|家|种|大|类|次|期|号)|百分之|一半|过半"
)
_ENGLISH_NUMBER = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|hundred|half|third|quarter|fifth)s?\b"
)
_ASKS_MONEY = re.compile(
    r"\b(?:what|how much)\b.{0,60}"
    r"\b(?:cost|price|toll|fare|fee|fine|penalty|budget|funding|ticket|money|spent|spend|worth|invest)"
    r"|\bhow much is\b|\bcosts?\b|多少钱|造价|票价|收费|怎么收|罚款|定多少|花.{0,6}钱|(?:多少|几)(?:亿|万)?元"
)
_MONEY = re.compile(r"\b(?:yuan|rmb|cny|dollars?|usd|hk\$|euros?)\b|[$¥€]|元|人民币|美元|港元")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in plain units, and the first word or characters of what it counts ("%" for shares)."""

    value: float
    unit: str


def numbers(text: str) -> frozenset[str]:
    """The digit strings of the text, without separators, for example {"2025", "226.8"}."""
    return frozenset(found.replace(",", "") for found in re.findall(r"\d[\d,]*(?:\.\d+)?", fold(text)))


def magnitudes(text: str) -> frozenset[float]:
    """The values of all numbers of the text in plain units, years included: "1.2万" and "12,000" are the same."""
    found = {
        float(digits.replace(",", "")) * _SCALES.get(scale, 1.0) for digits, scale, _ in _QUANTITY.findall(fold(text))
    }
    return frozenset(round(value, 6) for value in found)


def years(text: str) -> frozenset[str]:
    """The years 1900 to 2099 that the text names."""
    return frozenset(_YEAR.findall(fold(text)))


def days(text: str) -> frozenset[tuple[int, int]]:
    """The days that the text names, as (month, day), in digits or with English month names."""
    found = {(int(month), int(day)) for month, day in _MONTH_DAY.findall(fold(text))}
    for before, name, after in _DAY_NAMED.findall(fold(text)):
        if before or after:
            found.add((_MONTHS.index(name) + 1, int(before or after)))
    return frozenset(found)


def moments(text: str) -> frozenset[float]:
    """The times that the text names, as years with a fraction: August 2023 is 2023.6, a year alone its end, 2023.99."""
    folded = fold(text)
    named = {
        int(year) + (int(month) - 0.5) / 12 for year, month in _YEAR_MONTH.findall(folded) if 1 <= int(month) <= 12
    }
    named |= {int(year) + (_MONTHS.index(month) + 0.5) / 12 for month, year in _MONTH_YEAR.findall(folded)}
    whole = {int(year) for year in years(text)} - {int(moment) for moment in named}
    return frozenset(round(moment, 2) for moment in named | {year + 0.99 for year in whole})


def quantities(text: str) -> tuple[Quantity, ...]:
    """The quantities of the text in order; "3.6万个" gives Quantity(36000, "个").

    Left out are Chinese days and months, kinds of networks such as 5G, and years: 1900 to 2099 without a separator,
    scale, % or Chinese unit but 年.
    """
    found: list[Quantity] = []
    for match in _QUANTITY.finditer(_NETWORK.sub(" ", _CHINESE_DAY.sub(" ", fold(text)))):
        digits, scale, unit = match.groups("")
        if not scale and _YEAR.fullmatch(digits) and ((unit[:1].isascii() and unit != "%") or unit.startswith("年")):
            continue
        share = unit == "%" or unit.startswith(("percent", "per cent"))
        value = float(digits.replace(",", "")) * _SCALES.get(scale, 1.0)
        found.append(Quantity(value, "%" if share else unit.split(" ")[0][:6]))
    return tuple(found)


def years_counted(text: str) -> frozenset[str]:
    """The years that the text names, less those that only say of which year a document is."""
    return years(_OF_A_DOCUMENT.sub(" ", fold(text)))


def has_date(text: str) -> bool:
    """Whether the text names a year, month or day."""
    return bool(_DATE.search(fold(text)))


def has_number(text: str) -> bool:
    """Whether the text holds a quantity, in digits or words; a bare year is none."""
    folded = fold(text)
    return bool(quantities(text) or _CHINESE_NUMBER.search(folded) or _ENGLISH_NUMBER.search(folded))


def asks_money(text: str) -> bool:
    """Whether a question asks for an amount of money."""
    return bool(_ASKS_MONEY.search(fold(text)))


def names_money(text: str) -> bool:
    """Whether a text names an amount of money."""
    return bool(_MONEY.search(fold(text)))
