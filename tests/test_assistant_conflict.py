from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.conflict import find_conflict, settle
from assistant.evidence import Evidence
from assistant.understand import Kind
from index.store import PassageStore
from tests.fakes_assistant import evidence_of, overlap_with, tiny_store

FIVE, SIX = "The metro has 500 stations.", "The metro has 600 stations."
AGREED = "There are 500 stations on the metro."
KILOMETRES = "The metro has 600 km."
COUNTED, BY_SOURCE = "In 2021 the port had 40 ships.", "The 2022 report counts 50 ships at the port in 2021."
GOAL = "The 2021 plan wants 60 ships at the port by 2025."
IN_2021, IN_2023 = "In 2021 it had 500 stations.", "In 2023 it had 600 stations."
MAY, JUNE = "The line opened on 3 May 2021.", "The line opened on 9 May 2021."
FIVE_ZH, SIX_ZH = "深圳有500个站。", "深圳有600个站。"
OLDER = "An older article says the metro has 400 stations."
DIFFER = "The sources do not agree: 500 stations or 600."
REMARK = "The two figures for its stations do not agree: 500 by the city, 510 by the state."
WORD = 'The letter calls the metro "integrated".'
WORDS = 'The sources do not agree: the letter says "integrated", the report "joined up".'
FERRIES, FERRIES_TOO = (
    "There are 18 ferries.",
    "The sources do not agree: the port says 18, the city 48 at the end of 2024.",
)
DOCUMENTS = {
    "ferries.md": f"# Ferries\n\n{FERRIES} {FERRIES_TOO}",
    "a.md": f"# A\n\n{FIVE} {IN_2021} {MAY}",
    "b.md": f"# B\n\n{SIX} {AGREED} {KILOMETRES} {IN_2023} {JUNE}",
    "a-twin.md": f"---\ntranslation_of: a.md\n---\n# Twin\n\n{SIX}",
    "same.md": f"# Same\n\n{FIVE} {SIX} {DIFFER}",
    "older.md": f"# Older\n\n{OLDER} {KILOMETRES}",
    "remark.md": f"# Remark\n\n{FIVE} {REMARK}",
    "words.md": f"# Words\n\n{WORD} {WORDS}",
    "fare-1.md": "---\ntitle: The Herald\npublished: '2021'\n---\nThe fare is 8 yuan.",
    "fare-2.md": "---\ntitle: Fares\nissuer: The Transport Office\npublished: '2024'\n---\nThe fare is 9 yuan.",
    "ships-1.md": f"# Ships\n\n{COUNTED}",
    "ships-2.md": f"# Boats\n\n{BY_SOURCE}",
    "ships-3.md": f"# Fleet\n\n{GOAL}",
    "zh-a.md": f"# 甲\n\n{FIVE_ZH}",
    "zh-b.md": f"# 乙\n\n{SIX_ZH}",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("conflict"), DOCUMENTS)


def found(store: PassageStore, *places: tuple[str, str]) -> list[Evidence]:
    return [evidence_of(store, text, document=document) for document, text in places]


def sides(evidence: Sequence[Evidence]) -> list[tuple[str, str]]:
    return [(one.passage.document.id, one.text) for one in evidence]


@pytest.mark.parametrize(
    "places",
    [
        (("a.md", FIVE), ("b.md", SIX)),
        (("zh-a.md", FIVE_ZH), ("zh-b.md", SIX_ZH)),
        (("ships-1.md", COUNTED), ("ships-2.md", BY_SOURCE)),
    ],
    ids=["en", "zh", "the year of a source"],
)
def test_find_conflict_other_value_of_the_same_unit_shows_both(
    store: PassageStore, places: tuple[tuple[str, str], ...]
) -> None:
    assert sides(find_conflict(found(store, *places), Kind.HOW_MANY)) == list(places)


@pytest.mark.parametrize(
    "places",
    [
        (),
        (("a.md", FIVE),),
        (("a.md", FIVE), ("b.md", AGREED)),
        (("a.md", FIVE), ("b.md", KILOMETRES)),
        (("a.md", IN_2021), ("b.md", IN_2023)),
        (("same.md", FIVE), ("same.md", SIX)),
        (("a.md", FIVE), ("a-twin.md", SIX)),
        (("a.md", FIVE), ("zh-b.md", SIX_ZH)),
    ],
    ids=["nothing", "one", "same value", "other unit", "other year", "same document", "translation", "other language"],
)
def test_find_conflict_nothing_to_compare_is_empty(store: PassageStore, places: tuple[tuple[str, str], ...]) -> None:
    assert find_conflict(found(store, *places), Kind.HOW_MANY) == []


def test_find_conflict_question_for_no_value_is_empty(store: PassageStore) -> None:
    assert find_conflict(found(store, ("a.md", FIVE), ("b.md", SIX)), Kind.WHY) == []


def test_find_conflict_weak_rival_is_none(store: PassageStore) -> None:
    best = evidence_of(store, FIVE, document="a.md")
    for rival in (
        evidence_of(store, SIX, document="b.md", score=-9),
        evidence_of(store, SIX, document="b.md", share=0.0),
    ):
        assert find_conflict([best, rival], Kind.HOW_MANY) == []


def test_find_conflict_sentence_that_says_so_counts_with_what_stands_beside_it(store: PassageStore) -> None:
    conflict = find_conflict(found(store, ("same.md", FIVE), ("same.md", DIFFER)), Kind.HOW_MANY)
    assert [text for _, text in sides(conflict)] == [DIFFER, FIVE]


def test_find_conflict_sentence_of_an_older_source_counts_with_the_other_value(store: PassageStore) -> None:
    conflict = find_conflict(found(store, ("older.md", OLDER), ("older.md", KILOMETRES), ("b.md", SIX)), Kind.OTHER)
    assert [text for _, text in sides(conflict)] == [OLDER, SIX]


def test_find_conflict_sentence_that_says_so_without_a_second_value_is_none(store: PassageStore) -> None:
    assert find_conflict(found(store, ("older.md", OLDER), ("older.md", KILOMETRES)), Kind.OTHER) == []


@pytest.mark.parametrize(("document", "best", "remark"), [("remark.md", FIVE, REMARK), ("words.md", WORD, WORDS)])
def test_find_conflict_remark_of_the_same_document_on_what_is_quoted_follows(
    store: PassageStore, document: str, best: str, remark: str
) -> None:
    said = evidence_of(store, best, document=document, logit=5.0)
    later = evidence_of(store, remark, document=document, score=-9.0, logit=3.0)
    assert [text for _, text in sides(find_conflict([said, later], Kind.HOW_MANY))] == [best, remark]


def test_find_conflict_remark_on_something_else_or_beside_the_question_is_none(store: PassageStore) -> None:
    said = evidence_of(store, FIVE, document="remark.md", logit=5.0)
    beside = evidence_of(store, REMARK, document="remark.md", score=-9.0, logit=-3.0)
    foreign = evidence_of(store, WORDS, document="words.md", score=-9.0, logit=5.0)
    assert find_conflict([said, beside], Kind.HOW_MANY) == []
    assert find_conflict([said, foreign], Kind.HOW_MANY) == []


def test_find_conflict_headings_do_not_count(store: PassageStore) -> None:
    assert find_conflict(found(store, ("a.md", "A"), ("b.md", "B")), Kind.HOW_MANY) == []


FARES = (("fare-1.md", "The fare is 8 yuan."), ("fare-2.md", "The fare is 9 yuan."))


@pytest.mark.parametrize(
    ("question", "chosen"),
    [
        ("What is the fare now?", FARES[1]),
        ("According to the Herald, what is the fare?", FARES[0]),
        ("What is the fare according to the transport office?", FARES[1]),
        ("What is the fare according to the mayor?", None),  # neither
        ("What is the fare?", None),
    ],
)
def test_settle_the_newest_or_the_one_that_is_named(
    store: PassageStore, question: str, chosen: tuple[str, str] | None
) -> None:
    settled = settle(found(store, *FARES), question, overlap_with(store, question))
    assert (sides([settled]) if settled else None) == ([chosen] if chosen else None)


def test_settle_remark_that_tells_the_newer_value_answers_for_the_latest(store: PassageStore) -> None:
    question = "How many ferries are there now?"
    rivals = found(store, ("ferries.md", FERRIES), ("ferries.md", FERRIES_TOO))
    settled = settle(rivals, question, overlap_with(store, question))
    assert settled is not None and settled.text == FERRIES_TOO
    assert settle(rivals, "How many ferries are there?", overlap_with(store, question)) is None


def test_settle_nothing_newer_stays_open(store: PassageStore) -> None:
    question = "How many stations does the metro have now?"
    rivals = found(store, ("a.md", FIVE), ("b.md", SIX))
    assert settle(rivals, question, overlap_with(store, question)) is None


def test_find_conflict_goal_of_a_plan_of_that_year_is_no_other_value(store: PassageStore) -> None:
    assert find_conflict(found(store, ("ships-1.md", COUNTED), ("ships-3.md", GOAL)), Kind.HOW_MANY) == []
