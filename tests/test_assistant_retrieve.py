from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from langchain_core.documents import Document as LangChainDocument

from assistant.retrieve import Passage, PilotRetriever, behind_successors, make_query
from assistant.types import Filters
from index.store import PassageStore
from tests.fakes import HashEmbedder, fake_pivot
from tests.fakes_assistant import passage_of, tiny_search, tiny_store

TUNNEL = "The tunnel opened to traffic."
METRO_ZH = "深圳地铁很长。"
DOCUMENTS = {
    "best.md": f"---\ntitle: Best\npublished: '2024-05'\nkind: letter\n---\n{TUNNEL}",
    "old.md": "---\ntitle: Old\npublished: '2021-12'\nkind: plan\n---\nA tunnel is being planned by the city.",
    "port.md": "---\ntitle: Port\npublished: '2022'\nkind: plan\n---\nThe port grows every year.",
    "quay.md": "---\ntitle: Quay\n---\nThe third quay is the one at Huangge (黄阁).",
    "undated.md": "---\ntitle: Undated\n---\nNobody dated this page about a tunnel.",
    "zh.md": f"---\ntitle: 地铁\npublished: '2020'\nkind: plan\n---\n{METRO_ZH}",
    "law-1.md": "---\ntitle: Law\npublished: '2020'\n---\nDrones need a licence.",
    "law-2.md": "---\ntitle: Law\npublished: '2024'\nsupersedes: [law-1.md]\n---\nDrones need a licence.",
    "fee-1.md": "---\ntitle: Fee\npublished: '2019'\n---\nParking costs five yuan an hour.",
    "fee-2.md": "---\ntitle: Fee\npublished: '2020'\nsupersedes: [fee-1.md]\n---\nParking an hour costs six yuan here.",
    "fee-3.md": "---\ntitle: Fee\npublished: '2021'\nsupersedes: [fee-2.md]\n---\nParking costs seven yuan now.",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("retrieve"), DOCUMENTS)


def found(store: PassageStore, question: str, filters: Filters | None = None, *, top_k: int = 10) -> list[str]:
    search = tiny_search(store)
    passages = search.search(search.query(question), filters or Filters(), top_k=top_k)
    assert [one.score for one in passages] == sorted((one.score for one in passages), reverse=True)
    return [one.document.id for one in passages]


def test_make_query_english_question_keeps_its_words() -> None:
    query = make_query("Which tunnels are the tunnel's?", HashEmbedder(), fake_pivot())
    assert (query.language, query.pivot, query.terms["tunnel"]) == ("en", query.text, 2.0)
    assert set(query.english) == {"tunnel"}


def test_make_query_chinese_question_gets_english_terms_of_its_glosses() -> None:
    query = make_query("深圳地铁", HashEmbedder(), fake_pivot())
    assert (query.language, query.pivot) == ("zh", "Shenzhen metro")
    assert query.english == {"shenzhen": 1.0, "metro": 1.0}
    assert {"深圳", "地铁"} <= query.terms.keys()


@pytest.mark.parametrize("uses_pivot", [False, True])
def test_make_query_embeds_the_pivot_only_for_an_embedder_that_wants_it(uses_pivot: bool) -> None:
    embedder = HashEmbedder(uses_pivot=uses_pivot)
    make_query("深圳地铁", embedder, fake_pivot())
    assert embedder.texts == ["Shenzhen metro" if uses_pivot else "深圳地铁"]


def test_search_own_words_come_first(store: PassageStore) -> None:
    assert found(store, TUNNEL)[0] == "best.md"
    assert found(store, METRO_ZH)[0] == "zh.md"


def test_search_more_than_asked_for_is_cut(store: PassageStore) -> None:
    assert found(store, TUNNEL, top_k=1) == ["best.md"]
    assert len(found(store, TUNNEL, top_k=20)) == len(DOCUMENTS)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(as_of=date(2021, 12, 31)), {"old.md", "zh.md", "law-1.md", "fee-1.md", "fee-2.md", "fee-3.md"}),
        (Filters(as_of=date(2021, 12, 30)), {"zh.md", "law-1.md", "fee-1.md", "fee-2.md"}),
        (Filters(documents=("port.md",)), {"port.md"}),
        (Filters(language="zh"), {"zh.md"}),
        (Filters(kind="plan"), {"old.md", "port.md", "zh.md"}),
        (Filters(kind="plan", language="en"), {"old.md", "port.md"}),
        (
            Filters(exclude=("best.md", "law-1.md", "law-2.md", "zh.md", "fee-1.md", "fee-2.md", "fee-3.md")),
            {"old.md", "port.md", "quay.md", "undated.md"},
        ),
    ],
)
def test_search_filters_admit_whole_documents(store: PassageStore, filters: Filters, expected: set[str]) -> None:
    assert set(found(store, TUNNEL, filters)) == expected


@pytest.mark.parametrize(
    "filters",
    [
        Filters(documents=("port.md",)),
        Filters(kind="plan", language="en", exclude=("old.md",)),
        Filters(as_of=date(2022, 12, 31), exclude=("old.md", "zh.md", "law-1.md", "fee-1.md", "fee-2.md", "fee-3.md")),
    ],
)
def test_search_filters_apply_before_ranking(store: PassageStore, filters: Filters) -> None:
    assert found(store, TUNNEL, filters, top_k=1) == ["port.md"]


@pytest.mark.parametrize(
    "filters", [Filters(documents=("gone.md",)), Filters(as_of=date(2000, 1, 1)), Filters(kind="none")]
)
def test_search_empty_scope_finds_nothing(store: PassageStore, filters: Filters) -> None:
    assert found(store, TUNNEL, filters) == []


def test_search_superseded_document_ranks_below_its_successor_and_is_marked(store: PassageStore) -> None:
    ranked = [one for one in found(store, "Drones need a licence.") if one.startswith("law")]
    assert ranked == ["law-2.md", "law-1.md"]
    assert store.documents["law-1.md"].superseded_by == "law-2.md"


def test_search_replaced_document_that_matches_better_ranks_below_all_its_successors(store: PassageStore) -> None:
    ranked = [one for one in found(store, "Parking costs five yuan an hour.") if one.startswith("fee")]
    assert ranked == ["fee-3.md", "fee-2.md", "fee-1.md"]


def test_search_as_of_a_day_before_its_successor_a_replaced_document_keeps_its_score(store: PassageStore) -> None:
    search = tiny_search(store)
    query = search.query("Parking costs five yuan an hour.")
    then = search.search(query, Filters(as_of=date(2019, 12, 31), documents=("fee-1.md",)), top_k=1)
    alone = search.search(query, Filters(documents=("fee-1.md",)), top_k=1)
    now = next(one for one in search.search(query, Filters(), top_k=20) if one.document.id == "fee-1.md")
    assert then[0].score == pytest.approx(alone[0].score)
    assert then[0].score > now.score


def manual(name: str, **front: str) -> str:
    """A document whose sections do not name the harbour manual that its title names."""
    head = "".join(f"{key}: {value}\n" for key, value in front.items())
    sections = "".join(f"# Part {number}\n{text}\n" for number, text in enumerate(SECTIONS, start=1))
    return f"---\ntitle: {name}\n{head}---\n{sections}"


SECTIONS = ("Cranes lift boxes.", "Pilots board at dawn.", "Fees fall due in May.", "Tugs have no holidays.")


@pytest.fixture(scope="module")
def manuals(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    documents = {
        "old.md": manual("Harbour manual", published="'2020'"),
        "new.md": manual("Harbour manual", published="'2024'", supersedes="[old.md]"),
        "other.md": "---\ntitle: Other\n---\n# Holidays\nTugs are red.\n# Paint\nBoats are blue.",
        "single.md": "---\ntitle: Single\n---\nA lighthouse stands alone.",
    }
    return tiny_store(tmp_path_factory.mktemp("manuals"), documents)


TUGS = "harbour manual: do tugs have holidays?"


def places(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    return [(one.document.id, one.chunk.text.splitlines()[-1]) for one in passages]


def test_gather_reads_the_other_sections_of_the_first_two_documents_too(manuals: PassageStore) -> None:
    search = tiny_search(manuals)
    query = search.query("When do the fees of the harbour manual fall due, in May?")
    read, beyond = search.gather(query, Filters(), top_k=1)
    assert beyond == []
    assert set(places(read)) == {("new.md", text) for text in SECTIONS}
    assert [one.score for one in read[1:]] == sorted((one.score for one in read[1:]), reverse=True)


def test_gather_gives_no_passage_twice_and_all_that_the_search_found(manuals: PassageStore) -> None:
    search = tiny_search(manuals)
    query = search.query(TUGS)
    found = search.search(query, Filters(), top_k=10)
    read, beyond = search.gather(query, Filters(), top_k=10)
    rows = [one.row for one in [*read, *beyond]]
    assert len(set(rows)) == len(rows)
    assert set(rows) == {one.row for one in found}
    assert [one.row for one in read[:8]] == [one.row for one in found[:8]]


def test_gather_where_the_first_document_is_one_passage_or_none_is_found_reads_no_more(manuals: PassageStore) -> None:
    search = tiny_search(manuals)
    query = search.query("Where does the lighthouse stand?")
    assert [one.document.id for one in search.gather(query, Filters(), top_k=1)[0]] == ["single.md"]
    assert search.gather(query, Filters(kind="none"), top_k=1) == ([], [])


@pytest.mark.parametrize(
    ("filters", "documents"),
    [
        (Filters(as_of=date(2021, 1, 1)), {"old.md"}),
        (Filters(exclude=("new.md", "old.md")), {"other.md"}),
        (Filters(documents=("old.md", "gone.md", "old.md")), {"old.md"}),
    ],
)
def test_gather_opens_only_what_the_filters_admit(manuals: PassageStore, filters: Filters, documents: set[str]) -> None:
    search = tiny_search(manuals)
    read, _ = search.gather(search.query(TUGS), filters, top_k=1)
    assert {one.document.id for one in read} == documents
    assert len(read) > 1


@pytest.mark.parametrize("question", [TUGS, "深圳 tugs 港口 holidays 地铁"])
def test_gather_scores_what_it_opens_as_the_search_does(manuals: PassageStore, question: str) -> None:
    search = tiny_search(manuals)
    query = search.query(question)
    scores = {one.row: one.score for one in search.search(query, Filters(), top_k=20)}
    read, _ = search.gather(query, Filters(), top_k=1)
    assert len(read) > 1
    assert {one.row: pytest.approx(one.score) for one in read} == {one.row: scores[one.row] for one in read}


def test_behind_successors_circle_of_replacements_ends(store: PassageStore) -> None:
    one, other = (
        replace(store.documents[name], superseded_by=newer)
        for name, newer in (("law-1.md", "law-2.md"), ("law-2.md", "law-1.md"))
    )
    passages = [
        replace(passage_of(store, store.document_rows(document.id)[0], score=score), document=document)
        for document, score in ((one, 2.0), (other, 1.0))
    ]
    scores = [passage.score for passage in behind_successors(passages, {one.id: one, other.id: other})]
    assert scores == pytest.approx([1.0, 1.0], abs=1e-3)


def test_search_chinese_name_is_found_where_english_text_has_it_in_brackets(store: PassageStore) -> None:
    search = tiny_search(store)
    (best, *_) = search.search(search.query("黄阁是什么？"), Filters(language="en"), top_k=1)
    assert best.document.id == "quay.md"
    assert best.words > 0


def test_search_passage_tells_how_its_legs_saw_it(store: PassageStore) -> None:
    search = tiny_search(store)
    (passage,) = search.search(search.query(TUNNEL), Filters(), top_k=1)
    assert passage.dense == pytest.approx(1, abs=1e-2)
    assert passage.sentences.tolist() == pytest.approx([1.0], abs=2e-2)
    assert 0 < passage.words <= 1
    assert passage.chunk.document_id == passage.document.id == "best.md"


def test_retriever_gives_langchain_documents_that_can_be_cited(store: PassageStore) -> None:
    retriever = PilotRetriever(search=tiny_search(store), top_k=2)
    documents = retriever.invoke(TUNNEL)
    assert [type(one) for one in documents] == [LangChainDocument] * 2
    first = documents[0]
    facts = {key: first.metadata[key] for key in ("document_id", "page", "title", "section")}
    assert facts == {"document_id": "best.md", "page": 1, "title": "Best", "section": ""}
    page = store.page("best.md", 1)
    assert page is not None
    assert page.text[first.metadata["start"] : first.metadata["end"]] == first.page_content == TUNNEL
    assert first.id is not None
    assert store.row_of(first.id) is not None
    assert first.metadata["score"] > documents[1].metadata["score"]


def test_retriever_filters_are_its_own(store: PassageStore) -> None:
    retriever = PilotRetriever(search=tiny_search(store), filters=Filters(language="zh"))
    assert [one.metadata["document_id"] for one in retriever.invoke(TUNNEL)] == ["zh.md"]
    empty = PilotRetriever(search=tiny_search(store), filters=Filters(documents=("gone.md",)))
    assert empty.invoke(TUNNEL) == []
