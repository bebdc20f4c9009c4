from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.web.protocols import PageSource
from assistant.web.stored import ReadsPages, StoredPages
from index.errors import CorruptGenerationError
from index.types import Document, Page

PLAN = Document("en/plan.md", "The plan", "en")


@dataclass(frozen=True)
class FakeStore:
    generation: str
    documents: Mapping[str, Document] = field(default_factory=lambda: {PLAN.id: PLAN})

    def page(self, document_id: str, number: int) -> Page | None:
        return Page(document_id, 1, "1", f"Text of {self.generation}.") if number == 1 else None


@dataclass
class FakeLive:
    store: FakeStore

    def current(self) -> FakeStore:
        return self.store


@dataclass
class Opener:
    kept: tuple[str, ...] = ("gen-000001", "gen-000002", "gen-000003")
    opened: list[str] = field(default_factory=list)

    def __call__(self, generation: str) -> ReadsPages:
        self.opened.append(generation)
        if generation not in self.kept:
            raise CorruptGenerationError(f"{generation} is not kept")
        return FakeStore(generation)


def stored(opener: Opener) -> StoredPages:
    return StoredPages(FakeLive(FakeStore("gen-000004")), opener)


def text_of(pages: PageSource, generation: str) -> str:
    page = pages.page(PLAN.id, 1, generation=generation)
    return page.text if page else ""


def test_stored_pages_without_a_generation_read_the_live_one() -> None:
    opener = Opener()
    pages = stored(opener)
    assert pages.generation() == "gen-000004"
    assert list(pages.documents()) == [PLAN]
    assert text_of(pages, "") == text_of(pages, "gen-000004") == "Text of gen-000004."
    assert opener.opened == []


def test_stored_pages_of_an_earlier_generation_open_it_once() -> None:
    opener = Opener()
    pages = stored(opener)
    assert text_of(pages, "gen-000002") == text_of(pages, "gen-000002") == "Text of gen-000002."
    assert pages.document(PLAN.id, generation="gen-000002") == PLAN
    assert opener.opened == ["gen-000002"]


def test_stored_pages_hold_two_earlier_generations_and_let_the_least_used_go() -> None:
    opener = Opener()
    pages = stored(opener)
    for name in ("gen-000001", "gen-000002", "gen-000001", "gen-000003", "gen-000001", "gen-000002"):
        assert text_of(pages, name)
    assert opener.opened == ["gen-000001", "gen-000002", "gen-000003", "gen-000002"]


def test_stored_pages_of_a_generation_that_is_gone_are_none() -> None:
    pages = stored(Opener(kept=()))
    assert pages.page(PLAN.id, 1, generation="gen-000001") is None
    assert pages.document(PLAN.id, generation="gen-000001") is None


def test_stored_pages_never_open_a_name_that_is_no_generation() -> None:
    opener = Opener()
    pages = stored(opener)
    for name in ("../../etc", "gen-000001/../gen-000002", "gen-1", "gen-000001\n", "CURRENT"):
        assert pages.page(PLAN.id, 1, generation=name) is None
    assert opener.opened == []


def test_stored_pages_of_an_unknown_document_or_page_are_none() -> None:
    pages = stored(Opener())
    assert pages.page("en/other.md", 1) is None
    assert pages.page(PLAN.id, 0) is None
    assert pages.page(PLAN.id, 2) is None
