"""Every visible word of the web pages, in English and Chinese."""

from __future__ import annotations

from assistant.web.texts.en import ENGLISH
from assistant.web.texts.words import OutcomeWords, Words
from assistant.web.texts.zh import CHINESE
from index.types import Language

__all__ = ["CHINESE", "ENGLISH", "OutcomeWords", "Words", "words"]


def words(language: Language) -> Words:
    """The words of one language."""
    return CHINESE if language == "zh" else ENGLISH
