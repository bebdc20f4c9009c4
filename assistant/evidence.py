"""Passages to evidence: their sentences, ranked by how well each answers the question.

A sentence is judged by its vector, the question's terms that it holds, its passage, the kind of thing asked for and,
where the fitted scorer is there, by a cross-encoder that reads question and sentence together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from assistant.overlap import Overlap
from assistant.retrieve import Passage, Query, behind_successors
from assistant.understand import Kind
from assistant.values import asks_money, has_date, has_number, moments, names_money, numbers, years
from index.chunk import SECTION_SEPARATOR
from index.language import fold, unwrap
from index.pivot import Pivot
from index.types import Document, Language, SentenceSpan

_SCORED = 12
_EACH = 1
_AS_WELL = 3.0
_WEIGHTS = Path(__file__).resolve().parent / "evidence.json"
_REASON = re.compile(
    r"\b(?:because|since|in order to|so that|so as to|due to|aims? to|to \w+)\b|因为|由于|以便|旨在|为了|目的|从而|因此"
)
_NO_STATEMENT = re.compile(  # asks itself, says what the document is instead of what it says, or promises an answer
    r"[?]\s*$|^(?:this (?:brief|article|document|page|report|summary|note) (?:sums|brings|tells|is|gives|covers)\b"
    r"|本文|本页)"
    r"|\b(?:says|said|tells|told|explains|explained|describes|described|sets out) (?:what|which|how|why|who"
    r"|where(?! possible| necessary| appropriate))\b[^:]*$"
    r"|^(?!.*(?:应|须|不))[^:]*(?:说明|介绍|阐明|讲明|阐述)了?(?:什么(?!都)|怎样|怎么|如何|哪些|为什么|为何)[^:]*$"
)
_DOCUMENT_NUMBER = re.compile(r"\b(?:document|reference) (?:number|no\b)|文号")
_ASKS_NUMBER = re.compile(r"\b(?:number|no|reference)\b|号|〔")
_NAME = re.compile(r"[A-Z][\w&-]+(?: [A-Z][\w&-]+)*|(?:局|委|部|厅|公司|集团|政府|办公室|大学|院|会|者|长)")


class EvidenceWeights(BaseModel):
    """Weights of a sentence's features, and where they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: str
    dense: float
    overlap: float
    context: float
    passage: float
    fits: float
    question: float
    table: float
    years: float
    latest: float
    latest_moment: float
    foreign: float
    scorer: float
    rerank: float
    rerank_foreign: float


class Scorer(Protocol):
    """Judges question and sentence together."""

    def score(
        self, question_pivot: str, sentence_pivots: Sequence[str], context_pivots: Sequence[str] = ()
    ) -> NDArray[np.float32]:
        """float32[n], higher where the sentence, standing where its context says, more likely answers."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence of a retrieved passage with its score.

    Attributes:
        passage: Where it stands.
        number: Position among the chunk's sentences.
        span: The sentence in page offsets.
        text: Its exact text.
        score: Higher answers better.
        overlap: Share of the question's weight that it holds, 0 to 1.
        logit: The cross-encoder's score; 0 where it was not asked.
    """

    passage: Passage
    number: int
    span: SentenceSpan
    text: str
    score: float
    overlap: float
    logit: float

    @property
    def chunk_id(self) -> str:
        """The chunk that it stands in."""
        return self.passage.chunk.id


def standing(passage: Passage) -> str:
    """Where a passage stands: its document's title and its innermost heading, each once."""
    inner = passage.chunk.section.rpartition(SECTION_SEPARATOR)[2]
    title = passage.document.title
    return title if not inner or inner == title else f"{title}: {inner}"


@lru_cache(maxsize=1)
def load_evidence_weights() -> EvidenceWeights:
    """The fitted weights that ship with the package."""
    return EvidenceWeights.model_validate_json(_WEIGHTS.read_text(encoding="utf-8"))


def fits_kind(text: str, question: str, kind: Kind) -> float:
    """1 where the sentence holds the kind of thing that is asked for beyond what the question says itself, else 0."""
    new_number = bool(numbers(text) - numbers(question))
    if asks_money(question):
        return float(names_money(text))
    if kind is Kind.WHEN:
        return float(has_date(text) and new_number)
    if kind is Kind.HOW_MANY:
        return float(has_number(text) and (new_number or not numbers(text)))
    if kind is Kind.WHY:
        return float(bool(_REASON.search(text)))
    if kind is Kind.WHO:
        return float(bool(_NAME.search(text)))
    if kind is Kind.LIST:
        return float(len(re.findall(r"[,;、，；]", text)) >= 2)
    return 0.0


def states_nothing(text: str) -> bool:
    """Whether a sentence asks, says what its document is, or only announces that something says what, which or how."""
    return bool(_NO_STATEMENT.search(fold(unwrap(text))))


def gives_number_unasked(text: str, question: str) -> bool:
    """Whether a sentence gives a document's number to a question for something else: it names the document best."""
    return bool(_DOCUMENT_NUMBER.search(fold(text))) and not _ASKS_NUMBER.search(fold(question))


def _years_held(question: str, passage: Passage, text: str) -> float:
    """Share of the question's years that the sentence, its section or its document's title names; 0 without years."""
    asked = years(question)
    if not asked:
        return 0.0
    return len(asked & years(f"{passage.document.title} {passage.chunk.section} {text}")) / len(asked)


def _newness(passages: Sequence[Passage]) -> dict[str, float]:
    """How new each passage's document is among them: 0 the oldest or undated, 1 the newest."""
    days = sorted({one.document.published for one in passages if one.document.published})
    return {
        one.document.id: days.index(one.document.published) / (len(days) - 1)
        for one in passages
        if one.document.published and len(days) > 1
    }


def _newest_first(evidence: Sequence[Evidence], weight: float) -> list[Evidence]:
    """The evidence with those that answer about as well as the best raised by how new the time is that they name.

    Times after the newest document are goals, not what holds now, and count for nothing.
    """
    reach = max(one.logit for one in evidence) - _AS_WELL
    known = max((moment for one in evidence for moment in moments(one.passage.document.published)), default=math.inf)
    near = {
        id(one): max((moment for moment in moments(one.text) if moment <= known), default=0.0)
        for one in evidence
        if one.logit >= reach
    }
    times = sorted({moment for moment in near.values() if moment})
    if len(times) < 2:
        return list(evidence)
    return [
        replace(one, score=one.score + weight * times.index(near[id(one)]) / (len(times) - 1))
        if near.get(id(one))
        else one
        for one in evidence
    ]


def _is_note(passage: Passage, number: int) -> bool:
    """Whether a sentence only repeats the document's own note, such as that the source prevails."""
    span = passage.chunk.sentences[number]
    text = passage.chunk.text[span.start - passage.chunk.start : span.end - passage.chunk.start]
    note = fold(unwrap(passage.document.note))
    return bool(note) and fold(unwrap(text)).strip(" .。") in note


@dataclass(frozen=True, slots=True)
class _Draft:
    passage: Passage
    number: int
    span: SentenceSpan
    text: str
    overlap: float
    score: float


def _reach(drafts: Sequence[_Draft]) -> tuple[list[_Draft], list[_Draft]]:
    """The drafts that the scorer reads, the best overall and the best of each passage, and the rest."""
    seen: dict[int, int] = {}
    head: list[_Draft] = []
    tail: list[_Draft] = []
    for place, draft in enumerate(drafts):
        row = draft.passage.row
        seen[row] = seen.get(row, 0) + 1
        (head if place < _SCORED or seen[row] <= _EACH else tail).append(draft)
    return head, tail


def rerank(
    passages: Sequence[Passage],
    evidence: Sequence[Evidence],
    language: Language,
    documents: Mapping[str, Document],
) -> list[Passage]:
    """The passages with the first ones re-ordered by what the scorer thought of their best sentence.

    Only passages whose sentences were read change places among themselves, and a replaced document stays behind those
    that replaced it. Across languages the fused score is less sure, so the scorer counts for more there.
    """
    weights = load_evidence_weights()
    best: dict[int, float] = {}
    for one in evidence:
        best[one.passage.row] = max(best.get(one.passage.row, one.logit), one.logit)
    weight = {True: weights.rerank, False: weights.rerank_foreign}
    gain = {one.row: weight[one.chunk.language == language] * best[one.row] for one in passages if one.row in best}
    floor = min([0.0, *gain.values()])  # successors are told by the ratio of scores, which must not be negative
    read = [replace(one, score=one.score + gain[one.row] - floor) for one in passages if one.row in gain]
    read = [replace(one, score=one.score + floor) for one in behind_successors(read, documents)]
    read.sort(key=lambda passage: (-passage.score, passage.row))
    return [*read, *(passage for passage in passages if passage.row not in best)]


@dataclass(frozen=True, slots=True)
class _Judge:
    """What sentences are judged against: the question, the best passage's score, and how new each document is.

    Newness counts only for a question that asks for the latest and names no year.
    """

    query: Query
    kind: Kind
    overlap: Overlap
    top: float
    newness: Mapping[str, float]


class EvidenceRanker:
    """Ranks the sentences of the best passages."""

    def __init__(self, pivot: Pivot, scorer: Scorer | None) -> None:
        self._pivot = pivot
        self._scorer = scorer
        self._weights = load_evidence_weights()

    def rank(
        self, query: Query, kind: Kind, passages: Sequence[Passage], overlap: Overlap, *, latest: bool = False
    ) -> list[Evidence]:
        """All sentences of the passages, best first; those past the scorer's reach keep their plain order.

        The passages may come in any order.

        Headings are none: they name the subject and so look like an answer, but say nothing of it.

        With `latest` the newer of two documents is preferred, and of sentences that answer about as well the one that
        names the newest time.
        """
        newness = _newness(passages) if latest and not years(query.text) else {}
        judge = _Judge(query, kind, overlap, top=max((one.score for one in passages), default=0.0), newness=newness)
        drafts = [
            self._draft(judge, passage, number)
            for passage in passages
            for number in range(len(passage.chunk.sentences))
            if passage.chunk.sentences[number].kind != "heading" and not _is_note(passage, number)
        ]
        drafts.sort(key=lambda draft: (-draft.score, draft.passage.row, draft.number))
        head, tail = _reach(drafts)
        logits = self._logits(query, head)
        floor = min(float(logits.min()), 0.0) if len(logits) else 0.0
        scored = [self._final(draft, float(logit)) for draft, logit in zip(head, logits, strict=True)]
        scored += [self._final(draft, floor) for draft in tail]
        if newness:
            scored = _newest_first(scored, self._weights.latest_moment)
        return sorted(scored, key=lambda one: (-one.score, one.passage.row, one.number))

    def _draft(self, judge: _Judge, passage: Passage, number: int) -> _Draft:
        weights = self._weights
        span = passage.chunk.sentences[number]
        language = passage.chunk.language
        text = passage.chunk.text[span.start - passage.chunk.start : span.end - passage.chunk.start]
        held = judge.overlap.coverage(text, language).share
        before = passage.chunk.sentences[number - 1] if number else None
        start = before.start if before else span.start
        around = judge.overlap.coverage(
            passage.chunk.text[start - passage.chunk.start : span.end - passage.chunk.start], language
        )
        score = (
            weights.dense * float(passage.sentences[number])
            + weights.overlap * held
            + weights.context * around.share
            + weights.passage * (passage.score - judge.top)
            + weights.fits * fits_kind(text, judge.query.text, judge.kind)
            + weights.years * _years_held(judge.query.text, passage, text)
            + weights.latest * judge.newness.get(passage.document.id, 0.0)
            + weights.foreign * float(language != judge.query.language)
            + weights.table * float(span.kind == "table_row")
            + weights.question * float(states_nothing(text) or gives_number_unasked(text, judge.query.text))
        )
        return _Draft(passage, number, span, text, held, score)

    def _logits(self, query: Query, drafts: Sequence[_Draft]) -> NDArray[np.float32]:
        if self._scorer is None:
            return np.zeros(len(drafts), np.float32)
        contexts = {draft.passage.row: self._pivot.pivot(standing(draft.passage)) for draft in drafts}
        return self._scorer.score(
            query.pivot,
            [self._pivot.pivot(unwrap(draft.text)) for draft in drafts],
            [contexts[draft.passage.row] for draft in drafts],
        )

    def _final(self, draft: _Draft, logit: float) -> Evidence:
        score = draft.score + self._weights.scorer * logit
        return Evidence(draft.passage, draft.number, draft.span, draft.text, score, draft.overlap, logit)
