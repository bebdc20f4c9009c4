from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.evidence import Evidence, EvidenceRanker, fits_kind, gives_number_unasked, rerank, states_nothing
from assistant.retrieve import Passage, make_query
from assistant.understand import Kind
from index.store import PassageStore
from tests.fakes import HashEmbedder, fake_pivot
from tests.fakes_assistant import evidence_of, overlap_with, passage_of, tiny_store

OPENED, GREY = "The tunnel opened in 2024.", "The bridge is grey."
NOTE = "This is a summary and the source prevails."
FUND = "The fund held 5 million yuan."
COUNT_2023 = "In August 2023 there were 41 stations."
COUNT_2024 = "At the end of 2024 there were 1,002 stations."
COUNT_GOAL = "By 2035 there are to be 5,000 stations."
METRO_ZH = "深圳地铁很长。"
DOCUMENTS = {
    "a-2021.md": f"---\ntitle: Report of 2021\n---\n{FUND}",
    "b-2023.md": f"---\ntitle: Report of 2023\n---\n{FUND}",
    "d-2019.md": f"---\ntitle: Old\npublished: '2019'\n---\n{FUND}",
    "d-2024.md": f"---\ntitle: New\npublished: '2024'\n---\n{FUND}",
    "counts.md": f"---\ntitle: Counts\npublished: '2025-02'\n---\n{COUNT_2023}\n\n{COUNT_2024}\n\n{COUNT_GOAL}",
    "tunnel.md": f"---\ntitle: Works\nnote: {NOTE}\n---\n# Tunnel\n\n{GREY} {OPENED}\n\n{NOTE}",
    "zh-a.md": f"# 地铁\n\n{METRO_ZH}",
    "zh-b.md": "# 港口\n\n深圳港口很大。",
}


class WordScorer:
    """1 for a sentence with the word, else 0; remembers what it read."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.read: list[tuple[str, tuple[str, ...]]] = []
        self.contexts: set[str] = set()

    def score(
        self, question_pivot: str, sentence_pivots: Sequence[str], context_pivots: Sequence[str] = ()
    ) -> NDArray[np.float32]:
        self.read.append((question_pivot, tuple(sentence_pivots)))
        self.contexts.update(context_pivots)
        return np.array([float(self.word in text) for text in sentence_pivots], np.float32)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("evidence"), DOCUMENTS)


def passages(store: PassageStore, *documents: str) -> list[Passage]:
    return [passage_of(store, row) for name in documents for row in store.document_rows(name)]


def ranked(
    store: PassageStore, question: str, kind: Kind, *documents: str, scorer: WordScorer | None = None
) -> list[Evidence]:
    query = make_query(question, HashEmbedder(), fake_pivot())
    ranker = EvidenceRanker(fake_pivot(), scorer)
    return ranker.rank(query, kind, passages(store, *documents), overlap_with(store, question))


@pytest.mark.parametrize(
    ("text", "question", "kind", "expected"),
    [
        (OPENED, "When did the tunnel open?", Kind.WHEN, 1),
        (GREY, "When did the bridge open?", Kind.WHEN, 0),
        ("It was planned in 2024.", "When in 2024 did it open?", Kind.WHEN, 0),
        ("隧道于2024年6月通车。", "隧道什么时候通车？", Kind.WHEN, 1),
        ("It has four lanes.", "How many lanes has it?", Kind.HOW_MANY, 1),
        ("共有3座车站。", "有多少车站？", Kind.HOW_MANY, 1),
        ("It opened in 2024.", "How many lanes has it?", Kind.HOW_MANY, 0),
        ("It cost 60 million yuan.", "How much did it cost?", Kind.HOW_MANY, 1),
        ("It has 60 lanes.", "How much did it cost?", Kind.HOW_MANY, 0),
        ("It closed because of rain.", "Why did it close?", Kind.WHY, 1),
        ("It closed.", "Why did it close?", Kind.WHY, 0),
        ("由市发展改革委负责。", "由谁负责？", Kind.WHO, 1),
        ("red, blue, green", "Which colours are there?", Kind.LIST, 1),
        ("red", "Which colours are there?", Kind.LIST, 0),
        (OPENED, "The tunnel", Kind.OTHER, 0),
    ],
)
def test_fits_kind_is_1_where_the_thing_asked_for_is_there(text: str, question: str, kind: Kind, expected: int) -> None:
    assert fits_kind(text, question, kind) == expected


@pytest.mark.parametrize(
    "text",
    [
        "How long is it?",
        "This brief sums up the plan.",
        "With this decree the city said what it means by a pilot.",
        "It says which roads\nwill be built.",
        "The annex explains how fees are set.",
        "It says where the line should go.",
        "本文介绍三个项目。",
        "这份文件说明什么是试点，以及怎样\n推进。",
    ],
)
def test_states_nothing_is_true_of_what_asks_or_announces(text: str) -> None:
    assert states_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "The tunnel opened in 2024.",
        "The operator must explain why a request was refused within 30 days.",
        "Applicants shall describe how waste water is treated.",
        "Bidders must set out how they will train staff.",
        "The notice sets out which projects qualify: rail, ports and data centres.",
        "The guideline says who may apply: companies registered in the city.",
        "A sign at each stop shows when the next bus comes.",
        "The city said where possible, existing poles will be shared.",
        "The mayor said when completed the line would carry 1.2 million.",
        "The report does not say how many workers were hurt.",
        "申请人应当说明如何处置废弃物。",
        "管理机构须在3日内说明为什么不予许可。",
        "张市长解释为什么选址前海：地价低。",
        "这说明什么都没有改变。",
    ],
)
def test_states_nothing_is_false_of_what_answers(text: str) -> None:
    assert not states_nothing(text)


NUMBERED, NUMBERED_ZH = "The document number of the plan is No. 42.", "该规划的文号是深府〔2020〕42号。"


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        (NUMBERED, "What does the plan say of trams?", True),
        (NUMBERED_ZH, "规划怎么讲电车？", True),
        (NUMBERED, "What is the number of the plan?", False),
        (NUMBERED_ZH, "规划的文號是什么？", False),
        (NUMBERED_ZH, "深府〔2020〕42號讲什么？", False),
        ("The plan has 42 pages.", "What does the plan say of trams?", False),
    ],
)
def test_gives_number_unasked_is_true_only_of_a_number_that_nobody_asked_for(
    text: str, question: str, expected: bool
) -> None:
    assert gives_number_unasked(text, question) is expected


def test_rank_no_passages_gives_nothing(store: PassageStore) -> None:
    assert ranked(store, "When did the tunnel open?", Kind.WHEN) == []


def test_rank_sentence_that_answers_is_first_with_its_exact_span(store: PassageStore) -> None:
    first = ranked(store, "When was the tunnel opened?", Kind.WHEN, "tunnel.md")[0]
    chunk = first.passage.chunk
    assert first.text == OPENED == chunk.text[first.span.start - chunk.start : first.span.end - chunk.start]
    assert first.chunk_id == chunk.id
    assert chunk.sentences[first.number] == first.span


def test_rank_scorer_is_told_where_each_sentence_stands(store: PassageStore) -> None:
    scorer = WordScorer("opened")
    ranked(store, "When was the tunnel opened?", Kind.WHEN, "tunnel.md", "zh-a.md", scorer=scorer)
    assert scorer.contexts == {"Works: Tunnel", "metro"}


def margin(store: PassageStore, question: str, *, latest: bool) -> float:
    """By how much the newer of two equal documents leads."""
    query = make_query(question, HashEmbedder(), fake_pivot())
    read, overlap = passages(store, "d-2019.md", "d-2024.md"), overlap_with(store, question)
    found = EvidenceRanker(fake_pivot(), None).rank(query, Kind.HOW_MANY, read, overlap, latest=latest)
    scores = {one.passage.document.id: one.score for one in found}
    return scores["d-2024.md"] - scores["d-2019.md"]


def test_rank_latest_asked_for_prefers_the_newer_document(store: PassageStore) -> None:
    assert margin(store, "How much does the fund hold now?", latest=True) > 0
    assert margin(store, "How much does the fund hold?", latest=False) == pytest.approx(0)
    assert margin(store, "How much did the fund hold in 2019?", latest=True) == pytest.approx(0)


def test_rank_latest_asked_for_prefers_the_newest_time_that_is_no_goal(store: PassageStore) -> None:
    question = "How many stations are there now?"
    query, read = make_query(question, HashEmbedder(), fake_pivot()), passages(store, "counts.md", "d-2019.md")
    ranker = EvidenceRanker(fake_pivot(), None)

    def gain(text: str) -> float:
        with_it, without = (
            {one.text: one.score for one in ranker.rank(query, Kind.OTHER, read, overlap, latest=latest)}
            for overlap in [overlap_with(store, question)]
            for latest in (True, False)
        )
        return round(with_it[text] - without[text], 4)

    assert gain(COUNT_2024) > gain(COUNT_2023) > gain(COUNT_GOAL) - 1e-9
    assert gain(COUNT_2024) - gain(COUNT_GOAL) == pytest.approx(0.8)


def test_rank_without_a_scorer_leaves_logits_0(store: PassageStore) -> None:
    assert {one.logit for one in ranked(store, "When was it opened?", Kind.WHEN, "tunnel.md")} == {0.0}


def test_rank_headings_and_the_documents_own_note_are_left_out(store: PassageStore) -> None:
    assert {one.text for one in ranked(store, "Does the source prevail?", Kind.YES_NO, "tunnel.md")} == {
        GREY,
        OPENED,
    }


@pytest.mark.parametrize("order", [("a-2021.md", "b-2023.md"), ("b-2023.md", "a-2021.md")])
def test_rank_document_of_the_year_asked_for_is_preferred(store: PassageStore, order: tuple[str, str]) -> None:
    best, other = ranked(store, "How much did the fund hold in 2023?", Kind.HOW_MANY, *order)
    assert (best.text, other.text) == (FUND, FUND)
    assert best.passage.document.id == "b-2023.md"


def test_rank_scorer_reads_pivots_and_decides_between_equals(store: PassageStore) -> None:
    scorer = WordScorer("metro")
    evidence = ranked(store, "What is 很?", Kind.OTHER, "zh-a.md", "zh-b.md", scorer=scorer)
    ((question, read),) = scorer.read
    assert question == fake_pivot().pivot("What is 很?")
    assert sorted(read) == sorted(fake_pivot().pivot(one.text) for one in evidence)
    assert {one.text: one.logit for one in evidence}[METRO_ZH] == 1.0
    assert {one.text: one.logit for one in evidence}["深圳港口很大。"] == 0.0


def test_rerank_passages_of_the_other_language_follow_their_best_logit(store: PassageStore) -> None:
    first, second = passages(store, "zh-b.md", "zh-a.md")
    evidence = [evidence_of(store, "深圳港口很大。", logit=-3.0), evidence_of(store, METRO_ZH, logit=3.0)]
    assert [one.row for one in rerank([first, second], evidence, "en", store.documents)] == [second.row, first.row]


def test_rerank_passages_of_the_questions_language_need_a_clearer_lead(store: PassageStore) -> None:
    first, second = (
        replace(one, score=score) for one, score in zip(passages(store, "zh-b.md", "zh-a.md"), (2.0, 1.7), strict=True)
    )
    evidence = [evidence_of(store, "深圳港口很大。", logit=0.0), evidence_of(store, METRO_ZH, logit=4.0)]
    documents = store.documents
    assert [one.row for one in rerank([first, second], evidence, "zh", documents)] == [first.row, second.row]
    assert [one.row for one in rerank([first, second], evidence, "en", documents)] == [second.row, first.row]


@pytest.mark.parametrize(("low", "high"), [(0.0, 9.0), (-60.0, -50.0)])
def test_rerank_replaced_document_stays_behind_what_replaced_it(store: PassageStore, low: float, high: float) -> None:
    new, old = (
        replace(one, score=score) for one, score in zip(passages(store, "zh-b.md", "zh-a.md"), (2.0, 1.9), strict=True)
    )
    old = replace(old, document=replace(old.document, superseded_by=new.document.id))
    documents = {**store.documents, old.document.id: old.document}
    evidence = [evidence_of(store, "深圳港口很大。", logit=low), evidence_of(store, METRO_ZH, logit=high)]
    assert [one.row for one in rerank([new, old], evidence, "zh", documents)] == [new.row, old.row]


def test_rerank_passages_that_were_not_read_stay_behind(store: PassageStore) -> None:
    unread, read = passages(store, "zh-a.md", "zh-b.md")
    evidence = [evidence_of(store, "深圳港口很大。", logit=-3.0)]
    assert [one.row for one in rerank([unread, read], evidence, "en", store.documents)] == [read.row, unread.row]
    assert rerank([], [], "en", {}) == []
