from __future__ import annotations

from assistant.web.excerpts import Line, Piece, block_at, excerpt, flow, page_blocks, page_lines
from index.types import Page, Span
from tests.fakes_web import made_page

LIST = made_page(
    "en/list.md",
    [
        ("heading", "Parts"),
        ("paragraph", "It has three parts:"),
        ("list_item", "roads;"),
        ("list_item", "water;"),
        ("list_item", "power."),
        ("heading", "Next"),
        ("paragraph", "Something else."),
    ],
)


def span_of(page: Page, words: str) -> Span:
    start = page.text.index(words)
    return Span(start, start + len(words))


def plain(lines: tuple[Line, ...]) -> list[str]:
    return ["".join(piece.text for piece in line.pieces) for line in lines]


def test_flow_text_with_mark_is_cut_at_it() -> None:
    assert flow("One two three.", [(Span(4, 7), 2)]) == (Piece("One "), Piece("two", 2), Piece(" three."))


def test_flow_line_breaks_become_spaces_or_nothing_between_han() -> None:
    assert flow("road\nwork", [(Span(5, 9), 1)]) == (Piece("road "), Piece("work", 1))
    assert flow("基础\n设施", [(Span(3, 5), 1)]) == (Piece("基础"), Piece("设施", 1))


def test_flow_invisible_characters_are_dropped() -> None:
    assert flow("a\u200bb\ue000c", []) == (Piece("abc"),)


def test_excerpt_of_a_list_item_has_lead_in_and_whole_list_but_no_heading() -> None:
    lines = excerpt(LIST, {3: span_of(LIST, "water;")})
    assert plain(lines) == ["It has three parts:", "roads;", "water;", "power."]
    assert [line.kind for line in lines] == ["paragraph", "list_item", "list_item", "list_item"]
    assert [piece.n for line in lines for piece in line.pieces] == [0, 0, 3, 0]


def test_excerpt_of_two_spans_marks_both_with_their_numbers() -> None:
    lines = excerpt(LIST, {1: span_of(LIST, "roads;"), 2: span_of(LIST, "power.")})
    assert [(piece.text, piece.n) for line in lines for piece in line.pieces if piece.n] == [
        ("roads;", 1),
        ("power.", 2),
    ]


def test_excerpt_overlapping_spans_are_marked_once() -> None:
    page = Page("en/a.md", 1, "1", "One two three.")
    pieces = excerpt(page, {1: Span(0, 7), 2: Span(4, 13)})[0].pieces
    assert pieces == (Piece("One two", 1), Piece(" three", 2), Piece("."))


def test_excerpt_long_paragraph_is_cut_at_sentences_around_the_quote() -> None:
    sentences = [f"Sentence number {n} is here." for n in range(100)]
    page = Page("en/long.md", 1, "1", " ".join(sentences))
    text = plain(excerpt(page, {1: span_of(page, sentences[50])}, max_chars=200))[0]
    assert text.startswith("… Sentence number ") and text.endswith("is here. …")
    assert sentences[50] in text
    assert len(text) <= 200 + len("…  …")


def test_excerpt_span_outside_of_the_page_gives_no_line() -> None:
    assert excerpt(LIST, {1: Span(10_000, 10_010)}) == ()


def test_page_lines_quote_across_blocks_is_marked_in_each() -> None:
    start, end = LIST.text.index("roads"), LIST.text.index("power")
    assert [line.cited for line in page_lines(LIST, {1: Span(start, end)})] == [
        False,
        False,
        True,
        True,
        False,
        False,
        False,
    ]


def test_page_blocks_without_blocks_are_paragraphs_between_blank_lines() -> None:
    page = Page("en/a.txt", 1, "1", "One\ntwo.\n\nThree.\n")
    assert [page.text[b.start : b.end] for b in page_blocks(page)] == ["One\ntwo.", "Three.\n"]


def test_block_at_offset_between_blocks_is_none() -> None:
    assert block_at(LIST, LIST.text.index("\n")) is None
    found = block_at(LIST, LIST.text.index("water"))
    assert found is not None and found.kind == "list_item"
