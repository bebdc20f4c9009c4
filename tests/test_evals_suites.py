"""The shipped suites and the questions to fit on hold together with the corpus: every gold quote stands on its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from assistant.types import Outcome
from evals.cli import PILOT_SUITE
from evals.fit_data import FITTING
from evals.match import has_expected, squash
from evals.suite import Row, load_suite
from index.loaders import load
from index.settings import PROJECT_ROOT, LimitSettings

ROWS = load_suite(PILOT_SUITE)
FILES = {
    "pilot": ROWS,
    "heldout": load_suite(PILOT_SUITE.with_name("heldout.jsonl")),
    "blind": load_suite(PILOT_SUITE.with_name("blind.jsonl")),
    "blind2": load_suite(PILOT_SUITE.with_name("blind2.jsonl")),
    "blind3": load_suite(PILOT_SUITE.with_name("blind3.jsonl")),
    "plain": load_suite(PILOT_SUITE.with_name("plain.jsonl")),
    "fitting": load_suite(FITTING / "pilot.jsonl"),
}
SUITES = ("pilot", "heldout", "blind", "blind2", "blind3", "plain")
DOCUMENTS = PROJECT_ROOT / "documents"


@pytest.fixture(scope="module")
def pages() -> Mapping[tuple[str, int], str]:
    """Text of every page that a gold names, as the product's loaders give it."""
    names = sorted({gold.document_id for rows in FILES.values() for row in rows for gold in row.gold})
    loaded = {name: load(DOCUMENTS / name, LimitSettings(), ocr=False) for name in names}
    return {(name, page.number): page.text for name, document in loaded.items() for page in document.pages}


@pytest.mark.parametrize("name", FILES)
def test_suite_gold_quotes_stand_on_their_pages(name: str, pages: Mapping[tuple[str, int], str]) -> None:
    wrong = [
        f"{row.id}: {gold.document_id} p.{gold.page}: {gold.quote}"
        for row in FILES[name]
        for gold in row.gold
        if squash(gold.quote) not in squash(pages.get((gold.document_id, gold.page), ""))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", FILES)
def test_suite_expected_strings_stand_in_the_gold_quotes(name: str) -> None:
    wrong = [
        f"{row.id}: {expected}"
        for row in FILES[name]
        for expected in row.expected
        if not has_expected("\n".join(gold.quote for gold in row.gold), expected)
    ]
    assert wrong == []


def test_pilot_suite_has_enough_of_every_kind() -> None:
    kinds: Counter[str] = Counter(row.kind for row in ROWS)
    least = {
        "near_miss": 40, "off_topic": 20, "compound": 10, "list": 10, "number": 10, "date": 10, "conflicting": 8,
        "cross_lingual": 8, "superseded": 4,
    }  # fmt: skip
    assert {kind: kinds[kind] for kind in least if kinds[kind] < least[kind]} == {}
    assert len(ROWS) >= 120


def test_pilot_suite_has_enough_of_both_languages() -> None:
    answerable = Counter(row.language for row in ROWS if row.answerable)
    assert min(answerable["en"], answerable["zh"]) >= 25
    refusals = Counter(row.language for row in ROWS if not row.answerable)
    assert min(refusals["en"], refusals["zh"]) >= 25


def test_pilot_suite_ids_say_the_language() -> None:
    assert [row.id for row in ROWS if not row.id.startswith(f"{row.language}-")] == []


def questions(name: str) -> list[str]:
    return [squash(row.question) for row in FILES[name] if row.outcome != "small_talk"]


def test_suites_ask_no_question_twice() -> None:
    asked = Counter(question for name in SUITES for question in questions(name))
    assert [question for question, times in asked.items() if times > 1] == []


def test_no_question_of_a_suite_was_fitted_on() -> None:
    assert {question for name in SUITES for question in questions(name)} & set(questions("fitting")) == set()


def test_pilot_suite_cross_lingual_gold_is_in_the_other_language() -> None:
    def only_own(row: Row) -> bool:
        return all(gold.document_id.startswith(f"{row.language}/") for gold in row.gold)

    assert [row.id for row in ROWS if row.kind == "cross_lingual" and only_own(row)] == []


def test_pilot_suite_near_misses_are_refused() -> None:
    allowed = {Outcome.NOT_IN_DOCUMENTS, Outcome.AMBIGUOUS, Outcome.OFF_TOPIC}
    assert [row.id for row in ROWS if row.kind == "near_miss" and row.outcome not in allowed] == []
