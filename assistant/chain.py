"""The whole way of a question: understand, retrieve, rank evidence, judge, write, ground.

`Assistant` is a LangChain Runnable from a `Question` (or its text) to an `Answer`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import run_in_executor

from assistant.cite import Citations
from assistant.confidence import load_confidence, measure, measure_topic
from assistant.conflict import find_conflict, settle
from assistant.evidence import Evidence, EvidenceRanker, Scorer, rerank
from assistant.extract import Quote, write
from assistant.ground import grounded
from assistant.messages import message, outcome_message
from assistant.overlap import Overlap
from assistant.retrieve import HybridSearch, Passage, PilotRetriever, Query
from assistant.settings import AnswerSettings, Settings
from assistant.spelling import Speller
from assistant.twins import Twins
from assistant.types import Answer, Filters, NearDocument, Outcome, Question, RankedPassage
from assistant.understand import (
    Part,
    Understood,
    asks_latest,
    by_year,
    content_terms,
    lacks_subject,
    understand,
)
from assistant.values import years
from index.embed import Embedder
from index.language import detect, stem, unwrap, visible
from index.pivot import Pivot
from index.store import PassageStore
from index.types import Language

_NEAREST = 3
_READINGS = 4
_NAMED = 0.9
_AMBIGUOUS_TERMS = 2
_ALONG = 0.35


class StoreSource(Protocol):
    """Gives the generation to answer from; a running server's changes under it."""

    def current(self) -> PassageStore:
        """The live generation."""


@dataclass(frozen=True, slots=True)
class FixedStore:
    """A source that always gives the same generation."""

    store: PassageStore

    def current(self) -> PassageStore:
        """The one generation."""
        return self.store


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for one part of a question.

    Attributes:
        part: The part.
        query: What was searched for.
        passages: Best first.
        evidence: Sentences, best first.
        features: Of the confidence model.
        confidence: Probability that the evidence answers.
        overlap: Compares the part with texts.
    """

    part: Part
    query: Query
    passages: Sequence[Passage]
    evidence: Sequence[Evidence]
    features: dict[str, float]
    confidence: float
    overlap: Overlap


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened inside a question, for measuring.

    Attributes:
        passages: Of the first part, best first.
        evidence: Of the first part, best first, before it is chosen what is shown.
        confidence: The least of the parts.
        outcome: What came of it.
        timings_ms: Milliseconds by stage.
        features: Of the first part, as the confidence model saw them.
        topic: The same of the topic model; empty where they were not asked for.
    """

    passages: Sequence[Passage]
    evidence: Sequence[Evidence]
    confidence: float
    outcome: Outcome
    timings_ms: dict[str, float]
    features: dict[str, float]
    topic: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Clock:
    """Milliseconds by stage."""

    timings_ms: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)
    _start: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to a stage."""
        now = time.perf_counter()
        self.timings_ms[stage] = round(self.timings_ms.get(stage, 0.0) + (now - self._last) * 1000, 2)
        self._last = now

    def stop(self) -> dict[str, float]:
        """The milliseconds by stage, with "total" since the clock was made."""
        self.timings_ms["total"] = round((time.perf_counter() - self._start) * 1000, 2)
        return self.timings_ms


class Engine:
    """The parts that answer, put together once; one instance serves every question."""

    def __init__(
        self,
        stores: StoreSource,
        embedder: Embedder,
        pivot: Pivot,
        *,
        scorer: Scorer | None,
        speller: Speller | None = None,
    ) -> None:
        self.stores = stores
        self.speller = speller
        self.embedder = embedder
        self.pivot = pivot
        self.ranker = EvidenceRanker(pivot, scorer)
        self.model = load_confidence()

    def understand(self, question: Question) -> Understood:
        """What is asked, its misspelt words and those of the questions before corrected by the live generation."""
        store = self.stores.current()
        speller = self.speller
        if speller is None:
            return understand(question.text, question.history)
        history = [speller.corrected(one, store) for one in question.history]
        return understand(speller.corrected(question.text, store), history)

    def search(self, store: PassageStore) -> HybridSearch:
        """The hybrid search over one generation."""
        return HybridSearch(store, self.embedder, self.pivot)

    def find(self, part: Part, filters: Filters, store: PassageStore, *, top_k: int, clock: _Clock) -> Finding:
        """Passages, evidence and confidence for one part."""
        search = self.search(store)
        query = search.query(part.query)
        clock.lap("understand")
        read, beyond = search.gather(query, filters, top_k=top_k)
        clock.lap("retrieve")
        overlap = Overlap(query, store, self.pivot, self.embedder)
        latest = filters.as_of is not None or asks_latest(part.query)
        evidence = self.ranker.rank(query, part.kind, read, overlap, latest=latest)
        passages = rerank([*read, *beyond], evidence, query.language, store.documents)
        clock.lap("evidence")
        features = measure(query, part.kind, passages, evidence, overlap=overlap, homogeneity=store.homogeneity)
        confidence = self.model.probability(features) if evidence else 0.0
        clock.lap("confidence")
        return Finding(part, query, passages, evidence, features, confidence, overlap)


class Assistant(Runnable[Question, Answer]):
    """Answers questions from one corpus: `invoke`, `stream`, `ainvoke`, `astream`.

    `stream` yields the answer growing sentence by sentence; the last one is complete.
    """

    def __init__(self, engine: Engine, settings: AnswerSettings) -> None:
        self.engine = engine
        self.settings = settings
        self.threshold = engine.model.threshold(settings.wrong_answer_rate)

    def retriever(self, filters: Filters | None = None) -> PilotRetriever:
        """The hybrid search over the live generation as a LangChain retriever."""
        search = self.engine.search(self.engine.stores.current())
        return PilotRetriever(search=search, filters=filters or Filters(), top_k=self.settings.top_k)

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: object) -> Answer:
        """The complete answer; abstaining is an outcome, never an exception."""
        clock = _Clock()
        language = detect(input.text)
        if len(input.text) > self.settings.question_chars:
            text = message("too_long", language, limit=self.settings.question_chars)
            return _plain(input, language, Outcome.BLOCKED, text=text)
        asked = self.engine.understand(input)
        clock.lap("understand")
        if asked.small_talk:
            answer = _plain(input, asked.language, Outcome.SMALL_TALK, text=message(asked.small_talk, asked.language))
        elif not content_terms(asked.text) and not any(char.isalnum() for char in visible(input.text)):
            answer = _plain(input, language, Outcome.BLOCKED, text=message("blocked", language))
        else:
            answer = self._answer(input, asked, clock)
        return replace(answer, timings_ms=clock.stop())

    def stream(self, input: Question, config: RunnableConfig | None = None, **kwargs: object) -> Iterator[Answer]:
        """The answer growing by one sentence at a time; at least one answer is yielded, the last is complete."""
        complete = self.invoke(input, config)
        for shown in range(1, len(complete.sentences)):
            yield replace(complete, sentences=complete.sentences[:shown])
        yield complete

    async def ainvoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: object) -> Answer:
        """`invoke` on a worker thread."""
        return await run_in_executor(config, self.invoke, input, config)

    async def astream(
        self, input: Question, config: RunnableConfig | None = None, **kwargs: object
    ) -> AsyncIterator[Answer]:
        """`stream`, the work done on a worker thread."""
        complete = await self.ainvoke(input, config)
        for shown in range(1, len(complete.sentences)):
            yield replace(complete, sentences=complete.sentences[:shown])
        yield complete

    def trace(self, question: Question, *, topic: bool = False) -> Trace:
        """What the stages saw of a question, for measuring; with `topic` the features of the topic model too."""
        clock = _Clock()
        store = self.engine.stores.current()
        asked = self.engine.understand(question)
        found = self.engine.find(asked.parts[0], question.filters, store, top_k=self.settings.top_k, clock=clock)
        outcome = Outcome.ANSWERED if found.confidence >= self.threshold else Outcome.NOT_IN_DOCUMENTS
        timings_ms = clock.stop()
        near = self._topic_features(found, question.filters, store) if topic else {}
        return Trace(found.passages, found.evidence, found.confidence, outcome, timings_ms, found.features, near)

    def _answer(self, question: Question, asked: Understood, clock: _Clock) -> Answer:
        store = self.engine.stores.current()
        findings = self._findings(asked.parts, question.filters, store, clock)
        base = Answer(
            outcome=Outcome.NOT_IN_DOCUMENTS,
            language=asked.language,
            question=question.text,
            understood_as=asked.text,
            passages=_ranked(findings),
            confidence=round(min(found.confidence for found in findings), 4),
            generation=store.generation,
        )
        held, missing = self._parted(findings)
        readings = _readings(asked, findings[0], answered=bool(held))
        if readings:
            text = outcome_message(Outcome.AMBIGUOUS, asked.language)
            return replace(base, outcome=Outcome.AMBIGUOUS, readings=readings, message=text)
        if not held:
            return self._refusal(base, findings, question.filters, store)
        twins = Twins(store, self.engine.pivot, question.filters)
        answer = self._write(base, held, missing, store, twins=twins)
        clock.lap("write")
        return answer if answer.sentences else self._refusal(base, findings, question.filters, store)

    def _findings(self, parts: Sequence[Part], filters: Filters, store: PassageStore, clock: _Clock) -> list[Finding]:
        """What was found for each part; a question about two years is asked of each where no sentence names both.

        That there is nothing about one of them is told only where the best sentence is about the other.
        """
        whole = self._every(parts, filters, store, clock)
        each = by_year(parts[0]) if len(parts) == 1 else ()
        asked = years(parts[0].query)
        named = asked & years(whole[0].evidence[0].text) if whole[0].evidence else frozenset()
        if not each or named == asked:
            return whole
        single = self._every(each, filters, store, clock)
        sure = [found.confidence >= self.threshold for found in single]
        return single if all(sure) or (any(sure) and (named or whole[0].confidence < self.threshold)) else whole

    def _every(self, parts: Sequence[Part], filters: Filters, store: PassageStore, clock: _Clock) -> list[Finding]:
        """What was found for each part.

        A later one that may stand alone is searched alone too where the first one's words lead nowhere, or only back to
        the sentence that answers the first one; that counts where it is sure enough and surer.
        """
        find, top_k = self.engine.find, self.settings.top_k
        findings: list[Finding] = []
        for part in parts:
            found = find(part, filters, store, top_k=top_k, clock=clock)
            if part.alone and (found.confidence < self.threshold or _place(found) == _place(findings[0])):
                alone = replace(part, query=part.alone, alone="")
                other = find(alone, filters, store, top_k=top_k, clock=clock)
                found = other if other.confidence >= max(self.threshold, found.confidence) else found
            findings.append(found)
        return findings

    def _parted(self, findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
        """The parts that are answered, and those that are not.

        A part that is less sure is answered too where its best sentence is one that answers another part: people ask
        for several things that one sentence says.
        """
        sure = [found.confidence >= self.threshold for found in findings]
        said = {_place(found) for found, is_sure in zip(findings, sure, strict=True) if is_sure}
        along = self.threshold * _ALONG
        held = [
            is_sure or (found.confidence >= along and _place(found) in said)
            for found, is_sure in zip(findings, sure, strict=True)
        ]
        return (
            [found for found, is_held in zip(findings, held, strict=True) if is_held],
            [found for found, is_held in zip(findings, held, strict=True) if not is_held],
        )

    def _write(
        self, base: Answer, held: Sequence[Finding], missing: Sequence[Finding], store: PassageStore, *, twins: Twins
    ) -> Answer:
        quotes: list[Quote] = []
        outcome = Outcome.ANSWERED
        for found in held:
            rivals = find_conflict(found.evidence, found.part.kind)
            chosen = settle(rivals, found.part.query, found.overlap) if rivals else None
            if rivals and chosen is None:
                outcome = Outcome.CONFLICTING
                quotes += [Quote(one.passage, one.span.start, one.span.end) for one in rivals]
            else:
                quotes += write(
                    [chosen, *found.evidence] if chosen else found.evidence,
                    found.part.kind,
                    base.language,
                    overlap=found.overlap,
                    twins=twins,
                    max_sentences=self.settings.max_sentences,
                )
        citations = Citations(store)
        sentences = tuple(citations.sentence(quote) for quote in grounded(store, _distinct(quotes)))
        unanswered = tuple(found.part.text for found in missing)
        outcome = Outcome.PARTIAL if missing else outcome
        return replace(
            base,
            outcome=outcome,
            sentences=sentences,
            citations=tuple(citations.all),
            unanswered=unanswered,
            confidence=round(max(found.confidence for found in held) if missing else base.confidence, 4),
            message=outcome_message(outcome, base.language, parts="; ".join(unanswered)),
        )

    def _refusal(self, base: Answer, findings: Sequence[Finding], filters: Filters, store: PassageStore) -> Answer:
        on_topic = any(self._is_on_topic(found, filters, store) for found in findings)
        outcome = Outcome.NOT_IN_DOCUMENTS if on_topic else Outcome.OFF_TOPIC
        nearest = _nearest(findings, base.language) if outcome is Outcome.NOT_IN_DOCUMENTS else ()
        return replace(base, outcome=outcome, nearest=nearest, message=outcome_message(outcome, base.language))

    def _is_on_topic(self, found: Finding, filters: Filters, store: PassageStore) -> bool:
        topic = self.engine.model.topic
        return topic.probability(self._topic_features(found, filters, store)) >= topic.least

    def _topic_features(self, found: Finding, filters: Filters, store: PassageStore) -> dict[str, float]:
        """What is near a finding's question, with what a filter leaves out: that is on the subject all the same."""
        near = list(found.passages)
        if filters != Filters():
            near += self.engine.search(store).search(found.query, Filters(), top_k=self.settings.top_k)
        return measure_topic(near, overlap=found.overlap)


def _place(found: Finding) -> tuple[str, int]:
    """Where the best sentence of a part stands; a part without evidence stands nowhere."""
    best = next(iter(found.evidence), None)
    return ("", -1) if best is None else (best.chunk_id, best.number)


def _plain(question: Question, language: Language, outcome: Outcome, *, text: str) -> Answer:
    shown = unwrap(visible(question.text))[:200] if outcome is Outcome.BLOCKED else question.text
    return Answer(outcome=outcome, language=language, question=shown, understood_as=shown, message=text)


def _distinct(quotes: Sequence[Quote]) -> list[Quote]:
    """The quotes with each span once, in order."""
    seen = {
        (one.passage.chunk.document_id, one.passage.chunk.page, one.start, one.end): one for one in reversed(quotes)
    }
    kept = set(map(id, seen.values()))
    return [quote for quote in quotes if id(quote) in kept]


def _ranked(findings: Sequence[Finding]) -> tuple[RankedPassage, ...]:
    """The passages of all parts, best first, each chunk once."""
    best: dict[str, RankedPassage] = {}
    for found in findings:
        for passage in found.passages:
            chunk = passage.chunk
            ranked = RankedPassage(chunk.id, chunk.document_id, chunk.page, round(passage.score, 4))
            if chunk.id not in best or best[chunk.id].score < ranked.score:
                best[chunk.id] = ranked
    return tuple(sorted(best.values(), key=lambda one: -one.score))


def _nearest(findings: Sequence[Finding], language: Language) -> tuple[NearDocument, ...]:
    """The documents of the best passages, the reader's language first among translations."""
    named: dict[str, NearDocument] = {}
    for found in findings:
        ordered = sorted(found.passages[:6], key=lambda one: one.document.language != language)
        for passage in ordered:
            twin = passage.document.translation_of or passage.document.id
            named.setdefault(twin, NearDocument(passage.document.id, passage.document.title))
    return tuple(named.values())[:_NEAREST]


def _readings(asked: Understood, found: Finding, *, answered: bool) -> tuple[str, ...]:
    """Questions that this one may mean, where it leaves open what it is about and several documents speak of it.

    A bare topic of a few words asks nothing yet, so documents that only name it are readings too; a question without a
    subject could be asked of many things.
    """
    if len(asked.parts) > 1:
        return ()
    bare = not asked.asks and len(content_terms(asked.text)) <= _AMBIGUOUS_TERMS
    if not bare and not lacks_subject(asked.text):
        return ()
    topics: dict[str, str] = {}
    for passage in found.passages:
        whole = f"{passage.heading} {passage.chunk.text}"
        named = answered or not bare or found.overlap.coverage(whole, passage.chunk.language).share >= _NAMED
        if passage.document.language == asked.language and named:
            topics.setdefault(passage.document.id, passage.document.title)
    if len(topics) < 2:
        return ()
    name, text = ("reading", "") if bare else ("reading_of", asked.text.rstrip("?？。. "))
    titles = list(topics.values())[:_READINGS]
    return tuple(message(name, asked.language, topic=title, question=text) for title in titles)


def open_engine(settings: Settings, stores: StoreSource) -> Engine:
    """The engine that the settings describe over a source of generations.

    Raises:
        PilotError: If a model, the dictionary or the fitted weights cannot be opened.
    """
    from assistant.rerank import open_scorer, open_tokenizer
    from index.embed import ensure_export, open_embedder
    from index.pivot import open_pivot

    models = settings.home / "models"
    pivot = open_pivot(settings.index.glossary, models)
    vocabulary = open_tokenizer(ensure_export(models) / "tokenizer.json")
    speller = Speller(lambda word: vocabulary.token_to_id(word) is not None or stem(word) in pivot.english)
    embedder = open_embedder(settings.embedding, models)
    return Engine(stores, embedder, pivot, scorer=open_scorer(models), speller=speller)


def open_assistant(settings: Settings, *, generation: str | None = None) -> Assistant:
    """The assistant over the published generation of `settings.home`, or over an older one that is named.

    Raises:
        PilotError: If there is no generation, it is damaged, or a model cannot be opened.
    """
    from index.store import open_store

    store = open_store(settings.home / "index", generation=generation)
    return Assistant(open_engine(settings, FixedStore(store)), settings.answer)
