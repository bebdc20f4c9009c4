"""`pilot evals calibrate`: answerable and unanswerable questions to the confidence model that ships.

Samples are XQuAD questions in all four directions with their paragraph in the index (answerable) and taken out (not),
and questions about the project's own documents, both of them kept from the scorer when it was fitted. A logistic model
over their features is fitted; its out-of-fold probabilities give the thresholds for stated wrong-answer rates. A second
one, in which the scorer has no part, tells what is about the documents' subject from what is not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from assistant.chain import Assistant, Trace, open_assistant
from assistant.settings import Settings
from assistant.types import Filters, Outcome, Question
from evals.fit_data import FITTING, HELD_OUT
from evals.fit_suite import KEPT
from evals.logistic import balanced, coefficients, out_of_fold
from evals.metrics import auroc
from evals.progress import ticking
from evals.squad_corpus import corpus_digest, ensure_index, measuring_settings, write_corpus
from evals.squad_run import targets
from evals.squad_task import SquadTask, prepare
from evals.suite import Row, load_suite
from index.errors import PilotError

_OWN_SHARE = 1.5
"""Weight of the own questions together, beside the public ones' 1."""

_UNANSWERABLE = 0.2
"""Share of the questions in use that the documents do not answer; half of the samples are of that kind."""

_RATES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3)
_PAIRS = (("en", "en"), ("zh", "zh"), ("zh", "en"), ("en", "zh"))
_TOPIC_KEPT = 0.97
"""Of 319 near-misses; 0.960 of 398 questions that are off topic are told then, 0.940 at 0.98, 0.980 at 0.95."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One question as the confidence model sees it.

    Attributes:
        group: Samples of one question share it, so that they fall into one fold.
        features: By name.
        answerable: Whether the documents answer it.
        weight: How much it counts.
        topic: Features of the topic model; empty where it is not asked of the own documents.
        own: Whether it was asked of the project's own documents; the thresholds are those of these on topic.
        on_topic: Whether it is about the documents' subject.
    """

    group: str
    features: dict[str, float]
    answerable: bool
    weight: float
    topic: dict[str, float] = field(default_factory=dict)
    own: bool = False
    on_topic: bool = True


def _sample(trace: Trace, group: str, *, answerable: bool) -> Sample:
    return Sample(group, trace.features, answerable, 1.0, trace.topic)


def squad_samples(settings: Settings, bench: Path) -> list[Sample]:
    """Samples of the held-out articles in all four directions, each question with its paragraph and without."""
    samples: list[Sample] = []
    for asked, indexed in _PAIRS:
        questions = None if asked == indexed else bench / f"xquad.{asked}.json"
        files, chosen = prepare(SquadTask(bench / f"xquad.{indexed}.json", questions, split="even"))
        measuring = measuring_settings(settings, f"squad-{corpus_digest(files)}")
        write_corpus(files, measuring.index.documents)
        ensure_index(measuring)
        assistant = open_assistant(measuring)
        held = [one for one in targets(files, chosen) if one.asked.article % HELD_OUT == HELD_OUT - 2]
        with ticking(f"{asked} over {indexed}", len(held)) as tick:
            for target in held:
                text = target.asked.text
                there = assistant.trace(Question(text))
                gone = assistant.trace(Question(text, filters=Filters(exclude=target.gold)))
                samples.append(_sample(there, target.asked.id, answerable=True))
                samples.append(_sample(gone, target.asked.id, answerable=False))
                tick()
    return samples


def suite_samples(assistant: Assistant, rows: Sequence[Row], *, weight: float) -> list[Sample]:
    """Samples of rows about the project's own documents."""
    with ticking("The project's own suite", len(rows)) as tick:
        samples = []
        for row in rows:
            question = Question(row.question, filters=Filters(as_of=row.as_of))
            plain = _sample(assistant.trace(question, topic=True), row.id, answerable=row.answerable)
            samples.append(replace(plain, weight=weight, own=True, on_topic=row.outcome is not Outcome.OFF_TOPIC))
            tick()
    return samples


def _matrix(rows: Sequence[dict[str, float]], names: Sequence[str]) -> NDArray[np.float64]:
    """float64[n, features]."""
    return np.array([[row[name] for name in names] for row in rows], np.float64)


def judged(samples: Sequence[Sample]) -> list[float]:
    """Each sample's probability from a confidence model that has not seen its question."""
    probabilities = out_of_fold(
        _matrix([sample.features for sample in samples], tuple(samples[0].features)),
        [sample.answerable for sample in samples],
        groups=[sample.group for sample in samples],
        weights=[sample.weight for sample in samples],
    )
    return [float(probability) for probability in probabilities]


def thresholds(
    probabilities: Sequence[float], answerable: Sequence[bool], *, unanswerable: float | None = None
) -> dict[str, float]:
    """Least probability at which at most a stated share of the given answers is wrong, by that share.

    Wrong is an answer to a question that the documents do not answer. `unanswerable` is the share of such questions
    that is assumed in use; None takes the samples as they are. A rate that no threshold reaches takes the highest
    probability seen.
    """
    order = sorted(zip(probabilities, answerable, strict=True), reverse=True)
    weight = 1.0
    if unanswerable is not None:
        right_ones = sum(answerable)
        weight = unanswerable / (1 - unanswerable) * right_ones / max(len(order) - right_ones, 1)
    found: dict[str, float] = {}
    for rate in _RATES:
        wrong, given, best = 0.0, 0.0, order[0][0]
        for probability, right in order:
            wrong += 0.0 if right else weight
            given += 1.0 if right else weight
            if wrong <= rate * given + 1e-9:
                best = probability
        found[str(rate)] = round(float(best), 4)
    return found


def topic_threshold(on_topic: Sequence[float], *, kept: float = _TOPIC_KEPT) -> float:
    """The probability below which a question is taken for one about something else.

    As high as a stated share of the questions about the documents' subject allows: to call one of those off topic is
    worse than to tell somebody who asks about football that the documents do not say.
    """
    ordered = sorted(on_topic)
    return round(ordered[math.floor(round((1 - kept) * len(ordered), 6))], 4)


def fit_topic(samples: Sequence[Sample]) -> dict[str, object]:
    """The topic model of confidence.json, from questions of which some are on topic and some are not.

    Its threshold is set on those on topic that nothing answers, as nearly all questions that are refused are.

    Raises:
        PilotError: If no question is off topic, or none on topic has no answer.
    """
    names = tuple(samples[0].topic)
    x, truths = _matrix([sample.topic for sample in samples], names), [sample.on_topic for sample in samples]
    weights = balanced(truths)
    if all(truths) or not any(one.on_topic and not one.answerable for one in samples):
        raise PilotError("The suite to calibrate on needs questions that are off topic and such as only sound on topic")
    likely = out_of_fold(x, truths, groups=[sample.group for sample in samples], weights=weights)
    refused = [float(p) for p, one in zip(likely, samples, strict=True) if one.on_topic and not one.answerable]
    return {**coefficients(x, truths, names=names, weights=weights), "least": topic_threshold(refused)}


def fit_model(
    samples: Sequence[Sample], probabilities: Sequence[float], *, topic: dict[str, object], provenance: str
) -> str:
    """The text of confidence.json; `probabilities` are the samples' `judged`."""
    names = tuple(samples[0].features)
    every = list(zip(probabilities, samples, strict=True))
    own = [(p, one) for p, one in every if one.own and one.on_topic] or every  # the easy ones would flatter
    record = {
        "provenance": provenance,
        **coefficients(
            _matrix([sample.features for sample in samples], names),
            [sample.answerable for sample in samples],
            names=names,
            weights=[sample.weight for sample in samples],
        ),
        "thresholds": thresholds([p for p, _ in own], [one.answerable for _, one in own], unanswerable=_UNANSWERABLE),
        "topic": topic,
    }
    return json.dumps(record, indent=1) + "\n"


def _describe(samples: Sequence[Sample], probabilities: Sequence[float], report: Callable[[str], None]) -> None:
    for name, own in (("XQuAD", False), ("own documents, on topic", True)):
        pairs = [(p, one) for p, one in zip(probabilities, samples, strict=True) if one.own == own and one.on_topic]
        right = [p for p, sample in pairs if sample.answerable]
        wrong = [p for p, sample in pairs if not sample.answerable]
        if right and wrong:
            report(f"{name}: {len(right)} answerable, {len(wrong)} not, out-of-fold AUROC {auroc(right, wrong):.4f}")


def calibrate(
    context: typer.Context,
    *,
    bench: Annotated[Path, typer.Option(help="Folder of xquad.en.json and xquad.zh.json.")],
    out: Annotated[Path, typer.Option(help="File that the model is written to.")],
    suite: Annotated[
        Path, typer.Option(help="Questions about the own documents, every fourth unknown to the scorer.")
    ] = FITTING / "pilot.jsonl",
) -> None:
    """Fit the confidence model anew; copy the file over assistant/confidence.json to use it."""
    settings: Settings = context.obj
    squad = squad_samples(settings, bench)
    assistant = open_assistant(settings)
    every = load_suite(suite)
    rows = every[::KEPT]
    own = suite_samples(assistant, rows, weight=round(_OWN_SHARE * len(squad) / len(rows), 2))
    # The scorer has no part in telling the topic, so what it was fitted on may serve here.
    strange = [row for n, row in enumerate(every) if n % KEPT and row.outcome is Outcome.OFF_TOPIC]
    topical = [*own, *suite_samples(assistant, strange, weight=1.0)]
    samples = [*squad, *own]
    probabilities = judged(samples)
    _describe(samples, probabilities, typer.echo)
    topic = fit_topic(topical)
    provenance = (
        f"pilot evals calibrate --bench DIR --out FILE, {datetime.now(UTC).date().isoformat()}: {len(squad)} samples "
        f"of XQuAD (articles 6 mod 8), {len(own)} of every fourth row of fitting/{suite.name}; the topic on these and "
        f"on the {len(strange)} other rows that are off topic"
    )
    out.write_text(fit_model(samples, probabilities, topic=topic, provenance=provenance), encoding="utf-8")
    typer.echo(str(out))
