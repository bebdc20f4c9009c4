from __future__ import annotations

import pytest

from assistant.web.source import Place, documents_html, source_html
from assistant.web.texts import CHINESE, ENGLISH, Words
from tests.fakes_web import ACCOUNT, EVIL, GENERATION, OLD_GENERATION, PAGES, PROVINCE, REPLY, fake_pages


def shown(place: Place, words: Words = ENGLISH) -> tuple[int, str]:
    return source_html(fake_pages(), place, words)


def test_source_html_quote_is_marked_once_as_the_anchor() -> None:
    start = PAGES[2].text.index("By 2025")
    status, html = shown(Place(REPLY.id, 2, start, start + 7, GENERATION))
    assert status == 200
    assert html.count('<mark id="quote">By 2025</mark>') == 1
    for fact in (REPLY.title, REPLY.issuer, "15 November 2021", REPLY.document_number, "Page 2 of 2"):
        assert fact in html


def test_source_html_live_document_has_no_banner() -> None:
    assert 'class="banner' not in shown(Place(REPLY.id, 2, 0, 5, GENERATION))[1]


def test_source_html_superseded_document_names_the_newer_one() -> None:
    html = shown(Place(PROVINCE.id, 1, 0, 8, GENERATION))[1]
    assert ENGLISH.source_superseded.format(title="5G coverage of the gigabit city") in html


def test_source_html_withdrawn_document_still_resolves_and_says_so() -> None:
    status, html = shown(Place("en/withdrawn.md", 1, 0, 10, OLD_GENERATION))
    assert status == 200
    assert ENGLISH.source_withdrawn in html
    assert '<mark id="quote">The tunnel</mark>' in html


def test_source_html_changed_document_shows_the_cited_copy_and_says_so() -> None:
    assert ENGLISH.source_changed in shown(Place(ACCOUNT.id, 1, 0, 5, OLD_GENERATION))[1]


def test_source_html_generation_that_is_gone_shows_the_page_as_it_is_now() -> None:
    html = shown(Place(REPLY.id, 2, 0, 5, "gen-000000"), CHINESE)[1]
    assert CHINESE.source_generation_gone in html


@pytest.mark.parametrize(
    "place",
    [
        Place("", 1, 0, 0, ""),
        Place("en/withdrawn.md", 1, 0, 10, ""),
        Place("../../etc/passwd", 1, 0, 0, ""),
        Place(REPLY.id, 99, 0, 0, ""),
    ],
)
def test_source_html_unknown_place_is_404_and_says_so(place: Place) -> None:
    status, html = shown(place)
    assert status == 404
    assert ENGLISH.source_missing_title in html


def test_source_html_span_beyond_the_page_says_that_it_is_not_there() -> None:
    assert ENGLISH.source_no_quote in shown(Place(REPLY.id, 2, 90_000, 90_010, GENERATION))[1]


def test_source_html_hostile_document_is_inert() -> None:
    html = shown(Place(EVIL.id, 1, 5, 20, GENERATION))[1]
    assert "<script" not in html and "<img" not in html


def test_documents_html_lists_own_language_first_and_marks_the_replaced() -> None:
    html = documents_html(fake_pages(), CHINESE)
    assert html.index("中文文件") < html.index("英文文件")
    assert "以下 6 份文件" in html
    assert html.count(CHINESE.replaced) == 1


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-7", 0), ("x", 0), ("9" * 10, 0), ("٣", 0), ("", 0)])
def test_place_from_query_takes_plain_numbers_only(text: str, number: int) -> None:
    assert Place.from_query({"document": "a", "page": text}) == Place("a", number, 0, 0, "")
