from __future__ import annotations

from pathlib import Path

import pytest

from assistant.settings import Settings
from assistant.types import Outcome
from evals.squad import Squad, SquadQuestion
from evals.squad_corpus import corpus_digest, document_id, measuring_settings, write_corpus
from evals.squad_run import ask_all, evidence_rank, paragraph_rank, squad_figures, targets
from tests.fakes_evals import FakeSentence, FakeSubject, FakeTrace, passage

ONE, TWO = document_id(0, 0), document_id(0, 1)
ENGLISH = Squad(
    "en.json",
    ("One is first.", "Two is second."),
    (
        SquadQuestion("q1", "What is first?", ("One",), article=0, paragraph=0),
        SquadQuestion("q2", "What is second?", ("Two",), article=1, paragraph=1),
    ),
)
CHINESE = Squad("zh.json", ("一是第一。",), (SquadQuestion("q1", "什么是第一？", ("一",), article=0, paragraph=0),))


def subject() -> FakeSubject:
    both = (passage(ONE, "One is first."), passage(ONE, "More."), passage(TWO, "Two is second."))
    evidence = (FakeSentence("Nothing."), FakeSentence("Ｏne is first."))
    return FakeSubject(
        traces={
            "What is first?": FakeTrace(both, evidence, 0.9, Outcome.ANSWERED, {"retrieve": 1.0}),
            "What is second?": FakeTrace(both, evidence, 0.4, Outcome.NOT_IN_DOCUMENTS, {"retrieve": 3.0}),
            "without What is first?": FakeTrace((), (), 0.1),
            "without What is second?": FakeTrace((), (), 0.5),
        }
    )


def test_squad_figures_of_two_questions_match_hand_counts() -> None:
    figures = squad_figures(ask_all(subject(), targets((ENGLISH,), ENGLISH.questions), near_miss=True))
    assert list(figures) == [
        "n", "recall@1", "recall@5", "mrr@10", "evidence@1", "evidence@2", "evidence@3", "evidence@5",
        "near_miss_auroc", "refused", "ms_p50", "ms_p95",
    ]  # fmt: skip
    assert figures["n"] == 2
    # the second question's paragraph is second among paragraphs, third among chunks
    assert (figures["recall@1"], figures["recall@5"], figures["mrr@10"]) == (0.5, 1.0, 0.75)
    assert (figures["evidence@1"], figures["evidence@2"]) == (0.0, 0.5)
    # .9 > .1, .9 > .5, .4 > .1, .4 < .5
    assert figures["near_miss_auroc"] == 0.75
    assert figures["refused"] == 0.5


def test_ask_all_without_near_miss_leaves_auroc_undefined() -> None:
    fake = subject()
    figures = squad_figures(ask_all(fake, targets((ENGLISH,), ENGLISH.questions), near_miss=False))
    assert figures["near_miss_auroc"] is None
    assert len(fake.asked) == 2


def test_ask_all_with_near_miss_excludes_the_paragraph_before_ranking() -> None:
    fake = subject()
    ask_all(fake, targets((ENGLISH,), ENGLISH.questions[:1]), near_miss=True)
    assert [question.filters.exclude for question in fake.asked] == [(), (ONE,)]


def test_targets_of_two_languages_accept_either_paragraph() -> None:
    first, second = targets((ENGLISH, CHINESE), ENGLISH.questions)
    assert (first.gold, first.answers) == ((ONE, document_id(1, 0)), ("One", "一"))
    assert (second.gold, second.answers) == ((TWO,), ("Two",))


def test_paragraph_rank_counts_a_paragraph_once() -> None:
    ranked = [passage(ONE, "a"), passage(ONE, "b"), passage(TWO, "c")]
    assert paragraph_rank(ranked, (TWO,)) == 2
    assert paragraph_rank(ranked, ("c/none.txt",)) == 0


def test_evidence_rank_joins_sentences_and_ignores_spaces() -> None:
    assert evidence_rank([FakeSentence("共 308"), FakeSentence("分。")], ("308分",)) == 2
    assert evidence_rank([FakeSentence("共 308")], ("309",)) == 0


def test_squad_figures_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="of nothing"):
        squad_figures([])


def test_document_id_holds_no_digit_and_no_vowel() -> None:
    assert document_id(1, 240) == "c/zqbbbdgb.txt"


def test_write_corpus_twice_leaves_files_alone(tmp_path: Path) -> None:
    write_corpus((ENGLISH, CHINESE), tmp_path)
    path = tmp_path / document_id(1, 0)
    before = path.stat().st_mtime_ns
    write_corpus((ENGLISH, CHINESE), tmp_path)
    assert (path.read_text("utf-8"), path.stat().st_mtime_ns) == ("一是第一。", before)
    assert len(list(tmp_path.rglob("*.txt"))) == 3


def test_corpus_digest_depends_on_file_bounds() -> None:
    swapped = Squad("x", CHINESE.paragraphs + ENGLISH.paragraphs, ())
    assert corpus_digest((CHINESE, ENGLISH)) != corpus_digest((swapped,))


def test_measuring_settings_share_the_models(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    measuring = measuring_settings(settings, "squad-x")
    assert measuring.index.documents == tmp_path / "evals" / "squad-x" / "documents"
    assert (measuring.home / "models").resolve() == (tmp_path / "models").resolve()
    assert measuring_settings(settings, "squad-x") == measuring
