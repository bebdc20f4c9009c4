from __future__ import annotations

import asyncio
import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.chain import Assistant
from assistant.cli import answer_json
from assistant.confidence import load_confidence
from assistant.types import Answer, Filters, Outcome, Question
from index.store import PassageStore
from tests.fakes_assistant import MODEL, tiny_assistant, tiny_store, topic_from

LEAD = "The four crossovers are:"
ITEMS = ("crossing regions", "crossing sectors", "crossing cycles", "crossing owners")
OPENED, LINKS = "The tunnel opened in 2024.", "It links two ports."
METRO, METRO_ZH = "The Shenzhen metro has 500 stations.", "深圳地铁有500个站。"
DOCUMENTS = {
    "pilot.md": "---\ntitle: Pilot\nissuer: The commission\npublished: '2021-12-13'\ndocument_number: No. 1662\n---\n"
    + "\n\n".join(["# Crossovers", LEAD, "\n".join(f"- {item}" for item in ITEMS)]),
    "tunnel.md": f"---\ntitle: Works\n---\n# Tunnel\n\n{OPENED} {LINKS}",
    "metro.md": f"---\ntitle: Metro\npublished: '2023'\n---\n{METRO}",
    "metro-zh.md": f"---\ntitle: 地铁\ntranslation_of: metro.md\n---\n{METRO_ZH}",
    "toll-a.md": "---\ntitle: Toll A\n---\nThe bridge toll is 60 yuan.",
    "toll-b.md": "---\ntitle: Toll B\n---\nThe bridge toll is 70 yuan.",
    "cargo.md": "---\ntitle: Cargo\n---\nHarbour cargo reached 40 tonnes in 2021. Harbour cargo was 50 tonnes in 2022.",
    "drone-1.md": "---\ntitle: Drone rules of 2020\n---\nDrones need a paper licence.",
    "drone-2.md": "---\ntitle: Drone rules of 2024\nsupersedes: [drone-1.md]\n---\nDrones weigh under five kilograms.",
}
STABLE = "outcome language question understood_as sentences citations passages confidence generation timings_ms".split()
CITATION = "n document_id title issuer published document_number page section quote start end".split()
NO_ANSWER = "Which bakery sells the cheapest bread?"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("chain"), DOCUMENTS)


@pytest.fixture(scope="module")
def assistant(store: PassageStore) -> Assistant:
    return tiny_assistant(store)


def shown(answer: Answer) -> tuple[str, ...]:
    return tuple(sentence.text for sentence in answer.sentences)


def same(one: Answer, other: Answer) -> bool:
    """Whether two answers agree in everything but the time they took."""
    left, right = (json.loads(answer_json(answer)) for answer in (one, other))
    return {**left, "timings_ms": None} == {**right, "timings_ms": None}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When was the tunnel opened?", (OPENED,)),
        ("What are the four crossovers?", (LEAD, *ITEMS)),
        ("Does it link two ports?", (OPENED, LINKS)),
        ("深圳地铁有多少个站？", (METRO_ZH,)),
        ("深圳地铁\ud800有多少个站？", (METRO_ZH,)),
    ],
)
def test_invoke_question_in_the_documents_is_answered_in_their_words(
    assistant: Assistant, question: str, expected: tuple[str, ...]
) -> None:
    answer = assistant.invoke(Question(question))
    assert (answer.outcome, shown(answer), answer.message) == (Outcome.ANSWERED, expected, "")
    assert 0.5 <= answer.confidence <= 1


@pytest.mark.parametrize(
    "question", ["When was the tunnel opened?", "What are the four crossovers?", "How many metro stations are there?"]
)
def test_invoke_every_sentence_is_a_span_of_its_page_and_citations_count_from_1(
    assistant: Assistant, store: PassageStore, question: str
) -> None:
    answer = assistant.invoke(Question(question))
    assert answer.sentences
    assert [citation.n for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    for citation in answer.citations:
        page = store.page(citation.document_id, citation.page)
        assert page is not None
        assert citation.quote == page.text[citation.start : citation.end]
    for sentence in answer.sentences:
        assert sentence.text in answer.citations[sentence.citations[0] - 1].quote
    used = [n for sentence in answer.sentences for n in sentence.citations]
    assert list(dict.fromkeys(used)) == [citation.n for citation in answer.citations]


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.sampled_from(" \n?,.0125()\"'*^~:[]\\\x00\ufeffaé深圳地铁何時，？！🙂") | st.characters(), max_size=40)
)
def test_invoke_any_text_gives_an_answer_on_its_pages(assistant: Assistant, store: PassageStore, text: str) -> None:
    answer = assistant.invoke(Question(text, history=("When was the tunnel opened?",)))
    for citation in answer.citations:
        page = store.page(citation.document_id, citation.page)
        assert page is not None
        assert citation.quote == page.text[citation.start : citation.end]
    assert bool(answer.sentences) is (answer.outcome in (Outcome.ANSWERED, Outcome.PARTIAL, Outcome.CONFLICTING))


def test_invoke_citation_names_its_document(assistant: Assistant) -> None:
    citation = assistant.invoke(Question("What are the four crossovers?")).citations[0]
    assert (citation.document_id, citation.title, citation.issuer) == ("pilot.md", "Pilot", "The commission")
    assert (citation.published, citation.document_number) == ("2021-12-13", "No. 1662")
    assert (citation.page, citation.page_label, citation.section) == (1, "1", "Crossovers")
    assert citation.superseded_by == ""


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("How many Shenzhen metro stations?", "metro.md", "metro-zh.md"),
        ("深圳地铁多少个站？", "metro-zh.md", "metro.md"),
    ],
)
def test_invoke_translation_is_a_second_citation(assistant: Assistant, question: str, first: str, second: str) -> None:
    answer = assistant.invoke(Question(question))
    assert [sentence.citations for sentence in answer.sentences] == [(1, 2)]
    assert [citation.document_id for citation in answer.citations] == [first, second]


def test_invoke_sources_that_differ_are_shown_side_by_side(assistant: Assistant) -> None:
    answer = assistant.invoke(Question("How many yuan is the bridge toll?"))
    assert answer.outcome is Outcome.CONFLICTING
    assert set(shown(answer)) == {"The bridge toll is 60 yuan.", "The bridge toll is 70 yuan."}
    assert {citation.title for citation in answer.citations} == {"Toll A", "Toll B"}
    assert answer.message


def test_invoke_of_sources_that_differ_the_one_that_is_asked_for_answers(store: PassageStore) -> None:
    assistant = tiny_assistant(store, model=MODEL.model_copy(update={"thresholds": {"0.05": 0.1}}))
    answer = assistant.invoke(Question("According to Toll B, how many yuan is the bridge toll?"))
    assert (answer.outcome, shown(answer)) == (Outcome.ANSWERED, ("The bridge toll is 70 yuan.",))


@pytest.mark.parametrize(
    ("question", "outcome", "count"),
    [
        ("How much harbour cargo was there in 2021 and 2022?", Outcome.ANSWERED, 2),
        ("What cargo was there in 2021 and 2033?", Outcome.PARTIAL, 1),
    ],
)
def test_invoke_two_years_are_answered_one_by_one(
    assistant: Assistant, question: str, outcome: Outcome, count: int
) -> None:
    answer = assistant.invoke(Question(question))
    assert (answer.outcome, len(answer.sentences)) == (outcome, count)


def test_invoke_superseded_document_names_its_successor(assistant: Assistant) -> None:
    answer = assistant.invoke(Question("Do drones need a paper licence?"))
    assert [one.superseded_by for one in answer.citations] == ["Drone rules of 2024"]


def test_invoke_passages_are_best_first_and_the_generation_is_named(assistant: Assistant, store: PassageStore) -> None:
    answer = assistant.invoke(Question("When was the tunnel opened?"))
    assert answer.generation == store.generation == "gen-000001"
    assert answer.passages[0].document_id == "tunnel.md"
    assert store.row_of(answer.passages[0].chunk_id) is not None
    scores = [passage.score for passage in answer.passages]
    assert scores == sorted(scores, reverse=True)


def test_invoke_nothing_fits_names_the_nearest_and_quotes_nothing(assistant: Assistant) -> None:
    answer = assistant.invoke(Question(NO_ANSWER))
    assert (answer.outcome, answer.sentences, answer.citations) == (Outcome.NOT_IN_DOCUMENTS, (), ())
    assert answer.message
    assert 1 <= len(answer.nearest) <= 3
    assert {one.document_id for one in answer.nearest} <= DOCUMENTS.keys()
    assert answer.confidence < 0.5


def test_invoke_far_from_the_subject_is_off_topic(store: PassageStore) -> None:
    strict = tiny_assistant(store, model=MODEL.model_copy(update={"topic": topic_from(1.1)}))
    answer = strict.invoke(Question(NO_ANSWER))
    assert (answer.outcome, answer.nearest, answer.sentences) == (Outcome.OFF_TOPIC, (), ())


def test_invoke_filters_that_admit_nothing_abstain(assistant: Assistant) -> None:
    filters = Filters(as_of=date(2000, 1, 1))
    answer = assistant.invoke(Question("When was the tunnel opened?", filters=filters))
    assert answer.outcome in (Outcome.NOT_IN_DOCUMENTS, Outcome.OFF_TOPIC)
    assert (answer.passages, answer.confidence) == ((), 0.0)


def test_invoke_part_without_evidence_is_partial_and_named(assistant: Assistant) -> None:
    answer = assistant.invoke(
        Question("When was the tunnel opened? Which bakery sells the cheapest fresh bread rolls?")
    )
    assert (answer.outcome, shown(answer)) == (Outcome.PARTIAL, (OPENED,))
    assert answer.unanswered == ("Which bakery sells the cheapest fresh bread rolls?",)
    assert answer.unanswered[0] in answer.message


def test_invoke_later_part_with_a_subject_of_its_own_is_found_alone(assistant: Assistant) -> None:
    question = "When was the tunnel opened, and how many stations has the Shenzhen metro, the metro of Shenzhen?"
    assert shown(assistant.invoke(Question(question))) == (OPENED, METRO)


def test_invoke_follow_up_shows_what_was_understood(assistant: Assistant) -> None:
    answer = assistant.invoke(Question("And in 2024?", history=("What opened in 2021, the tunnel?",)))
    assert answer.question == "And in 2024?"
    assert answer.understood_as == "What opened in 2024, the tunnel?"
    assert shown(answer) == (OPENED,)


@pytest.mark.parametrize("text", ["", "   ", "?!", "\u200b\u202e", "🙂"])
def test_invoke_nothing_to_read_is_blocked(assistant: Assistant, text: str) -> None:
    answer = assistant.invoke(Question(text))
    assert (answer.outcome, answer.sentences, answer.passages) == (Outcome.BLOCKED, (), ())
    assert answer.message


def test_invoke_over_long_is_blocked_and_tells_the_limit(store: PassageStore) -> None:
    short = tiny_assistant(store, question_chars=10)
    assert short.invoke(Question("a" * 10)).outcome is not Outcome.BLOCKED
    answer = short.invoke(Question("a" * 11))
    assert answer.outcome is Outcome.BLOCKED
    assert "10" in answer.message
    assert len(short.invoke(Question("a" * 5000)).question) <= 200


@pytest.mark.parametrize(("text", "said"), [("Hello!", "Hello!"), ("您好", "您好！"), ("謝謝", "不客气")])
def test_invoke_small_talk_is_answered_in_kind(assistant: Assistant, text: str, said: str) -> None:
    answer = assistant.invoke(Question(text))
    assert (answer.outcome, answer.sentences) == (Outcome.SMALL_TALK, ())
    assert answer.message.startswith(said)


def test_invoke_bare_topic_of_several_documents_asks_back(assistant: Assistant) -> None:
    answer = assistant.invoke(Question("paper licence"))
    assert (answer.outcome, answer.sentences) == (Outcome.AMBIGUOUS, ())
    assert len(answer.readings) >= 2
    assert any("Drone rules of 2020" in reading for reading in answer.readings)


def test_invoke_bare_topic_that_documents_only_name_asks_back(store: PassageStore) -> None:
    strict = tiny_assistant(store)
    strict.threshold = 1.1  # nothing answers
    assert strict.invoke(Question("bridge toll")).outcome is Outcome.AMBIGUOUS
    assert strict.invoke(Question("bakery bread")).outcome is not Outcome.AMBIGUOUS


def test_invoke_question_that_a_filter_leaves_without_documents_is_not_off_topic(store: PassageStore) -> None:
    choosy = tiny_assistant(store, model=MODEL.model_copy(update={"topic": topic_from(0.01)}))
    nowhere = Filters(documents=("missing.md",))
    answer = choosy.invoke(Question("How many stations has the Shenzhen metro?", filters=nowhere))
    assert (answer.outcome, answer.sentences, answer.nearest) == (Outcome.NOT_IN_DOCUMENTS, (), ())


def test_invoke_question_without_a_subject_asks_back_in_its_own_words(assistant: Assistant) -> None:
    answer = assistant.invoke(Question("When was it opened?"))
    assert (answer.outcome, answer.sentences) == (Outcome.AMBIGUOUS, ())
    assert len(answer.readings) >= 2
    assert all(reading.startswith("When was it opened (“") and reading.endswith("”)?") for reading in answer.readings)
    chosen = assistant.invoke(Question(answer.readings[0]))
    assert chosen.outcome is not Outcome.AMBIGUOUS


def test_invoke_follow_up_without_a_subject_takes_the_one_before(assistant: Assistant) -> None:
    answer = assistant.invoke(Question("When was it opened?", history=("Where is the tunnel?",)))
    assert answer.outcome is not Outcome.AMBIGUOUS
    assert "tunnel" in answer.understood_as


def test_invoke_timings_end_in_a_total(assistant: Assistant) -> None:
    timings = assistant.invoke(Question("When was the tunnel opened?")).timings_ms
    assert {"understand", "retrieve", "evidence", "confidence", "write", "total"} <= timings.keys()
    assert timings["total"] >= max(value for name, value in timings.items() if name != "total")


def test_stream_grows_by_one_sentence_to_the_whole_answer(assistant: Assistant) -> None:
    question = Question("What are the four crossovers?")
    steps = list(assistant.stream(question))
    assert [shown(step) for step in steps] == [(LEAD, *ITEMS)[:count] for count in range(1, 6)]
    assert same(steps[-1], assistant.invoke(question))


def test_stream_refusal_is_one_answer(assistant: Assistant) -> None:
    assert [step.outcome for step in assistant.stream(Question(NO_ANSWER))] == [Outcome.NOT_IN_DOCUMENTS]


def test_ainvoke_and_astream_agree_with_invoke_and_stream(assistant: Assistant) -> None:
    question = Question("What are the four crossovers?")

    async def both() -> tuple[Answer, list[Answer]]:
        return await assistant.ainvoke(question), [step async for step in assistant.astream(question)]

    answer, steps = asyncio.run(both())
    assert same(answer, assistant.invoke(question))
    assert [shown(step) for step in steps] == [shown(step) for step in assistant.stream(question)]


def test_batch_keeps_the_order_of_questions(assistant: Assistant) -> None:
    answers = assistant.batch([Question("Hello!"), Question("When was the tunnel opened?")])
    assert [answer.outcome for answer in answers] == [Outcome.SMALL_TALK, Outcome.ANSWERED]


def test_retriever_searches_the_same_store(assistant: Assistant) -> None:
    documents = assistant.retriever(Filters(documents=("metro.md",))).invoke("How many stations?")
    assert [one.metadata["document_id"] for one in documents] == ["metro.md"]


def test_trace_shows_the_stages(assistant: Assistant) -> None:
    trace = assistant.trace(Question("When was the tunnel opened?"))
    assert (trace.outcome, trace.passages[0].document.id) == (Outcome.ANSWERED, "tunnel.md")
    assert trace.evidence[0].text == OPENED
    assert trace.features["sentence_share"] > 0.5


def test_trace_topic_features_come_where_they_are_asked_for(assistant: Assistant) -> None:
    question = Question("When was the tunnel opened?")
    assert assistant.trace(question).topic == {}
    assert assistant.trace(question, topic=True).topic.keys() >= set(load_confidence().topic.features)


@pytest.mark.parametrize("question", ["When was the tunnel opened?", NO_ANSWER, "Hello!", ""])
def test_answer_json_has_the_stable_keys(assistant: Assistant, question: str) -> None:
    values = json.loads(answer_json(assistant.invoke(Question(question))))
    assert set(STABLE) <= values.keys()
    assert values["question"] == question


def test_answer_json_nested_keys_are_stable_too(assistant: Assistant) -> None:
    values = json.loads(answer_json(assistant.invoke(Question("When was the tunnel opened?"))))
    assert values["outcome"] == "answered"
    assert values["sentences"] == [{"text": OPENED, "citations": [1], "start": len("Tunnel\n")}]
    assert set(CITATION) <= values["citations"][0].keys()
    assert {"chunk_id", "document_id", "page", "score"} <= values["passages"][0].keys()
