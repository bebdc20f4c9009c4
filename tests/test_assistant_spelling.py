from __future__ import annotations

import pytest

from assistant.spelling import Speller
from assistant.types import Question
from index.store import PassageStore
from tests.fakes_assistant import tiny_assistant, tiny_store

KNOWN = frozenset("when was the how many does have there what will river desalination commute licence".split())
DOCUMENTS = {
    "tunnel.md": "---\ntitle: Works\n---\nThe supercharging tunnel to Zhongshan and Nanshan was completed by Shenzhen."
    " Projects and population are longer than before.",
    "zh.md": "# 地铁\n\n深圳地铁有500个站。",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("spelling"), DOCUMENTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("When was the tunel completd?", "When was the tunnel completed?"),
        ("Superchargng tunnel?", "Supercharging tunnel?"),
        ("When was the Shenzen tunnel completed?", "When was the Shenzhen tunnel completed?"),
        ("tunnel to zhonshan", "tunnel to zhongshan"),
        ("How many does the populaton have?", "How many does the population have?"),  # a slip in the ending
    ],
)
def test_corrected_misspelt_words_of_the_corpus(store: PassageStore, text: str, expected: str) -> None:
    assert Speller(KNOWN.__contains__).corrected(text, store) == expected


@pytest.mark.parametrize(
    "text",
    [
        "When was the tunnel completed?",
        "How many commutes does the tunnel have?",  # a known word's inflection
        "When was the bridge to Nansha completed?",  # another place, one letter from Nanshan
        "What will the Tonnel cost?",  # a name may only be a name's slip
        "What is TUNEL, and what is x-tunel@tunel.cn?",
        "Combien de stations le tunel Projekts?",  # another language
        "Was heißt Projekts?",
        "thann",  # a slip of a function word
        "When was the completely different chrysanthemum there?",
        "深圳地铁有多少个站？tunnle",  # a question in Chinese is corrected too, but not where nothing is near
        "",
    ],
)
def test_corrected_leaves_everything_else(store: PassageStore, text: str) -> None:
    corrected = Speller(KNOWN.__contains__).corrected(text, store)
    assert corrected == text.replace("tunnle", "tunnel")


def test_corrected_corpus_without_english_changes_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    chinese = tiny_store(tmp_path_factory.mktemp("chinese"), {"zh.md": DOCUMENTS["zh.md"]})
    assert Speller(KNOWN.__contains__).corrected("When was the tunel?", chinese) == "When was the tunel?"


def test_invoke_misspelt_question_shows_what_was_understood(store: PassageStore) -> None:
    assistant = tiny_assistant(store)
    assistant.engine.speller = Speller(KNOWN.__contains__)
    answer = assistant.invoke(Question("When was the tunel completd?"))
    assert (answer.question, answer.understood_as) == (
        "When was the tunel completd?",
        "When was the tunnel completed?",
    )
    assert [sentence.text for sentence in answer.sentences] == [
        "The supercharging tunnel to Zhongshan and Nanshan was completed by Shenzhen."
    ]
