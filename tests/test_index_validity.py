from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from index.types import Document
from index.validity import contradictions, first_day, last_day, resolve_superseded

TODAY = date(2026, 6, 1)
A = Document("a.md", "A", "en")
B = Document("b.md", "B", "en")


@pytest.mark.parametrize(
    ("iso", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024-12", date(2024, 12, 1), date(2024, 12, 31)),
        ("2024-02-10", date(2024, 2, 10), date(2024, 2, 10)),
        ("", None, None),
        ("soon", None, None),
    ],
)
def test_days_of_an_iso_prefix_are_its_first_and_last(iso: str, first: date | None, last: date | None) -> None:
    assert (first_day(iso), last_day(iso)) == (first, last)


def test_resolve_superseded_fills_the_newest_claim() -> None:
    newest = replace(B, id="c.md", published="2024", supersedes=("a.md",))
    older = replace(B, published="2023", supersedes=("a.md", "b.md"))
    found = {one.id: one.superseded_by for one in resolve_superseded([newest, older, A])}
    assert found == {"a.md": "c.md", "b.md": "", "c.md": ""}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (replace(A, supersedes=("x.md",)), "a.md: supersedes x.md, which is not indexed"),
        (replace(A, supersedes=("a.md",)), "a.md: supersedes itself"),
        (replace(A, expires="2025"), "a.md: expired on 2025 and nothing supersedes it"),
        (
            replace(A, effective="2028", expires="2027"),
            "a.md: effective on 2028, after it expires on 2027",
        ),
        (replace(A, published="2027"), "a.md: published on 2027, which is in the future"),
        (replace(A, translation_of="x.md"), "a.md: translation_of x.md, which is not indexed"),
    ],
)
def test_contradictions_name_document_and_fault(document: Document, expected: str) -> None:
    assert contradictions([document], known=(), today=TODAY) == [expected]


def test_contradictions_circle_of_three_is_told_once_from_its_least_id() -> None:
    c, d = replace(A, id="c.md", supersedes=("b.md",)), replace(A, id="d.md", supersedes=("a.md",))
    circle = [replace(A, supersedes=("c.md",)), replace(B, supersedes=("a.md",)), c, d]
    assert contradictions(circle, known=(), today=TODAY) == [
        "a.md: supersedes c.md, which supersedes b.md, which supersedes it in turn"
    ]


def test_contradictions_mutual_and_expired_but_superseded() -> None:
    pair = [replace(A, supersedes=("b.md",)), replace(B, supersedes=("a.md",))]
    assert contradictions(pair, known=(), today=TODAY) == [
        "a.md: supersedes b.md, which supersedes it in turn",
        "b.md: supersedes a.md, which supersedes it in turn",
    ]
    expired = [replace(A, expires="2025", superseded_by="b.md"), replace(B, supersedes=("a.md",))]
    assert contradictions(expired, known=(), today=TODAY) == []


def test_contradictions_manifest_entry_without_file_is_named() -> None:
    found = contradictions([A], known=("a.md", "b.pdf"), today=TODAY)
    assert found == ["manifest.toml: b.pdf is not indexed"]
