from __future__ import annotations

from index.loaders.pdf_layout import document_blocks
from index.loaders.pdf_page import Line, PageText


def page(*rows: tuple[str, float, float, float, float], gaps: int = 0) -> PageText:
    """A page of lines given as text, left, top, right and size."""
    text, found = "", []
    for words, left, top, right, size in rows:
        found.append(
            Line(len(text), len(text) + len(words), (left, top - size, right, top), size, gaps=words.count("  "))
        )
        text += words + "\n"
    return PageText(text, tuple(found))


def shown(pages: list[PageText], number: int = 0) -> list[tuple[str, int, str]]:
    blocks = document_blocks(pages)[number]
    return [(block.kind, block.level, pages[number].text[block.start : block.end]) for block in blocks]


def test_document_blocks_of_larger_lines_are_headings_by_size() -> None:
    body = "a sentence that runs over the whole line and ends."
    rows = [("Title", 72, 800, 200, 20), ("Part", 72, 760, 120, 15)]
    assert shown([page(*rows, (body, 72, 730, 500, 11), (body, 72, 716, 500, 11))])[:2] == [
        ("heading", 1, "Title"),
        ("heading", 2, "Part"),
    ]


def test_document_blocks_join_lines_of_a_paragraph_and_split_after_a_short_one() -> None:
    found = shown(
        [
            page(
                ("A first sentence runs to the", 72, 800, 500, 11),
                ("next line and ends here.", 72, 786, 250, 11),
                ("Another paragraph starts and", 72, 772, 500, 11),
                ("ends.", 72, 758, 100, 11),
            )
        ]
    )
    assert [text for _, _, text in found] == [
        "A first sentence runs to the\nnext line and ends here.",
        "Another paragraph starts and\nends.",
    ]


def test_document_blocks_of_bullets_are_items_without_them() -> None:
    found = shown([page(("Parts:", 72, 800, 110, 11), ("• one", 72, 786, 110, 11), ("（二）二", 72, 772, 110, 11))])
    assert found == [("paragraph", 0, "Parts:"), ("list_item", 1, "one"), ("list_item", 1, "二")]


def test_document_blocks_of_lines_with_gaps_are_table_rows_and_wrapped_cells_join() -> None:
    found = shown(
        [
            page(
                ("Item  Value", 72, 800, 400, 11),
                ("A long name", 72, 780, 160, 11),
                ("(number)  315", 72, 768, 400, 11),
                ("Poles  10,000", 72, 748, 400, 11),
                ("Fibre  20,000", 72, 728, 400, 11),
            )
        ]
    )
    assert found == [
        ("table_row", 0, "Item  Value"),
        ("table_row", 0, "A long name\n(number)  315"),
        ("table_row", 0, "Poles  10,000"),
        ("table_row", 0, "Fibre  20,000"),
    ]


def test_document_blocks_leave_out_running_lines_and_page_numbers() -> None:
    def numbered(number: int) -> PageText:
        return page(
            ("Annual report 2014", 72, 820, 200, 9),
            (f"What page {number} says stands here.", 72, 700, 400, 11),
            (f"- {number} -", 290, 30, 310, 9),
        )

    pages = [numbered(number) for number in range(1, 5)]
    assert [shown(pages, n) for n in range(4)] == [
        [("paragraph", 0, f"What page {n} says stands here.")] for n in range(1, 5)
    ]


def test_document_blocks_of_chinese_chapters_are_headings_without_sizes() -> None:
    pages = [PageText("第一章 总则\n为了建设。\n", (Line(0, 6), Line(7, 12)))]
    assert shown(pages) == [("heading", 1, "第一章 总则"), ("paragraph", 0, "为了建设。")]


def test_document_blocks_of_two_columns_carry_a_sentence_over() -> None:
    found = shown(
        [
            page(
                ("The left column ends in", 72, 700, 280, 11),
                ("the middle of", 72, 686, 280, 11),
                ("a sentence.", 310, 700, 500, 11),
            )
        ]
    )
    assert [text for _, _, text in found] == ["The left column ends in\nthe middle of\na sentence."]


def test_document_blocks_of_no_pages_are_none() -> None:
    assert document_blocks([]) == []
    assert document_blocks([PageText("")]) == [()]
