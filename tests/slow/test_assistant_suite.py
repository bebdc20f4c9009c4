"""The project's own documents, its own questions: whatever is answered stands on a stored page, word for word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.chain import Assistant, open_assistant
from assistant.settings import Settings
from assistant.types import Answer, Filters, Outcome, Question
from evals.cli import PILOT_SUITE
from evals.suite import load_suite
from index.build import build
from index.embed import open_embedder
from index.pivot import open_pivot
from index.report import SilentProgress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SPEAKING = (Outcome.ANSWERED, Outcome.PARTIAL, Outcome.CONFLICTING)


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """The assistant over the shipped documents, with the shipped models and weights, built into a home of its own."""
    settings = Settings(home=tmp_path_factory.mktemp("suite"))
    models = settings.home / "models"
    embedder, pivot = open_embedder(settings.embedding, models), open_pivot(settings.index.glossary, models)
    report = build(settings, embedder=embedder, pivot=pivot, progress=SilentProgress())
    assert [one.path for one in report.documents if one.outcome != "indexed"] == []
    opened = open_assistant(settings)
    yield opened
    opened.engine.stores.current().close()


@pytest.fixture(scope="module")
def answers(assistant: Assistant) -> list[Answer]:
    rows = load_suite(PILOT_SUITE)
    return [assistant.invoke(Question(row.question, filters=Filters(as_of=row.as_of))) for row in rows]


def test_every_citation_quotes_its_page_at_its_span(assistant: Assistant, answers: list[Answer]) -> None:
    store = assistant.engine.stores.current()
    for answer in answers:
        for citation in answer.citations:
            page = store.page(citation.document_id, citation.page)
            assert page is not None, answer.question
            assert page.text[citation.start : citation.end] == citation.quote, answer.question
            assert citation.quote.strip(), answer.question


def test_every_sentence_stands_in_the_quote_of_its_first_citation_where_it_says(answers: list[Answer]) -> None:
    for answer in answers:
        assert [citation.n for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
        for sentence in answer.sentences:
            first = answer.citations[sentence.citations[0] - 1]
            begin = sentence.start - first.start
            assert begin >= 0, answer.question
            assert first.quote[begin : begin + len(sentence.text)] == sentence.text, answer.question


def test_sentences_are_there_exactly_where_the_outcome_says_so(answers: list[Answer]) -> None:
    assert any(answer.outcome in SPEAKING for answer in answers)
    for answer in answers:
        assert bool(answer.sentences) is (answer.outcome in SPEAKING), answer.question
        assert bool(answer.message) is (answer.outcome is not Outcome.ANSWERED), answer.question
        assert 0 <= answer.confidence <= 1, answer.question


def test_every_answer_comes_from_the_one_generation(answers: list[Answer]) -> None:
    asked = [answer for answer in answers if answer.outcome not in (Outcome.SMALL_TALK, Outcome.BLOCKED)]
    assert {answer.generation for answer in asked} == {"gen-000001"}
    assert all(answer.timings_ms["total"] > 0 for answer in answers)
