from __future__ import annotations

from dataclasses import replace

from assistant.types import Answer, Outcome, Question
from assistant.web.texts import CHINESE, ENGLISH, Words
from assistant.web.turns import turn_html
from assistant.web.view import TurnView, turn_view
from tests.fakes_web import ACCOUNT, HOSTILE, PAGES, REPLY, FakePages, cite, cited_answer, fake_pages, scripted_answer

NONE = FakePages()


def view_of(text: str, *, words: Words = ENGLISH, pages: FakePages | None = None) -> TurnView:
    return turn_view(scripted_answer(Question(text)), pages or fake_pages(), words, turn_id="t1", done=True)


def html_of(answer: Answer) -> str:
    return turn_html(answer, fake_pages(), turn_id="t1", done=True)


def test_turn_view_list_answer_is_lead_in_and_list() -> None:
    groups = view_of("What are the four crossovers?").groups
    assert [(group.is_list, len(group.claims)) for group in groups] == [(False, 1), (True, 4)]
    assert [claim.numbers for group in groups for claim in group.claims] == [(), (), (), (), (1,)]


def test_turn_view_sentences_of_one_paragraph_are_one_group() -> None:
    first, second = "The reply letter agrees that Shenzhen carries out the pilot.", "By 2025, the scale"
    answer = cited_answer("Who?", [(REPLY, PAGES[2], first), (REPLY, PAGES[2], second)])
    view = turn_view(answer, fake_pages(), ENGLISH, turn_id="t1", done=True)
    assert [len(group.claims) for group in view.groups] == [2]


def test_turn_view_quotes_of_one_place_share_a_card() -> None:
    cards = view_of("What are the four crossovers?").cards
    assert [card.numbers for card in cards] == [(1,)]
    assert [piece.n for line in cards[0].lines for piece in line.pieces if piece.n] == [1, 1, 1, 1, 1]


def test_turn_html_mark_of_several_lines_has_its_id_once() -> None:
    html = html_of(scripted_answer(Question("What are the four crossovers?")))
    assert html.count('id="t1-m1"') == 1
    assert html.count("<mark") == 5


def test_turn_view_quotes_far_apart_have_cards_of_their_own() -> None:
    answer = cited_answer("Who?", [(REPLY, PAGES[2], "By 2025"), (ACCOUNT, PAGES[0], "crossovers")])
    far = replace(cite(3, REPLY, PAGES[2], "By 2025"), start=5000, end=5010)
    view = turn_view(replace(answer, citations=(*answer.citations, far)), fake_pages(), ENGLISH, turn_id="t", done=True)
    assert [card.numbers for card in view.cards] == [(1,), (2,), (3,)]


def test_turn_view_link_names_page_span_and_generation() -> None:
    link = view_of("By when will the city join the world’s leading group?").cards[0].links[0]
    start = PAGES[2].text.index("By 2025")
    assert link.startswith(f"source?document=en%2Fndrc-reply-letter.md&page=2&start={start}&end=")
    assert link.endswith("&generation=gen-000002#quote")


def test_turn_view_page_that_is_gone_leaves_the_quote_alone() -> None:
    card = view_of("By when will the city join the world’s leading group?", pages=NONE).cards[0]
    assert [[piece.n for piece in line.pieces] for line in card.lines] == [[1]]


def test_turn_view_conflict_is_shown_by_document() -> None:
    view = view_of("How many 5G base stations does Shenzhen have?", words=CHINESE)
    assert [side.published for side in view.sides] == ["2022年12月28日", "2022年9月"]
    assert view.groups == ()
    assert view.cards[1].superseded_by == "5G coverage of the gigabit city"


def test_turn_view_conflict_inside_one_document_has_no_step_about_both() -> None:
    answer = cited_answer("5G?", [(REPLY, PAGES[2], "By 2025")], outcome=Outcome.CONFLICTING)
    view = turn_view(answer, fake_pages(), ENGLISH, turn_id="t1", done=True)
    assert (len(view.sides), view.said.step) == (1, "")


def test_turn_view_own_message_replaces_body_and_step() -> None:
    answer = replace(scripted_answer(Question("Where is the airport?")), message="Not here.")
    said = turn_view(answer, fake_pages(), ENGLISH, turn_id="t1", done=True).said
    assert (said.body, said.step) == ("Not here.", "")


def test_turn_view_understood_as_is_empty_for_the_question_itself() -> None:
    answer = replace(scripted_answer(Question("hello")), understood_as="hello  ")
    assert turn_view(answer, NONE, ENGLISH, turn_id="t1", done=True).understood_as == ""


def test_turn_html_every_outcome_says_its_words_in_the_questions_language() -> None:
    for outcome in Outcome:
        html = html_of(replace(scripted_answer(Question("世界杯")), outcome=outcome))
        said = CHINESE.outcomes[outcome]
        assert f'data-outcome="{outcome.value}"' in html
        assert said.title in html and (said.step in html or outcome is Outcome.CONFLICTING)


def test_turn_html_hostile_texts_are_inert() -> None:
    html = html_of(scripted_answer(Question(f"evil {HOSTILE}")))
    for raw in ("<script", "<img", "${", "{{", 'href="javascript'):
        assert raw not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_turn_html_citation_number_without_citation_is_left_out() -> None:
    answer = scripted_answer(Question("By when will the city join the world’s leading group?"))
    wrong = replace(answer.sentences[0], citations=(0, 1, 7))
    html = html_of(replace(answer, sentences=(wrong,)))
    assert html.count('class="cite"') == 1
