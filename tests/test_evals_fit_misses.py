from __future__ import annotations

import random

import pytest

from evals.fit_data import Asked, Candidate, Collection, Task
from evals.fit_misses import exchangeable, near_misses
from index.pivot import Pivot
from index.types import Span

PIVOT = Pivot({"深圳": "Shenzhen", "广州": "Guangzhou", "地铁": "metro", "车站": "station", "港口": "port"}, {})
COLLECTION = Collection(
    "tiny",
    (("Shenzhen has 441 stations.", "It grew in 2025."), ("Guangzhou has a port.", "The port opened in 1987.")),
    ("Metro", "Port"),
    (
        Asked("a", "How many stations did Shenzhen have in 2025?", 0, {0: Span(13, 16)}),
        Asked("b", "When did the port of Guangzhou open?", 1, {1: Span(19, 23)}),
    ),
)
TASKS = [
    Task("a", (Candidate("Shenzhen has 441 stations.", Span(13, 16), "Metro"),), (Candidate("It grew in 2025."),)),
    Task("b", (Candidate("The port opened in 1987.", Span(19, 23), "Port"),), (Candidate("Guangzhou has a port."),)),
]


def parts(text: str) -> list[tuple[str, str]]:
    return [(text[one.start : one.end], one.what) for one in exchangeable(text, PIVOT)]


def test_exchangeable_english_question_gives_names_numbers_and_content() -> None:
    assert parts("How many stations did Shenzhen have in 2025?") == [
        ("stations", "word"),
        ("Shenzhen", "name"),
        ("2025", "number"),
    ]


def test_exchangeable_chinese_question_gives_dictionary_words() -> None:
    assert parts("深圳地铁有多少车站") == [("深圳", "name"), ("地铁", "word"), ("车站", "word")]


@pytest.mark.parametrize("text", ["", "What is it?", "是什么"])
def test_exchangeable_question_without_content_gives_nothing(text: str) -> None:
    assert parts(text) == []


@pytest.mark.parametrize("seed", range(8))
def test_near_misses_differ_in_one_part_that_the_passage_does_not_hold(seed: int) -> None:
    for task in near_misses(COLLECTION, TASKS, PIVOT, seed=seed, share=1.0):
        number = 0 if "have" in task.question else 1
        old, new = COLLECTION.asked[number].text.split(), task.question.split()
        changed = [word.strip("?") for word, before in zip(new, old, strict=True) if word != before]
        held = " ".join(COLLECTION.passages[number])
        assert len(changed) == 1
        assert changed[0] not in held
        assert task.answering == ()
        assert [one.text for one in task.beside] == [
            TASKS[number].answering[0].text,
            *(one.text for one in TASKS[number].beside),
        ]
        assert all(one.answer is None for one in task.beside)


def test_near_misses_of_one_seed_are_the_same_each_time() -> None:
    first, again = (list(near_misses(COLLECTION, TASKS, PIVOT, seed=3, share=1.0)) for _ in range(2))
    assert first == again


def test_near_misses_share_none_gives_nothing() -> None:
    assert list(near_misses(COLLECTION, TASKS, PIVOT, seed=random.Random(0).randint(0, 9), share=0.0)) == []
