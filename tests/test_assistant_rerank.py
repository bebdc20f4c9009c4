from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.rerank import (
    CONTEXT_TOKENS,
    PAIR_TOKENS,
    QUESTION_TOKENS,
    WEIGHTS,
    Encoding,
    SentenceScorer,
    open_scorer,
    pair_ids,
)
from index.errors import PilotError
from index.settings import PROJECT_ROOT

EDGE = (101, 102)


class WordEncoding:
    def __init__(self, text: str) -> None:
        self.ids = [len(word) for word in text.split()]
        self.offsets = [(0, 0)] * len(self.ids)


class WordTokenizer:
    """A word is one token whose id is the word's length."""

    def encode_batch(self, input: list[str], *, add_special_tokens: bool = True) -> list[Encoding]:
        return [WordEncoding(text) for text in input]

    def token_to_id(self, token: str) -> int | None:
        return {"[CLS]": EDGE[0], "[SEP]": EDGE[1]}.get(token)


class SumSession:
    """The score of a pair is the sum of its sentence's token ids, the closing [SEP] included."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[np.int64]]
    ) -> Sequence[NDArray[np.float32]]:
        self.widths.append(input_feed["input_ids"].shape[1])
        return [(input_feed["input_ids"] * input_feed["token_type_ids"]).sum(axis=1).astype(np.float32)]


def test_pair_ids_short_pair_is_framed_and_marks_the_sentence() -> None:
    assert pair_ids([7, 8], [9], edge=EDGE) == ([101, 7, 8, 102, 9, 102], 4)


def test_pair_ids_long_texts_cut_question_then_sentence() -> None:
    ids, start = pair_ids([1] * 500, [2] * 500, edge=EDGE)
    assert (len(ids), start, ids[-1]) == (PAIR_TOKENS, QUESTION_TOKENS + 2, 102)
    assert ids.count(1) == QUESTION_TOKENS


def test_pair_ids_context_stands_between_question_and_sentence_and_is_cut() -> None:
    assert pair_ids([7, 8], [9], edge=EDGE, context=[5]) == ([101, 7, 8, 102, 5, 102, 9, 102], 6)
    ids, start = pair_ids([7], [9], edge=EDGE, context=[5] * 100)
    assert (ids.count(5), start) == (CONTEXT_TOKENS, CONTEXT_TOKENS + 4)


def test_pair_ids_empty_sentence_keeps_the_frame() -> None:
    assert pair_ids([], [], edge=EDGE) == ([101, 102, 102], 2)


def test_score_of_many_lengths_keeps_the_callers_order() -> None:
    session = SumSession()
    sentences = [" ".join(["a"] * count) for count in (3, 20, 1, 11, 5, 2, 8, 13, 1, 4)]
    scores = SentenceScorer(session, WordTokenizer(), id="x").score("why", sentences)
    assert scores.tolist() == [105, 122, 103, 113, 107, 104, 110, 115, 103, 106]
    assert session.widths == [24, 5]


def test_score_contexts_lengthen_their_own_pair_only() -> None:
    session = SumSession()
    scores = SentenceScorer(session, WordTokenizer(), id="x").score("why", ["a", "a"], ["", "there it is"])
    assert scores.tolist() == [103, 103]
    assert session.widths == [9]


def test_score_without_sentences_is_empty_and_runs_nothing() -> None:
    session = SumSession()
    scores = SentenceScorer(session, WordTokenizer(), id="x").score("why", [])
    assert (scores.shape, str(scores.dtype), session.widths) == ((0,), "float32", [])


def test_open_scorer_without_weights_names_file_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"evidence\.onnx is missing.*git checkout"):
        open_scorer(tmp_path, weights=tmp_path)


def test_open_scorer_with_changed_weights_refuses_them(tmp_path: Path) -> None:
    (tmp_path / "evidence.onnx").write_bytes(b"other")
    (tmp_path / "evidence.json").write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(PilotError, match=r"SHA-256 d9298a10d1b0….*expects 000000000000….*another fit"):
        open_scorer(tmp_path, weights=tmp_path)


def test_open_scorer_with_provenance_without_digest_says_so(tmp_path: Path) -> None:
    (tmp_path / "evidence.onnx").write_bytes(b"other")
    (tmp_path / "evidence.json").write_text("{}")
    with pytest.raises(PilotError, match="does not name the digest"):
        open_scorer(tmp_path, weights=tmp_path)


def test_shipped_weights_are_small_and_name_their_data() -> None:
    record = json.loads((WEIGHTS / "evidence.json").read_text(encoding="utf-8"))
    assert (WEIGHTS / "evidence.onnx").stat().st_size == record["bytes"] <= 25_000_000
    assert {"base", "command", "plan", "data", "figures", "date"} <= record.keys()
    assert all(one["licence"] and len(one["sha256"]) == 64 for one in record["data"])


@pytest.fixture(scope="module")
def scorer() -> SentenceScorer:
    return open_scorer(PROJECT_ROOT / "var" / "models")


QUESTION = "When was the metropolitan area plan issued?"
SENTENCES = [
    "The plan covers Shenzhen, Dongguan and Huizhou.",
    "The metropolitan area plan was issued in October 2023.",
    "Flooding is a risk for low-lying districts during the typhoon season, and pumping stations are being renewed.",
]


@pytest.mark.slow
def test_shipped_scorer_puts_the_sentence_that_answers_first(scorer: SentenceScorer) -> None:
    scores = scorer.score(QUESTION, SENTENCES)
    assert scores.argmax() == 1
    assert scores[1] > 0 > scores[2]


@pytest.mark.slow
def test_shipped_scorer_asked_twice_gives_equal_scores(scorer: SentenceScorer) -> None:
    assert scorer.score(QUESTION, SENTENCES).tolist() == scorer.score(QUESTION, SENTENCES).tolist()


@pytest.mark.slow
def test_shipped_scorer_alone_or_together_scores_alike(scorer: SentenceScorer) -> None:
    alone = np.concatenate([scorer.score(QUESTION, [sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(scorer.score(QUESTION, SENTENCES), alone, atol=0.5)


@pytest.mark.slow
def test_shipped_scorer_on_reversed_sentences_reverses_the_scores(scorer: SentenceScorer) -> None:
    forward, backward = scorer.score(QUESTION, SENTENCES), scorer.score(QUESTION, SENTENCES[::-1])
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)


@pytest.mark.slow
def test_open_scorer_loads_within_a_second(scorer: SentenceScorer) -> None:
    open_scorer.cache_clear()
    start = time.perf_counter()
    open_scorer(PROJECT_ROOT / "var" / "models")
    assert time.perf_counter() - start < 1.0
