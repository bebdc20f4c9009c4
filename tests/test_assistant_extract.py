from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.evidence import Evidence
from assistant.extract import Quote, says_the_same, write
from assistant.understand import Kind
from index.store import PassageStore
from index.types import Language
from tests.fakes_assistant import evidence_of, overlap_with, tiny_store, twins_in

LEAD = "The four crossovers are:"
ITEMS = ("crossing regions", "crossing sectors", "crossing cycles", "crossing owners")
OPENED, LINKS, GREY = "The tunnel opened in 2024.", "It links two ports.", "The bridge is grey."
METRO, METRO_ZH = "The Shenzhen metro has 500 stations.", "深圳地铁有500个站。"
NIGHT = "It runs all night."
METRO_TWIN, METRO_OTHER = "The Shenzhen metro has 500 stations now.", "The Shenzhen metro has 600 stations."
TURN = "The first change is one from blocks to a system."
TURNS = ("Roads, mains, cables and pipes were once run apart.", "They are now planned as one.")
STEPS = ("The tunnel was finished on 5 May.", "The tunnel opened on 1 June.")
MEMBERS = "The committee has these members:"
STOPS, STOPS_ZH = "Line 9 has 2 stops in 2024:", "9号线2024年有2个站："
DOCUMENTS = {
    "members.md": "\n\n".join(["# Committee", MEMBERS, "\n".join(f"- member {n}" for n in range(13))]),
    "piers.md": "# Piers\n\n- pier one\n- pier two\n\n| Pier | Length |\n| --- | --- |\n| one | 20 m |\n\n- pier three",
    "stops.md": f"# Stops\n\n{STOPS}\n\n- Airport\n- Harbour",
    "stops-zh.md": f"---\ntranslation_of: stops.md\n---\n# 站\n\n{STOPS_ZH}\n\n- 机场\n- 港口",
    "list.md": "\n\n".join(["# Crossovers", LEAD, "\n".join(f"- {item}" for item in ITEMS), GREY]),
    "steps.md": "\n\n".join(["# Steps", "Two dates are given:", "\n".join(f"- {step}" for step in STEPS)]),
    "turn.md": "\n\n".join(["# Change", TURN, "\n".join(f"- {turn}" for turn in TURNS)]),
    "tunnel.md": f"# Tunnel\n\n{OPENED} {LINKS}",
    "metro.md": f"# Metro\n\n{METRO} {NIGHT}",
    "twin.md": f"# Again\n\n{METRO_TWIN}",
    "other.md": f"# Other\n\n{METRO_OTHER}",
    "zh.md": f"---\ntranslation_of: metro.md\n---\n# 地铁\n\n{METRO_ZH}",
    "stranger.md": f"# 别处\n\n{METRO_ZH}",
}
QUESTION = "When was the tunnel opened, and how many stations has the Shenzhen metro?"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("extract"), DOCUMENTS)


def written(
    store: PassageStore,
    evidence: Sequence[Evidence],
    kind: Kind = Kind.OTHER,
    *,
    language: Language = "en",
    most: int = 4,
    question: str = QUESTION,
) -> list[Quote]:
    return write(
        evidence, kind, language, overlap=overlap_with(store, question), twins=twins_in(store), max_sentences=most
    )


def texts(quotes: Sequence[Quote]) -> tuple[str, ...]:
    return tuple(quote.text for quote in quotes)


def also(quote: Quote) -> list[tuple[str, str]]:
    return [(one.passage.document.id, one.text) for one in quote.also]


def test_write_nothing_found_gives_nothing(store: PassageStore) -> None:
    assert written(store, []) == []


def test_write_heading_alone_gives_nothing(store: PassageStore) -> None:
    assert written(store, [evidence_of(store, "Tunnel")]) == []


def test_write_one_sentence_is_quoted_verbatim(store: PassageStore) -> None:
    (quote,) = written(store, [evidence_of(store, OPENED)])
    page = store.page("tunnel.md", 1)
    assert page is not None
    assert page.text[quote.start : quote.end] == quote.text == OPENED
    assert quote.also == ()


@pytest.mark.parametrize(("found", "kind"), [(ITEMS[2], Kind.LIST), (LEAD, Kind.LIST), (LEAD, Kind.OTHER)])
def test_write_list_keeps_its_lead_in_and_all_items(store: PassageStore, found: str, kind: Kind) -> None:
    assert texts(written(store, [evidence_of(store, found)], kind, most=1)) == (LEAD, *ITEMS)


@pytest.mark.parametrize("kind", [Kind.WHICH, Kind.WHEN])
def test_write_item_that_is_asked_for_keeps_its_lead_in_only(store: PassageStore, kind: Kind) -> None:
    quotes = written(store, [evidence_of(store, ITEMS[2])], kind, question="Which crossover is about cycles?")
    assert texts(quotes) == (LEAD, ITEMS[2])


def test_write_item_that_the_question_does_not_name_brings_the_whole_list(store: PassageStore) -> None:
    quotes = written(store, [evidence_of(store, ITEMS[2])], Kind.WHICH, question="Which crossovers are there?")
    assert texts(quotes) == (LEAD, *ITEMS)


def test_write_item_of_a_list_of_values_stays_alone(store: PassageStore) -> None:
    quotes = written(store, [evidence_of(store, ITEMS[2])], Kind.WHEN, question="When are the crossovers?")
    assert texts(quotes) == (LEAD, ITEMS[2])


def test_write_long_list_under_another_question_stays_alone(store: PassageStore) -> None:
    quotes = written(store, [evidence_of(store, "member 3")], Kind.WHO, question="Who chairs the committee?")
    assert texts(quotes) == (MEMBERS, "member 3")
    quotes = written(store, [evidence_of(store, "member 3")], Kind.LIST, question="Who are the members?")
    assert len(quotes) == 14


def test_write_list_under_a_heading_stays_alone_to_another_question(store: PassageStore) -> None:
    quotes = written(store, [evidence_of(store, "pier two")], Kind.WHICH, question="Which quays are there?")
    assert texts(quotes) == ("pier two",)


def test_write_list_ends_where_something_else_stands(store: PassageStore) -> None:
    quotes = written(store, [evidence_of(store, "pier two")], Kind.LIST, question="Which quays are there?")
    assert texts(quotes) == ("pier one", "pier two")
    assert {quote.cited.text for quote in quotes} == {"pier one\n- pier two"}


def test_write_translation_of_a_list_is_cited_whole(store: PassageStore) -> None:
    lead = evidence_of(store, STOPS)
    quotes = written(store, [lead], Kind.LIST, question="Which stops are there?")
    assert texts(quotes) == (STOPS, "Airport", "Harbour")
    assert {one.text for quote in quotes for one in quote.also} == {f"{STOPS_ZH}\n- 机场\n- 港口"}


def test_write_whole_list_is_cited_as_one(store: PassageStore) -> None:
    quotes = written(store, [evidence_of(store, LEAD)])
    assert {quote.cited.text for quote in quotes} == {"\n- ".join([LEAD, *ITEMS])}


@pytest.mark.parametrize(
    ("found", "kind", "shown"),
    [
        (TURN, Kind.OTHER, (TURN,)),
        (TURN, Kind.LIST, (TURN, *TURNS)),
        (TURNS[0], Kind.LIST, (TURNS[0],)),
        (TURNS[1], Kind.OTHER, (TURNS[0], TURNS[1])),
    ],
)
def test_write_list_under_a_sentence_comes_where_a_list_is_asked_for(
    store: PassageStore, found: str, kind: Kind, shown: tuple[str, ...]
) -> None:
    assert texts(written(store, [evidence_of(store, found)], kind)) == shown


def test_write_single_item_that_is_a_sentence_needs_no_lead_in(store: PassageStore) -> None:
    assert texts(written(store, [evidence_of(store, STEPS[1])], Kind.WHEN)) == (STEPS[1],)


def test_write_pronoun_start_keeps_the_sentence_before_and_cites_both_as_one(store: PassageStore) -> None:
    quotes = written(store, [evidence_of(store, LINKS)])
    assert texts(quotes) == (OPENED, LINKS)
    assert {quote.cited.text for quote in quotes} == {f"{OPENED} {LINKS}"}


def test_write_antecedent_found_too_is_shown_once(store: PassageStore) -> None:
    found = [evidence_of(store, LINKS), evidence_of(store, OPENED)]
    assert texts(written(store, found)) == (OPENED, LINKS)


def test_write_second_fact_that_adds_terms_follows(store: PassageStore) -> None:
    found = [evidence_of(store, OPENED), evidence_of(store, METRO)]
    assert texts(written(store, found)) == (OPENED, METRO)
    assert texts(written(store, found, most=1)) == (OPENED,)


def test_write_second_fact_far_behind_is_left_out(store: PassageStore) -> None:
    found = [evidence_of(store, OPENED), evidence_of(store, METRO, score=-9)]
    assert texts(written(store, found)) == (OPENED,)


@pytest.mark.parametrize(("logit", "shown"), [(2.1, (OPENED, METRO)), (1.9, (OPENED,))])
def test_write_second_fact_needs_nearly_the_score_of_the_first(
    store: PassageStore, logit: float, shown: tuple[str, ...]
) -> None:
    found = [evidence_of(store, OPENED, logit=3.0), evidence_of(store, METRO, logit=logit)]
    assert texts(written(store, found)) == shown


def test_write_second_fact_that_adds_nothing_is_left_out(store: PassageStore) -> None:
    found = [evidence_of(store, METRO), evidence_of(store, METRO_OTHER)]
    assert texts(written(store, found)) == (METRO,)


def test_write_near_duplicates_are_shown_once_with_both_places(store: PassageStore) -> None:
    (quote,) = written(store, [evidence_of(store, METRO), evidence_of(store, METRO_TWIN)])
    assert (quote.text, also(quote)) == (METRO, [("twin.md", METRO_TWIN), ("zh.md", METRO_ZH)])


@pytest.mark.parametrize(("language", "shown", "second"), [("en", METRO, METRO_ZH), ("zh", METRO_ZH, METRO)])
@pytest.mark.parametrize("found", [(METRO,), (METRO_ZH,), (METRO, METRO_ZH), (METRO_ZH, METRO)])
def test_write_translation_is_a_second_citation_the_readers_language_first(
    store: PassageStore, language: Language, shown: str, second: str, found: Sequence[str]
) -> None:
    evidence = [evidence_of(store, text, document="" if text == METRO else "zh.md") for text in found]
    (quote,) = written(store, evidence, language=language)
    assert (quote.text, [text for _, text in also(quote)]) == (shown, [second])


def test_write_antecedent_of_a_later_fact_keeps_its_second_citation(store: PassageStore) -> None:
    found = [evidence_of(store, METRO), evidence_of(store, METRO_ZH, document="zh.md"), evidence_of(store, NIGHT)]
    overlap = overlap_with(store, "How many stations has the metro, and does it run all night?")
    quotes = write(found, Kind.OTHER, "en", overlap=overlap, twins=twins_in(store), max_sentences=4)
    assert texts(quotes) == (METRO, NIGHT)
    assert also(quotes[0]) == [("zh.md", METRO_ZH)]


def test_says_the_same_other_figure_is_another_fact(store: PassageStore) -> None:
    metro = evidence_of(store, METRO)
    assert says_the_same(metro, evidence_of(store, METRO_TWIN))
    assert not says_the_same(metro, evidence_of(store, METRO_OTHER))
    assert not says_the_same(metro, evidence_of(store, METRO_ZH, document="zh.md"))
