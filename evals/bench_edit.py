"""What editing one document of many costs: a corpus built, one sentence of it changed, built again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.settings import Settings
from evals.bench import Child, run_child
from evals.bench_child import Built, Task
from evals.bench_text import nearby_text, read_sentences, write_small_documents
from evals.squad_corpus import measuring_settings

Tick = Callable[[], None]
"""Told when a step is done."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What the build after an edit costs beside the first one. Times are wall clock.

    Attributes:
        documents, chunks, sentences: In the index.
        embedder: "model", or "hash": hashed vectors in the place of the model's.
        edited: Document id of the one that was changed, by one sentence.
        edited_chunks: Its chunks.
        chunks_embedded, sentences_embedded: Vectors that the second build made.
        first_s, second_s: Of the whole builds, the embedder being open.
        second_share: `second_s` by `first_s`.
        first_stages_s, second_stages_s: Seconds by stage.
    """

    documents: int
    chunks: int
    sentences: int
    embedder: str
    edited: str
    edited_chunks: int
    chunks_embedded: int
    sentences_embedded: int
    first_s: float
    second_s: float
    second_share: float
    first_stages_s: dict[str, float]
    second_stages_s: dict[str, float]


def run_edit(
    settings: Settings, documents: int, *, text: Path | None, hashed: bool, tick: Tick, child: Child = run_child
) -> Edit:
    """Build so many small documents, change one in the middle, build again; each build in a process of its own.

    Corpus and index stand below `home/evals` and are removed afterwards.

    Args:
        settings: The product's.
        documents: How many, at least 2.
        text: File or folder that sentences are taken from; None takes what is at hand.
        hashed: Whether vectors are hashed words instead of the model's.
        tick: Called after each build.
        child: Does a task.

    Raises:
        PilotError: If there is no text, or a child fails.
    """
    halves = read_sentences((text,) if text is not None else nearby_text())
    name = f"bench-edit-{documents}-{'hash' if hashed else 'model'}-{time.strftime('%Y%m%dT%H%M%S')}"
    measuring = measuring_settings(settings, name)
    folder = measuring.index.documents
    task = Task(mode="build", settings=measuring.model_dump(mode="json"), hashed=hashed)
    try:
        write_small_documents(halves, folder, count=documents)
        first = Built.model_validate_json(child(task))
        tick()
        edited = sorted(folder.rglob("*.txt"))[documents // 2]
        edit(edited)
        second = Built.model_validate_json(child(task))
        tick()
        return _edit(first, second, hashed=hashed, documents=documents, edited=edited.relative_to(folder).as_posix())
    finally:
        shutil.rmtree(measuring.home, ignore_errors=True)


def edit(path: Path) -> None:
    """Change one sentence of a text file: a word before the end of its last one."""
    text = path.read_text("utf-8").rstrip()
    path.write_text(f"{text[:-1]} 2031{text[-1]}\n", "utf-8")


def _edit(first: Built, second: Built, *, hashed: bool, documents: int, edited: str) -> Edit:
    return Edit(
        documents=documents,
        chunks=second.chunks,
        sentences=second.sentences,
        embedder="hash" if hashed else "model",
        edited=edited,
        edited_chunks=second.chunks_read,
        chunks_embedded=second.chunks_embedded,
        sentences_embedded=second.sentences_embedded,
        first_s=first.seconds,
        second_s=second.seconds,
        second_share=second.seconds / first.seconds,
        first_stages_s=first.stages,
        second_stages_s=second.stages,
    )
