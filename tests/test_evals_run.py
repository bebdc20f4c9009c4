from __future__ import annotations

import pytest

from assistant.types import Outcome
from evals.figures import grouped, stage_figures, suite_figures
from evals.run import first_rank, run_suite
from evals.suite import Gold, Row
from tests.fakes_evals import FakeSubject, FakeTrace, answer, citation, passage

QUOTE = "The NDRC approved the pilot in 2021."
WHO = Row(
    id="en-1",
    question="Who approved it?",
    language="en",
    kind="who",
    gold=(Gold(document_id="en/a.md", quote=QUOTE),),
    expected=("NDRC",),
    outcome=Outcome.ANSWERED,
)
WHEN = WHO.model_copy(update={"id": "en-2", "question": "When?", "kind": "date", "expected": ("2021",)})
NEAR = Row(id="zh-1", question="谁拒绝了？", language="zh", kind="near_miss", outcome=Outcome.NOT_IN_DOCUMENTS)
OFF = Row(id="en-3", question="Who won?", language="en", kind="off_topic", outcome=Outcome.OFF_TOPIC)


def subject() -> FakeSubject:
    right, wrong = citation("en/a.md", QUOTE), citation("en/b.md", "Something else.", n=2)
    return FakeSubject(
        answers={
            WHO.question: answer("", Outcome.ANSWERED, citations=(right, wrong), words=QUOTE),
            WHEN.question: answer("", Outcome.NOT_IN_DOCUMENTS, confidence=0.2),
            NEAR.question: answer("", Outcome.NOT_IN_DOCUMENTS, confidence=0.1),
            OFF.question: answer("", Outcome.ANSWERED, citations=(wrong,), words="It won.", confidence=0.5),
        },
        traces={
            WHO.question: FakeTrace(passages=(passage("en/a.md", f"Before. {QUOTE} After."),)),
            WHEN.question: FakeTrace(passages=(passage("en/a.md", "Another chunk."), passage("en/a.md", QUOTE))),
        },
    )


def test_run_suite_of_four_rows_notes_what_came() -> None:
    ticks: list[int] = []
    run = run_suite(subject(), (WHO, WHEN, NEAR, OFF), suite="s", tick=lambda: ticks.append(1))
    who, when, near, off = run.results
    assert run.generation == "gen-000001"
    assert len(ticks) == 4
    assert (who.rank, who.page_rank, who.citations, who.citations_right, who.correct) == (1, 1, 2, 1, True)
    assert (when.rank, when.page_rank, when.missing, when.correct) == (2, 1, ("2021",), False)
    assert (near.rank, near.correct, off.correct) == (None, True, False)


def test_suite_figures_of_four_rows_match_hand_counts() -> None:
    figures = suite_figures(run_suite(subject(), (WHO, WHEN, NEAR, OFF), suite="s").results)
    values = {name: figure.value for name, figure in figures.items()}
    assert values["outcome_accuracy"] == 0.5
    assert values["correct"] == 0.5
    assert values["expected_strings"] == 0.5
    assert (values["recall@1"], values["recall@3"], values["mrr@10"]) == (0.5, 1.0, 0.75)
    assert values["page_recall@1"] == 1.0
    assert values["citation_precision"] == pytest.approx(1 / 3)
    assert values["citation_recall"] == 1.0
    assert (values["near_miss_refused"], values["off_topic_refused"]) == (1.0, 0.0)
    assert values["false_refusals"] == 0.5
    # confidences .9 and .2 against .1 and .5: three of four pairs in order
    assert values["confidence_auroc"] == 0.75


def test_suite_figures_without_refusals_leave_those_undefined() -> None:
    figures = suite_figures(run_suite(subject(), (WHO,), suite="s").results)
    assert figures["near_miss_refused"].value is None
    assert figures["confidence_auroc"].value is None


def test_suite_figures_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="figures of no results"):
        suite_figures([])


def test_run_suite_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="suite 's' has no rows"):
        run_suite(subject(), (), suite="s")


def test_grouped_by_language_splits_the_rows() -> None:
    groups = grouped(run_suite(subject(), (WHO, NEAR, OFF), suite="s").results, lambda one: one.language)
    assert {name: figures["outcome_accuracy"].n for name, figures in groups.items()} == {"en": 2, "zh": 1}


def test_citation_on_gold_page_with_expected_string_is_right() -> None:
    cited = citation("en/a.md", "In a table: NDRC; 1662")
    fake = FakeSubject(answers={WHO.question: answer("", Outcome.ANSWERED, citations=(cited,), words="NDRC")})
    (result,) = run_suite(fake, (WHO,), suite="s").results
    assert result.citations_right == 1


def test_citation_on_another_page_is_wrong() -> None:
    cited = citation("en/a.md", QUOTE, page=2)
    fake = FakeSubject(answers={WHO.question: answer("", Outcome.ANSWERED, citations=(cited,), words="NDRC")})
    (result,) = run_suite(fake, (WHO,), suite="s").results
    assert (result.citations_right, result.gold_cited) == (0, False)


def test_first_rank_without_a_hit_is_zero() -> None:
    assert first_rank([False, False]) == 0
    assert first_rank([False, True, True]) == 2


def test_stage_figures_take_each_stage_over_its_questions() -> None:
    table = stage_figures([{"retrieve": 1.0, "total": 3.0}, {"total": 5.0}])
    assert table == {"retrieve": {"p50": 1.0, "p95": 1.0}, "total": {"p50": 4.0, "p95": pytest.approx(4.9)}}
