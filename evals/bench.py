"""What an index costs as it grows: corpora of real text in several sizes, built and asked in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.settings import Settings
from evals.bench_child import Asked, Built, Task
from evals.bench_text import nearby_text, questions, read_sentences, write_documents
from evals.metrics import percentile
from evals.squad_corpus import measuring_settings
from index.errors import PilotError
from index.settings import PROJECT_ROOT

_QUESTIONS = 62

Child = Callable[[Task], str]
"""Does one task and gives its result as JSON."""


@dataclass(frozen=True, slots=True)
class Point:
    """What one size costs. Memory is resident memory in MiB, times are wall clock.

    Attributes:
        chunks, sentences: In the index.
        text_mb: Size of the text, in millions of characters.
        embedder: "model", or "hash": hashed vectors in the place of the model's, so the build's time is without it.
        search: How chunk vectors are searched (FAISS factory).
        build_s, chunks_per_s: Of the whole build.
        bytes_per_chunk: Index size on disk by chunks.
        build_peak_mb: Most memory of the building process.
        reader_peak_mb: Most memory of one process that reads files.
        open_s: Seconds until the first question.
        retrieval_ms_p50, retrieval_ms_p95: Of a question's retrieval, embedding the question included.
        question_ms_p50, question_ms_p95: Of a whole answer.
        ask_peak_mb: Most memory of the answering process, mapped files included.
        stages_s: Seconds of the build by stage.
    """

    chunks: int
    sentences: int
    text_mb: float
    embedder: str
    search: str
    build_s: float
    chunks_per_s: float
    bytes_per_chunk: float
    build_peak_mb: float
    reader_peak_mb: float
    open_s: float
    retrieval_ms_p50: float
    retrieval_ms_p95: float
    question_ms_p50: float
    question_ms_p95: float
    ask_peak_mb: float
    stages_s: dict[str, float]


def parse_scale(text: str) -> tuple[int, ...]:
    """Sizes in chunks from "10000,100000".

    Raises:
        ValueError: If one is no whole number of at least 10.
    """
    sizes = []
    for part in text.split(","):
        if not part.strip().isdigit() or int(part) < 10:
            raise ValueError(f"{part!r} is no size; expected whole numbers of at least 10, for example 10000,100000")
        sizes.append(int(part))
    return tuple(sizes)


def run_bench(
    settings: Settings, sizes: Sequence[int], *, text: Path | None, hashed: bool, child: Child | None = None
) -> Iterator[Point]:
    """Build and ask every size in turn, each in an index of its own below `home/evals` that is removed afterwards.

    Args:
        settings: The product's.
        sizes: Chunks, about.
        text: File or folder that sentences are taken from; None takes what is at hand.
        hashed: Whether vectors are hashed words instead of the model's.
        child: Does a task; None for `run_child`, a process of its own.

    Raises:
        PilotError: If there is no text, or a child fails.
    """
    halves = read_sentences((text,) if text is not None else nearby_text())
    for size in sizes:
        name = f"bench-{size}-{'hash' if hashed else 'model'}-{time.strftime('%Y%m%dT%H%M%S')}"
        measuring = measuring_settings(settings, name)
        try:
            chars = write_documents(
                halves, measuring.index.documents, chunks=size, chunk_chars=measuring.index.chunk_chars
            )
            task = Task(mode="build", settings=measuring.model_dump(mode="json"), hashed=hashed)
            yield _point(task, questions(halves, _QUESTIONS), child or run_child, chars=chars)
        finally:
            shutil.rmtree(measuring.home, ignore_errors=True)


def _point(task: Task, asked_questions: tuple[str, ...], child: Child, *, chars: int) -> Point:
    """One size: built, then asked."""
    built = Built.model_validate_json(child(task))
    asking = task.model_copy(update={"mode": "ask", "questions": asked_questions})
    asked = Asked.model_validate_json(child(asking))
    return Point(
        chunks=built.chunks,
        sentences=built.sentences,
        text_mb=chars / 1e6,
        embedder="hash" if task.hashed else "model",
        search=built.factory,
        build_s=built.seconds,
        chunks_per_s=built.chunks / built.seconds,
        bytes_per_chunk=built.size_bytes / built.chunks,
        build_peak_mb=built.peak_mb,
        reader_peak_mb=built.reader_mb,
        open_s=asked.open_s,
        retrieval_ms_p50=percentile(asked.retrieval_ms, 50),
        retrieval_ms_p95=percentile(asked.retrieval_ms, 95),
        question_ms_p50=percentile(asked.question_ms, 50),
        question_ms_p95=percentile(asked.question_ms, 95),
        ask_peak_mb=asked.peak_mb,
        stages_s=built.stages,
    )


def run_child(task: Task) -> str:
    """The JSON result of one task in a process of its own.

    Raises:
        PilotError: If it failed, with the last line that it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", "evals.bench_child"],
        input=task.model_dump_json(),
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise PilotError(f"bench: the {task.mode} process ended with {done.returncode}: {said}. Try: --scale 1000")
    return done.stdout
