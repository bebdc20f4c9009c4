"""How much of a text is wreckage of a broken encoding, as PDFs with poor fonts give it."""

from __future__ import annotations

import re
import unicodedata

_MOJIBAKE = re.compile("[ÃÂÄÅÆÇÈÉÐÊËâãäåæçèéï][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸ]{1,2}")
_GLYPH_NAME = re.compile(r"/[A-Za-z]{1,5}\d{1,5}(?=/|\s|$)")
_LATIN = re.compile("[A-Za-z]")
_VOWEL = re.compile("[aeiouyAEIOUY]")
_PRIVATE_BULLETS = frozenset("\uf0b7\uf0a7\uf0d8\uf0fc\uf06e\uf076\uf0be\uf02d")
VOWELLESS = 0.12
ENOUGH_LETTERS = 60
NOTICEABLE = 0.05
USELESS = 0.4


def garbled_share(text: str, *, undecoded: int = 0) -> float:
    """Share of the visible characters that are wreckage, 0 to 1.

    Replacement characters, private use (but for common bullets), unassigned code points, glyph names and sequences of
    UTF-8 read as Windows-1252 count; so do `undecoded` characters dropped before. Latin text almost without vowels (its
    glyphs are numbered by a font of its own) counts as a whole.

    Args:
        text: Text of a page.
        undecoded: Control characters that were dropped from it.
    """
    shown = [char for char in text if not char.isspace()]
    total = len(shown) + undecoded
    if not total:
        return 0.0
    letters = len(_LATIN.findall(text))
    if letters >= ENOUGH_LETTERS and letters >= 0.5 * total and len(_VOWEL.findall(text)) < VOWELLESS * letters:
        return 1.0
    bad = sum(
        char == "\ufffd" or (char not in _PRIVATE_BULLETS and unicodedata.category(char) in ("Co", "Cn", "Cs"))
        for char in shown
        if ord(char) > 127
    )
    bad += sum(len(match) for match in _MOJIBAKE.findall(text)) + sum(len(match) for match in _GLYPH_NAME.findall(text))
    return min(1.0, (bad + undecoded) / total)


def is_plausible(text: str) -> bool:
    """Whether a text may replace a garbled one: hardly any wreckage, and mostly letters and digits."""
    shown = [char for char in text if not char.isspace()]
    return garbled_share(text) < NOTICEABLE and sum(char.isalnum() for char in shown) >= 0.6 * max(len(shown), 1)
