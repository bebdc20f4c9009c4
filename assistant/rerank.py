"""Pairs of question and sentence to scores: a small cross-encoder over pivot text that says whether a sentence answers.

The weights ship with this package as `model/evidence.onnx`, with `model/evidence.json` saying how they were made
(`pilot evals fit`). They run by onnxruntime and tokenizers alone, with the tokenizer of the bundled embedder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from index.embed import ensure_export, length_sorted_batches, open_session
from index.errors import PilotError

WEIGHTS = Path(__file__).resolve().parent / "model"
"""The folder that the weights ship in."""

QUESTION_TOKENS = 40
CONTEXT_TOKENS = 24
PAIR_TOKENS = 128
_BATCH = 8


class Encoding(Protocol):
    """The part of tokenizers.Encoding that pairs are made with."""

    @property
    def ids(self) -> list[int]:
        """Token ids."""

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Characters of the text that each token covers."""


class PairTokenizer(Protocol):
    """The part of tokenizers.Tokenizer that pairs are made with."""

    def encode_batch(self, input: list[str], *, add_special_tokens: bool = True) -> list[Encoding]:
        """The encodings of the texts, in order."""

    def token_to_id(self, token: str) -> int | None:
        """The id of a token, None where the vocabulary lacks it."""


class Session(Protocol):
    """The part of onnxruntime.InferenceSession that scores."""

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[np.int64]]
    ) -> Sequence[NDArray[np.float32]]:
        """The named outputs, in order."""


class _Provenance(BaseModel):
    """What the provenance file must say for the weights to be loaded; the rest of it is for readers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sha256: str


def open_tokenizer(path: Path) -> PairTokenizer:
    """The tokenizer of a file, with neither truncation nor padding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return cast(PairTokenizer, tokenizer)


def pair_ids(
    question: Sequence[int], sentence: Sequence[int], *, edge: tuple[int, int], context: Sequence[int] = ()
) -> tuple[list[int], int]:
    """Token ids of `[CLS] question [SEP] context [SEP] sentence [SEP]` and the position where the sentence begins.

    The question is cut to 40 tokens, the context to 24, then the sentence so that the pair has at most 128. Without a
    context its place and its [SEP] are left out.
    """
    first, last = edge
    head = [first, *question[:QUESTION_TOKENS], last]
    if context:
        head += [*context[:CONTEXT_TOKENS], last]
    return [*head, *sentence[: PAIR_TOKENS - len(head) - 1], last], len(head)


def _feeds(pairs: Sequence[tuple[list[int], int]]) -> dict[str, NDArray[np.int64]]:
    """The pairs padded to the longest, with their masks: int64[n, tokens] each."""
    shape = (len(pairs), max(len(ids) for ids, _ in pairs))
    tokens, mask, kind = (np.zeros(shape, np.int64) for _ in range(3))
    for row, (ids, start) in enumerate(pairs):
        tokens[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
        kind[row, start : len(ids)] = 1
    return {"input_ids": tokens, "attention_mask": mask, "token_type_ids": kind}


class SentenceScorer:
    """Scores sentences by how likely they answer a question, each on its own.

    Attributes:
        id: Digest of the weights, in hex.
    """

    def __init__(self, session: Session, tokenizer: PairTokenizer, *, id: str) -> None:
        self.id = id
        self._session = session
        self._tokenizer = tokenizer
        self._edge = (tokenizer.token_to_id("[CLS]") or 0, tokenizer.token_to_id("[SEP]") or 0)

    def score(
        self, question_pivot: str, sentence_pivots: Sequence[str], context_pivots: Sequence[str] = ()
    ) -> NDArray[np.float32]:
        """float32[n], in the order of the sentences; no sentences give float32[0].

        A logit: above 0 the sentence likelier answers than not; unbounded, about -10 to 10. Question and sentences are
        given as their pivots (`Pivot.pivot`); English text is its own pivot. `context_pivots` says where each sentence
        stands (title and section), empty strings or nothing where that is unknown. int8 rounds to the range of what is
        scored together, so that a score moves by some tenths, seldom by one, with the sentences beside it.
        """
        scores = np.zeros(len(sentence_pivots), np.float32)
        if not sentence_pivots:
            return scores
        contexts = context_pivots or [""] * len(sentence_pivots)
        places = {text: number for number, text in enumerate(dict.fromkeys(contexts), start=1)}
        encoded = self._tokenizer.encode_batch([question_pivot, *places, *sentence_pivots], add_special_tokens=False)
        question, sentences = encoded[0], encoded[1 + len(places) :]
        pairs = [
            pair_ids(question.ids, sentence.ids, edge=self._edge, context=encoded[places[context]].ids)
            for sentence, context in zip(sentences, contexts, strict=True)
        ]
        for batch in length_sorted_batches([len(ids) for ids, _ in pairs], _BATCH):
            scores[batch] = self._session.run(["score"], _feeds([pairs[i] for i in batch]))[0]
        return scores


def _verified(folder: Path) -> tuple[Path, str]:
    """The weights of a folder and their digest, checked against the provenance beside them."""
    weights, record = folder / "evidence.onnx", folder / "evidence.json"
    for path in (weights, record):
        if not path.is_file():
            raise PilotError(
                f"{path} is missing; it ships with the project. Bring it back: git checkout -- assistant/model"
            )
    try:
        expected = _Provenance.model_validate_json(record.read_bytes()).sha256
    except ValidationError as error:
        raise PilotError(
            f"{record} does not name the digest of the weights (sha256). Bring it back: git checkout -- assistant/model"
        ) from error
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != expected:
        raise PilotError(
            f"{weights} has SHA-256 {found[:12]}…, {record.name} expects {expected[:12]}…: it is damaged or from "
            "another fit. Bring it back: git checkout -- assistant/model"
        )
    return weights, expected


@lru_cache(maxsize=2)
def open_scorer(models: Path, *, weights: Path = WEIGHTS, threads: int = 0) -> SentenceScorer:
    """The shipped scorer; `models` holds the bundled embedder's export, whose tokenizer it shares.

    `threads` 0 takes the cores. The same object is given for the same arguments.

    Raises:
        PilotError: If the weights are missing or are not those that their provenance names.
    """
    path, digest = _verified(weights)
    session = cast(Session, open_session(path, threads=threads))
    return SentenceScorer(session, open_tokenizer(ensure_export(models) / "tokenizer.json"), id=digest)
