from __future__ import annotations

import re
from dataclasses import fields

from assistant.types import Outcome
from assistant.web.texts import CHINESE, ENGLISH, words
from index.language import detect


def test_words_of_a_language_are_its_own() -> None:
    assert words("en") is ENGLISH
    assert words("zh") is CHINESE


def test_texts_say_every_outcome_in_both_languages() -> None:
    assert set(ENGLISH.outcomes) == set(CHINESE.outcomes) == set(Outcome)


def test_texts_take_the_same_values_in_both_languages() -> None:
    for field in fields(ENGLISH):
        english, chinese = getattr(ENGLISH, field.name), getattr(CHINESE, field.name)
        if isinstance(english, str):
            assert english and chinese, field.name
            assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese)), field.name


def test_examples_are_in_the_language_of_their_page() -> None:
    assert {detect(question) for question in ENGLISH.examples} == {"en"}
    assert {detect(question) for question in CHINESE.examples} == {"zh"}
