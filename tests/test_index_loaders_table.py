from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.loaders.table import COLUMNS, Cell, lay_out, looks_like_header

CELLS = st.builds(Cell, st.sampled_from(["", "a", "b" * 90]), st.integers(0, 4), st.integers(0, 4))


@given(st.lists(st.lists(CELLS, max_size=5), max_size=6))
def test_lay_out_of_any_rows_gives_rows_of_one_width_that_hold_every_text(rows: list[list[Cell]]) -> None:
    laid = lay_out(rows)
    assert len({len(row) for row in laid.rows}) <= 1
    shown = " ".join([*laid.captions, *(text for row in laid.rows for text in row)])
    assert all(cell.text in shown for row in rows for cell in row)


def test_lay_out_repeats_a_short_cell_down_its_rows_and_a_long_one_once() -> None:
    rows = [[Cell("a", rows=2), Cell("x" * 81, rows=2), Cell("1")], [Cell("2")]]
    assert lay_out(rows).rows == [["a", "x" * 81, "1"], ["a", "", "2"]]


def test_lay_out_first_row_over_the_whole_width_is_a_caption() -> None:
    laid = lay_out([[Cell("Poles", columns=2)], [Cell("Place"), Cell("Sum")], [Cell("Futian"), Cell("5")]])
    assert (laid.captions, laid.rows) == (("Poles",), [["Place", "Sum"], ["Futian", "5"]])


def test_lay_out_header_in_two_rows_becomes_one() -> None:
    laid = lay_out(
        [
            [Cell("Place"), Cell("Poles", columns=2)],
            [Cell(""), Cell("2023"), Cell("2024")],
            [Cell("Futian"), Cell("1"), Cell("2")],
        ]
    )
    assert laid.rows == [["Place", "Poles 2023", "Poles 2024"], ["Futian", "1", "2"]]


def test_lay_out_row_below_a_wide_cell_that_has_all_texts_is_no_header() -> None:
    rows = [[Cell("Note", columns=2), Cell("x")], [Cell("a"), Cell("b"), Cell("c")], [Cell("d"), Cell("e"), Cell("f")]]
    assert lay_out(rows).rows[:2] == [["Note", "", "x"], ["a", "b", "c"]]


def test_lay_out_spans_beyond_any_sheet_are_bounded() -> None:
    laid = lay_out([[Cell("a", columns=10**9, rows=10**9)], [Cell("b")]])
    assert laid.captions == ("a",)
    assert [len(row) for row in laid.rows] == [COLUMNS]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Place", "2023", "2024"], ["Futian", "80", "85"]], True),
        ([["", "2023", "2024-25"], ["Futian", "80", "85"]], True),
        ([["Futian", "2023"], ["Nanshan", "2024"]], False),
        ([["2023", "Poles"], ["2024", "5"]], False),
        ([["Futian", "80"], ["Nanshan", "85"]], False),
        ([["Place", "Place"], ["a", "b"]], False),
        ([["Place", "Sum"]], False),
    ],
)
def test_looks_like_header_takes_years_but_no_figures(rows: list[list[str]], expected: bool) -> None:
    assert looks_like_header(rows) is expected
