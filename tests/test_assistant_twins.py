from __future__ import annotations

import pytest

from assistant.types import Filters
from index.store import PassageStore
from tests.fakes_assistant import every_evidence_of, evidence_of, tiny_store, twins_in

METRO, METRO_ZH = "The Shenzhen metro has 500 stations.", "深圳地铁有500个站。"
OTHER, OTHER_ZH = "The Shenzhen metro has 600 trains.", "深圳地铁有600个站。"
DOCUMENTS = {
    "metro.md": f"# Metro\n\n{METRO} {OTHER} The bridge is grey.",
    "zh.md": f"---\ntranslation_of: metro.md\n---\n# 地铁\n\n{OTHER_ZH} {METRO_ZH}",
    "many.md": f"# Many\n\n{METRO}",
    "many-zh1.md": f"---\ntranslation_of: many.md\n---\n# 一\n\n{METRO_ZH}",
    "many-zh2.md": f"---\ntranslation_of: many.md\n---\n# 二\n\n{METRO_ZH}",
    "years.md": "# Years\n\nIn 2023 the Shenzhen metro had 500 stations.",
    "years-zh.md": "---\ntranslation_of: years.md\n---\n# 年\n\n2023年深圳地铁有600个站。",
    "twice.md": f"# Twice\n\n{METRO}\n\n## Summary\n\n{METRO}",
    "twice-zh.md": f"---\ntranslation_of: twice.md\n---\n# 两次\n\n{METRO_ZH}",
    "stranger.md": f"# 别处\n\n{METRO_ZH}",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("twins"), DOCUMENTS)


@pytest.mark.parametrize(
    ("text", "document", "twin"),
    [(METRO, "metro.md", METRO_ZH), (METRO_ZH, "zh.md", METRO), (OTHER, "metro.md", OTHER_ZH)],
)
def test_of_the_same_fact_in_the_twin_document(store: PassageStore, text: str, document: str, twin: str) -> None:
    found = twins_in(store).of(evidence_of(store, text, document=document))
    assert found is not None
    assert found.text == twin
    assert {found.passage.document.id, document} == {"metro.md", "zh.md"}
    span = found.span
    page = store.page(found.passage.document.id, 1)
    assert page is not None
    assert page.text[span.start : span.end] == twin


def test_of_what_the_twin_does_not_say_has_none(store: PassageStore) -> None:
    assert twins_in(store).of(evidence_of(store, "The bridge is grey.")) is None


def test_of_a_document_without_a_twin_has_none(store: PassageStore) -> None:
    assert twins_in(store).of(evidence_of(store, METRO_ZH, document="stranger.md")) is None


def test_of_a_twin_that_a_filter_leaves_out_is_not_given(store: PassageStore) -> None:
    metro = evidence_of(store, METRO, document="metro.md")
    assert twins_in(store, Filters(documents=("metro.md",))).of(metro) is None
    assert twins_in(store, Filters(language="en")).of(metro) is None
    assert twins_in(store, Filters(language="zh")).of(metro) is not None


def test_of_another_figure_for_the_same_year_is_not_the_same(store: PassageStore) -> None:
    assert twins_in(store).of(evidence_of(store, "In 2023 the Shenzhen metro had 500 stations.")) is None


def test_of_a_sentence_that_stands_twice(store: PassageStore) -> None:
    for one in every_evidence_of(store, METRO, document="twice.md"):
        found = twins_in(store).of(one)
        assert found is not None
        assert found.passage.document.id == "twice-zh.md"


@pytest.mark.parametrize("admitted", ["many-zh1.md", "many-zh2.md"])
def test_of_several_translations_the_one_that_the_filters_admit(store: PassageStore, admitted: str) -> None:
    metro = evidence_of(store, METRO, document="many.md")
    found = twins_in(store, Filters(documents=("many.md", admitted))).of(metro)
    assert found is not None
    assert found.passage.document.id == admitted
