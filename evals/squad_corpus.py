"""Turns the paragraphs of SQuAD files into a corpus and builds the product's own index over it, one document each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from assistant.settings import Settings
from evals.progress import building
from evals.squad import Squad
from index.errors import PilotError

_LETTERS = "bcdfghjklm"


def document_id(file: int, paragraph: int) -> str:
    """Where a paragraph stands in the corpus: letters only, so that a file's name never matches a question's words.

    Args:
        file: Number of the file, from 0.
        paragraph: Number of the paragraph in the file, from 0.
    """
    return f"{_LETTERS[file]}/zq{''.join(_LETTERS[int(digit)] for digit in f'{paragraph:06d}')}.txt"


def corpus_digest(files: Sequence[Squad]) -> str:
    """12 hex digits of what the corpus holds, to find its folder again."""
    digest = hashlib.sha256()
    for file in files:
        for paragraph in file.paragraphs:
            digest.update(paragraph.encode("utf-8") + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()[:12]


def write_corpus(files: Sequence[Squad], folder: Path) -> None:
    """Write every paragraph as a text file of its own; files that are there already are left alone.

    Raises:
        PilotError: If a file cannot be written.
    """
    try:
        for number, file in enumerate(files):
            for paragraph, text in enumerate(file.paragraphs):
                path = folder / document_id(number, paragraph)
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text, "utf-8")
    except OSError as error:
        raise PilotError(
            f"{folder}: cannot write the corpus to measure on: {error}. Free space or set PILOT_HOME"
        ) from error


def measuring_settings(settings: Settings, name: str) -> Settings:
    """The caller's settings with a home and documents of their own below `home/evals/NAME`, and the same models."""
    home = settings.home / "evals" / name
    models = home / "models"
    if not models.exists():
        home.mkdir(parents=True, exist_ok=True)
        (settings.home / "models").mkdir(parents=True, exist_ok=True)
        models.symlink_to(settings.home / "models", target_is_directory=True)
    index = settings.index.model_copy(update={"documents": home / "documents"})
    return settings.model_copy(update={"home": home, "index": index})


def ensure_index(settings: Settings) -> None:
    """Build the index of `settings.index.documents` with the product's own build, unless it is current.

    Raises:
        PilotError: If it cannot be built.
    """
    from index.build import build, is_current
    from index.embed import open_embedder
    from index.pivot import open_pivot

    if is_current(settings):
        return
    embedder = open_embedder(settings.embedding, settings.home / "models")
    pivot = open_pivot(settings.index.glossary, settings.home / "models")
    with building() as bars:
        build(settings, embedder=embedder, pivot=pivot, progress=bars)
