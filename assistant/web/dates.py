"""Dates as issued ("2021", "2021-12", "2021-12-13") in the words of a language."""

from __future__ import annotations

import re

from assistant.web.texts import Words

_ISO = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")


def spoken_date(date: str, words: Words) -> str:
    """The date as people write it, to the same precision; anything that is no date comes back unchanged.

    "2021-12-13" is "13 December 2021" in English and "2021年12月13日" in Chinese.
    """
    found = _ISO.match(date)
    if not found:
        return date
    year, month, day = found[1], int(found[2] or 0), int(found[3] or 0)
    if month > 12:
        return date
    if not words.months:
        return f"{year}年" + (f"{month}月" if month else "") + (f"{day}日" if day else "")
    return " ".join([*([str(day)] if day else []), *([words.months[month - 1]] if month else []), year])
