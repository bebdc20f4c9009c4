from __future__ import annotations

import pytest

from assistant.web.dates import spoken_date
from assistant.web.texts import CHINESE, ENGLISH


@pytest.mark.parametrize(
    ("date", "english", "chinese"),
    [
        ("2021-12-13", "13 December 2021", "2021年12月13日"),
        ("2021-02", "February 2021", "2021年2月"),
        ("2021", "2021", "2021年"),
        ("", "", ""),
        ("2021-13", "2021-13", "2021-13"),
        ("<b>", "<b>", "<b>"),
    ],
)
def test_spoken_date_keeps_its_precision(date: str, english: str, chinese: str) -> None:
    assert spoken_date(date, ENGLISH) == english
    assert spoken_date(date, CHINESE) == chinese
