"""The half of a bench that runs in a process of its own, so that its peak memory is that of the product's work alone.

One JSON task on stdin, one JSON result on stdout: `python -m evals.bench_child`.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from assistant.settings import Settings
from assistant.types import Filters, Question
from index.embed import Embedder, open_embedder
from index.pivot import open_pivot


class Task(BaseModel):
    """What a child is to do.

    Attributes:
        mode: Build an index of `settings.index.documents`, or ask questions of the one that is there.
        settings: The root settings as JSON.
        hashed: Whether vectors are hashed words instead of the model's.
        questions: Asked one after the other.
    """

    model_config = ConfigDict(frozen=True)

    mode: Literal["build", "ask"]
    settings: dict[str, object]
    hashed: bool
    questions: tuple[str, ...] = ()


class Built(BaseModel):
    """What a build took.

    Attributes:
        chunks, sentences: In the generation.
        chunks_read: Chunks of the files that were read; the others were taken over from the generation before.
        chunks_embedded, sentences_embedded: Vectors made; the others were taken over.
        seconds: Wall clock of the whole build.
        stages: Wall clock by stage.
        size_bytes: Of the generation on disk.
        factory: How chunk vectors are searched.
        peak_mb: Most resident memory of the building process, in MiB.
        reader_mb: The same of the largest process that read files.
    """

    chunks: int
    sentences: int
    chunks_read: int
    chunks_embedded: int
    sentences_embedded: int
    seconds: float
    stages: dict[str, float]
    size_bytes: int
    factory: str
    peak_mb: float
    reader_mb: float


class Asked(BaseModel):
    """What questions took.

    Attributes:
        open_s: Seconds until the first question could be asked.
        retrieval_ms: Wall clock of each question's retrieval.
        question_ms: Wall clock of each whole answer.
        peak_mb: Most resident memory of the answering process, in MiB.
    """

    open_s: float
    retrieval_ms: tuple[float, ...]
    question_ms: tuple[float, ...]
    peak_mb: float


def peak_mb() -> float:
    """Most resident memory of this process so far, in MiB, mapped index files included."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(settings: Settings, embedder: Embedder) -> Built:
    """Build with the product's own build and say what it took."""
    from index.build import build as build_index
    from index.report import SilentProgress

    pivot = open_pivot(settings.index.glossary, settings.home / "models")
    started = time.perf_counter()
    report = build_index(settings, embedder=embedder, pivot=pivot, progress=SilentProgress())
    return Built(
        chunks=report.chunks,
        sentences=report.sentences,
        chunks_read=sum(one.chunks for one in report.documents if not one.reused),
        chunks_embedded=report.reuse.chunks_embedded,
        sentences_embedded=report.reuse.sentences_embedded,
        seconds=time.perf_counter() - started,
        stages=dict(report.seconds),
        size_bytes=report.size_bytes,
        factory=report.ann.factory,
        peak_mb=peak_mb(),
        reader_mb=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    )


def ask(settings: Settings, embedder: Embedder, questions: tuple[str, ...]) -> Asked:
    """Ask every question over the index that is there and say what it took; the first two warm up and do not count."""
    from assistant.chain import Assistant, Engine, FixedStore
    from assistant.rerank import open_scorer
    from index.store import open_store

    models = settings.home / "models"
    started = time.perf_counter()
    store = open_store(settings.home / "index")
    pivot = open_pivot(settings.index.glossary, models)
    engine = Engine(FixedStore(store), embedder, pivot, scorer=open_scorer(models))
    assistant = Assistant(engine, settings.answer)
    search = engine.search(store)
    open_s = time.perf_counter() - started
    retrieval: list[float] = []
    whole: list[float] = []
    for question in questions:
        started = time.perf_counter()
        search.gather(search.query(question), Filters(), top_k=settings.answer.top_k)
        found = time.perf_counter()
        assistant.invoke(Question(question))
        retrieval.append((found - started) * 1000)
        whole.append((time.perf_counter() - found) * 1000)
    return Asked(open_s=open_s, retrieval_ms=tuple(retrieval[2:]), question_ms=tuple(whole[2:]), peak_mb=peak_mb())


def opened(task: Task, settings: Settings) -> Embedder:
    """The embedder of a task: for questions the model itself even over hashed vectors, so that its time counts."""
    from evals.bench_embedder import HashEmbedder, Renamed

    if task.hashed and task.mode == "build":
        return HashEmbedder()
    real = open_embedder(settings.embedding, settings.home / "models")
    return Renamed(real) if task.hashed else real


def main(read: Callable[[], str], write: Callable[[str], object]) -> None:
    """Do the task that is read and write its result, both as JSON."""
    task = Task.model_validate_json(read())
    settings = Settings.model_validate(task.settings)
    embedder = opened(task, settings)
    result = build(settings, embedder) if task.mode == "build" else ask(settings, embedder, task.questions)
    write(result.model_dump_json())


if __name__ == "__main__":
    main(sys.stdin.read, sys.stdout.write)
