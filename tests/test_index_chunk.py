from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.chunk import chunk_id, chunk_page, chunk_pages, headings_after, weight
from index.types import Block, BlockKind, Chunk, Document, Page, Span

DOCUMENT = Document(id="en/a.md", title="A", language="en")


def page_of(*pieces: tuple[BlockKind, str, int], number: int = 1) -> Page:
    """A page with one block a piece, list items behind a dash."""
    text, blocks = "", []
    for kind, piece, level in pieces:
        text += "- " if kind == "list_item" else ""
        blocks.append(Block(kind, len(text), len(text) + len(piece), level))
        text += piece + "\n"
    return Page(DOCUMENT.id, number, str(number), text, tuple(blocks))


def cut(page: Page, chunk_chars: int = 200) -> list[Chunk]:
    return chunk_page(DOCUMENT, page, chunk_chars=chunk_chars)


PIECES = st.lists(
    st.tuples(
        st.sampled_from(["heading", "paragraph", "list_item", "table_row"]),
        st.lists(
            st.sampled_from(["Short one.", "A somewhat longer sentence stands here, too.", "深圳建设。", "第二句话！"]),
            min_size=1,
            max_size=6,
        ).map(" ".join),
        st.integers(1, 3),
    ),
    max_size=12,
)


@given(PIECES, st.integers(100, 400))
def test_chunk_page_of_any_page_keeps_text_sentences_and_order(
    pieces: list[tuple[BlockKind, str, int]], chunk_chars: int
) -> None:
    page = page_of(*pieces)
    position = 0
    for chunk in cut(page, chunk_chars):
        assert chunk.text == page.text[chunk.start : chunk.end]
        assert chunk.start >= position
        assert chunk.start == chunk.sentences[0].start
        assert chunk.end == chunk.sentences[-1].end
        assert weight(chunk.text) <= chunk_chars or len(chunk.sentences) == 1
        for sentence in chunk.sentences:
            assert position <= sentence.start < sentence.end <= chunk.end
            position = sentence.end
    held = "".join(page.text[s.start : s.end] for chunk in cut(page, chunk_chars) for s in chunk.sentences)
    assert "".join(held.split()) == "".join("".join(text for _, text, _ in pieces).split())


def test_chunk_page_under_headings_gives_their_path_and_opens_with_the_heading() -> None:
    page = page_of(
        ("heading", "Plan", 1), ("paragraph", "About it.", 0), ("heading", "Goals", 2), ("paragraph", "By 2025.", 0)
    )
    chunks = cut(page)
    assert [(chunk.section, chunk.text) for chunk in chunks] == [
        ("Plan", "Plan\nAbout it."),
        ("Plan › Goals", "Goals\nBy 2025."),
    ]


def test_chunk_page_with_headings_in_a_row_keeps_them_together() -> None:
    chunks = cut(page_of(("heading", "Plan", 1), ("heading", "Goals", 2), ("paragraph", "By 2025.", 0)))
    assert [(chunk.section, chunk.text) for chunk in chunks] == [("Plan › Goals", "Plan\nGoals\nBy 2025.")]


def test_chunk_page_keeps_a_list_with_its_lead_in_when_both_fit() -> None:
    first = "x" * 80 + "."
    page = page_of(
        ("paragraph", first, 0), ("paragraph", "The four are:", 0), ("list_item", "one", 1), ("list_item", "two", 1)
    )
    chunks = cut(page, 100)
    assert [chunk.text for chunk in chunks] == [first, "The four are:\n- one\n- two"]
    lead = Span(page.text.index("The"), page.text.index("The") + len("The four are:"))
    assert [sentence.lead for sentence in chunks[1].sentences] == [None, lead, lead]


def test_chunk_page_of_a_nested_list_leads_with_the_item_above() -> None:
    page = page_of(("heading", "H", 1), ("list_item", "outer", 1), ("list_item", "inner", 2), ("list_item", "next", 1))
    sentences = cut(page)[0].sentences
    leads = [page.text[s.lead.start : s.lead.end] if s.lead else None for s in sentences]
    assert leads == [None, "H", "outer", "H"]


def test_chunk_page_never_cuts_a_sentence_longer_than_a_chunk() -> None:
    long = "Word " * 60 + "end."
    chunks = cut(page_of(("paragraph", f"First one. {long} Last one.", 0)), 100)
    assert [chunk.text for chunk in chunks] == ["First one.", long, "Last one."]


def test_chunk_page_cuts_text_without_a_full_stop_at_commas_and_spaces() -> None:
    chunks = cut(page_of(("paragraph", "one two, three four " * 40, 0)), 100)
    assert all(weight(chunk.text) <= 100 and chunk.text.endswith(("two,", "four")) for chunk in chunks)
    assert " ".join(chunk.text for chunk in chunks) == ("one two, three four " * 40).strip()


def test_chunk_page_cuts_characters_without_any_break_anywhere() -> None:
    chunks = cut(page_of(("paragraph", "深圳" * 300 + "a" * 1000, 0)), 90)
    assert "".join(chunk.text for chunk in chunks) == "深圳" * 300 + "a" * 1000
    assert [len(chunk.text) for chunk in chunks][:2] == [30, 30]


def test_chunk_page_of_a_million_characters_without_a_full_stop_takes_no_time() -> None:
    chunks = cut(page_of(("paragraph", "word " * 200_000, 0)), 900)
    assert len(chunks) == 1112


def test_chunk_page_keeps_a_table_row_whole() -> None:
    row = "Item: A. B. C; Value: 5"
    assert [len(chunk.sentences) for chunk in cut(page_of(("table_row", row, 0)))] == [1]


def test_chunk_page_without_blocks_is_one_paragraph() -> None:
    chunks = cut(Page(DOCUMENT.id, 1, "1", "One. Two."))
    assert [(chunk.text, len(chunk.sentences)) for chunk in chunks] == [("One. Two.", 2)]


def test_chunk_page_of_an_empty_page_is_empty() -> None:
    assert cut(Page(DOCUMENT.id, 1, "1", " \n")) == []


def test_chunk_pages_carries_the_section_to_the_next_page() -> None:
    first = page_of(("heading", "Plan", 1), ("paragraph", "One.", 0))
    second = page_of(("paragraph", "Two.", 0), ("heading", "End", 1), number=2)
    chunks = list(chunk_pages(DOCUMENT, [first, second], chunk_chars=200))
    assert [(chunk.page, chunk.section, chunk.text) for chunk in chunks] == [
        (1, "Plan", "Plan\nOne."),
        (2, "Plan", "Two."),
        (2, "End", "End"),
    ]


def test_headings_after_a_page_are_those_still_open() -> None:
    page = page_of(("heading", "A", 1), ("heading", "B", 2), ("heading", "C", 2))
    assert headings_after(page) == ((1, "A"), (2, "C"))


def test_weight_counts_a_chinese_character_as_three() -> None:
    assert weight("5G基站。") == 2 + 3 * 3


def test_chunk_id_depends_on_document_page_place_and_text() -> None:
    ids = {
        chunk_id("a", 1, "t", 0),
        chunk_id("b", 1, "t", 0),
        chunk_id("a", 2, "t", 0),
        chunk_id("a", 1, "t", 5),
        chunk_id("a", 1, "u", 0),
    }
    assert len(ids) == 5
    assert chunk_id("zh/a.md", 3, "t", 0).startswith("zh/a.md#p3-")
    assert chunk_id("a", 1, "t", 0) == chunk_id("a", 1, "t", 0)
