"""A tiny corpus really built and searched with the fake embedder, its sentences as evidence, and a plain confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.chain import Assistant, Engine, FixedStore
from assistant.confidence import ConfidenceModel, TopicModel, load_confidence
from assistant.evidence import Evidence
from assistant.overlap import Overlap
from assistant.retrieve import HybridSearch, Passage, make_query
from assistant.settings import AnswerSettings
from assistant.twins import Twins
from assistant.types import Filters
from index.build import build
from index.report import SilentProgress
from index.store import PassageStore, open_store
from tests.fakes import HashEmbedder, fake_host, fake_pivot, load_here


def topic_from(least: float) -> TopicModel:
    """A topic model of the greatest cosine with a passage alone; a cosine of 0.5 is probability 0.5."""
    return TopicModel(features=("dense",), mean=(0.5,), scale=(0.1,), weight=(1.0,), intercept=0.0, least=least)


MODEL = load_confidence().model_copy(
    update={
        "provenance": "test: answers where the best sentence holds over half of the question's weight",
        "features": ("sentence_share",),
        "mean": (0.5,),
        "scale": (0.05,),
        "weight": (1.0,),
        "intercept": 0.0,
        "thresholds": {"0.05": 0.5},
        "topic": topic_from(-1.0),
    }
)


def tiny_store(folder: Path, documents: Mapping[str, str]) -> PassageStore:
    """The published generation of these documents, read in this process; `folder/var` is its home."""
    host = fake_host(folder)
    for name, text in documents.items():
        path = host.index.documents / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("index.intake.load_documents", load_here)
        build(host, embedder=HashEmbedder(), pivot=fake_pivot(), progress=SilentProgress())
    return open_store(host.home / "index")


def tiny_search(store: PassageStore) -> HybridSearch:
    return HybridSearch(store, HashEmbedder(), fake_pivot())


def tiny_assistant(store: PassageStore, *, model: ConfidenceModel = MODEL, **settings: int) -> Assistant:
    """The whole way without a scorer; confidence is a matter of words alone."""
    engine = Engine(FixedStore(store), HashEmbedder(), fake_pivot(), scorer=None)
    engine.model = model
    return Assistant(engine, AnswerSettings.model_validate(settings))


def overlap_with(store: PassageStore, question: str) -> Overlap:
    return Overlap(make_query(question, HashEmbedder(), fake_pivot()), store, fake_pivot(), HashEmbedder())


def twins_in(store: PassageStore, filters: Filters | None = None) -> Twins:
    return Twins(store, fake_pivot(), filters or Filters())


def passage_of(store: PassageStore, row: int, *, score: float = 1.0, sentences: Sequence[float] = ()) -> Passage:
    """A stored chunk as if retrieved; its sentences are as near to the question as given, else not at all."""
    (chunk,) = store.chunks([row])
    near: NDArray[np.float32] = np.zeros(len(chunk.sentences), np.float32)
    near[: len(sentences)] = sentences
    document = store.documents[chunk.document_id]
    return Passage(row, chunk, document, score=score, dense=0.0, words=0.0, sentences=near)


def every_evidence_of(
    store: PassageStore, text: str, *, document: str = "", score: float = 1.0, logit: float = 0.0, share: float = 1.0
) -> list[Evidence]:
    """All stored sentences with exactly these words (of one document, where it is given) as evidence, in order."""
    found: list[Evidence] = []
    for row in range(len(store)):
        passage = passage_of(store, row, score=score)
        chunk = passage.chunk
        for number, span in enumerate(chunk.sentences):
            words = chunk.text[span.start - chunk.start : span.end - chunk.start]
            if words == text and document in ("", chunk.document_id):
                found.append(Evidence(passage, number, span, text, score=score, overlap=share, logit=logit))
    return found


def evidence_of(
    store: PassageStore, text: str, *, document: str = "", score: float = 1.0, logit: float = 0.0, share: float = 1.0
) -> Evidence:
    """The first of them.

    Raises:
        AssertionError: If there is none.
    """
    found = every_evidence_of(store, text, document=document, score=score, logit=logit, share=share)
    if not found:
        raise AssertionError(f"no stored sentence {text!r}")
    return found[0]
