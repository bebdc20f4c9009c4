"""When two texts count as the same: folding for comparison, expected strings, overlapping quotes."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

_MARKS = str.maketrans({"“": '"', "”": '"', "「": '"', "」": '"', "‘": "'", "’": "'", "‐": "-", "–": "-", "—": "-"})
_SPACE = re.compile(r"\s+")


def fold(text: str) -> str:
    """Text in NFKC and lower case, with straight quotes and plain hyphens; whitespace is kept."""
    return unicodedata.normalize("NFKC", text).translate(_MARKS).lower()


def squash(text: str) -> str:
    """`fold` without any whitespace: how quotes and answer spans are compared."""
    return _SPACE.sub("", fold(text))


def has_expected(answer: str, expected: str) -> bool:
    """Whether one of the "|"-separated alternatives occurs in the answer.

    Both sides are folded; spaces and commas count for nothing ("33 million" is in "33million", "50000" in "50,000"),
    but a number must be the whole number: "5" is not in "2025", nor "300" in "1,300".
    """
    text = fold(answer)
    return any(_pattern(fold(option)).search(text) is not None for option in expected.split("|") if option.strip())


def _pattern(option: str) -> re.Pattern[str]:
    """A pattern for one folded alternative, with spaces and commas let through and numbers kept whole."""
    letters = [letter for letter in option if letter not in ", \t\n"]
    body = r"[\s,]*".join(re.escape(letter) for letter in letters)
    before = after = ""
    if letters and letters[0].isdigit():
        before = r"(?<![0-9])(?<![0-9]\.)"
        if re.match(r"[0-9]{3}(?![0-9])", "".join(letters)):
            before += r"(?<![0-9],)"
    if letters and letters[-1].isdigit():
        after = r"(?![0-9]|\.[0-9]|,[0-9]{3}(?![0-9]))"
    return re.compile(before + body + after)


def overlaps(quote: str, other: str) -> bool:
    """Whether one quote holds the other, or they share at least half of the shorter one in one stretch; symmetric.

    Empty quotes overlap nothing.
    """
    one, two = sorted((squash(quote), squash(other)), key=lambda text: (len(text), text))
    if not one:
        return False
    if one in two:
        return True
    longest = SequenceMatcher(None, one, two, autojunk=False).find_longest_match()
    return 2 * longest.size >= len(one)
