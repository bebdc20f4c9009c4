"""`pilot evals calibrate`: answerable and unanswerable questions to the confidence model that ships.

Samples are XQuAD questions in all four directions with their paragraph in the index (answerable) and taken out (not),
and questions about the project's own documents, both of them kept from the scorer when it was fitted. A logistic model
over their features is fitted; its out-of-fold probabilities give the thresholds for stated wrong-answer rates.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from evals.metrics import auroc
from evals.progress import ticking
from evals.squad_corpus import corpus_digest, ensure_index, measuring_settings, write_corpus
from evals.squad_run import targets
from evals.squad_task import SquadTask, prepare
from evals.suite import Row, load_suite

_OWN_SHARE = 1.5
"""Weight of the own questions together, beside the public ones' 1."""

_UNANSWERABLE = 0.2
"""Share of the questions in use that the documents do not answer; half of the samples are of that kind."""

_RATES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3)
_PAIRS = (("en", "en"), ("zh", "zh"), ("zh", "en"), ("en", "zh"))
_FOLDS = 8
_PENALTY = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One question as the confidence model sees it.

    Attributes:
        group: Samples of one question share it, so that they fall into one fold.
        features: By name.
        answerable: Whether the documents answer it.
        weight: How much it counts.
        topic: Greatest cosine of the question with any passage.
        own: Whether it was asked of the project's own documents; the thresholds are those of these on topic.
        on_topic: Whether it is about the documents' subject.
    """

    group: str
    features: dict[str, float]
    answerable: bool
    weight: float
    topic: float
    own: bool = False
    on_topic: bool = True


def _sample(trace: Trace, group: str, *, answerable: bool) -> Sample:
    topic = max((passage.dense for passage in trace.passages), default=0.0)
    return Sample(group, trace.features, answerable, 1.0, topic)


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
            trace = assistant.trace(Question(row.question, filters=Filters(as_of=row.as_of)))
            plain = _sample(trace, row.id, answerable=row.answerable)
            samples.append(replace(plain, weight=weight, own=True, on_topic=row.outcome is not Outcome.OFF_TOPIC))
            tick()
    return samples


def _matrix(samples: Sequence[Sample], names: Sequence[str]) -> NDArray[np.float64]:
    """float64[n_samples, n_features]."""
    return np.array([[sample.features[name] for name in names] for sample in samples], np.float64)


def out_of_fold(samples: Sequence[Sample], names: Sequence[str]) -> NDArray[np.float64]:
    """float64[n]: each sample's probability from a model that has not seen its question."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    x, y = _matrix(samples, names), np.array([sample.answerable for sample in samples])
    weights = np.array([sample.weight for sample in samples])
    result = np.zeros(len(samples))
    folds = GroupKFold(n_splits=_FOLDS)
    for seen, unseen in folds.split(x, y, groups=[sample.group for sample in samples]):
        scaler = StandardScaler().fit(x[seen])
        model = LogisticRegression(C=_PENALTY, max_iter=5000)
        model.fit(scaler.transform(x[seen]), y[seen], sample_weight=weights[seen])
        result[unseen] = model.predict_proba(scaler.transform(x[unseen]))[:, 1]
    return result


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


def topic_threshold(on_topic: Sequence[float], *, kept: float = 0.98) -> float:
    """The similarity below which a question is taken for one about something else.

    As high as a stated share of the questions about the documents' subject allows: to call one of those off topic is
    worse than to tell somebody who asks about football that the documents do not say.
    """
    ordered = sorted(on_topic)
    return round(ordered[math.floor(round((1 - kept) * len(ordered), 6))], 4)


def fit_model(samples: Sequence[Sample], names: Sequence[str], *, topic: float, provenance: str) -> str:
    """The text of confidence.json."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    x, y = _matrix(samples, names), np.array([sample.answerable for sample in samples])
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=_PENALTY, max_iter=5000)
    model.fit(scaler.transform(x), y, sample_weight=[sample.weight for sample in samples])
    judged = [(float(p), s) for p, s in zip(out_of_fold(samples, names), samples, strict=True)]
    every = [(p, s) for p, s in judged if s.own and s.on_topic] or judged  # the easy ones would flatter
    record = {
        "provenance": provenance,
        "features": list(names),
        "mean": [round(float(value), 6) for value in scaler.mean_],
        "scale": [round(float(value), 6) for value in scaler.scale_],
        "weight": [round(float(value), 6) for value in model.coef_[0]],
        "intercept": round(float(model.intercept_[0]), 6),
        "thresholds": thresholds([p for p, _ in every], [s.answerable for _, s in every], unanswerable=_UNANSWERABLE),
        "topic": topic,
    }
    return json.dumps(record, indent=1) + "\n"


def _describe(samples: Sequence[Sample], probabilities: NDArray[np.float64], report: Callable[[str], None]) -> None:
    for name, own in (("XQuAD", False), ("own documents, on topic", True)):
        judged = zip(probabilities, samples, strict=True)
        pairs = [(float(p), sample) for p, sample in judged if sample.own == own and sample.on_topic]
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
    rows = load_suite(suite)[::KEPT]
    own = suite_samples(assistant, rows, weight=round(_OWN_SHARE * len(squad) / len(rows), 2))
    names = tuple(squad[0].features)
    samples = [*squad, *own]
    _describe(samples, out_of_fold(samples, names), typer.echo)
    provenance = (
        f"pilot evals calibrate --bench DIR --out FILE, {datetime.now(UTC).date().isoformat()}: {len(squad)} samples "
        f"of XQuAD (articles 6 mod 8), {len(own)} of every fourth row of fitting/{suite.name}"
    )
    topic = topic_threshold([sample.topic for sample in own if sample.on_topic])
    out.write_text(fit_model(samples, names, topic=topic, provenance=provenance), encoding="utf-8")
    typer.echo(str(out))
