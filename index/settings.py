"""Settings that shape the index: where documents are, how they are cut, embedded, limited and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class EmbeddingSettings(BaseModel):
    """Which model turns text into vectors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        "minilm-int8",
        min_length=1,
        description="`minilm-int8` (bundled, ONNX, English over the pivot), or any sentence-transformers model: a "
        "folder or a name. Another model embeds the text itself, not its English pivot.",
    )
    allow_download: bool = Field(
        False, description="Let sentence-transformers fetch `model` from its hub; off, it must be on disk."
    )
    batch_size: int = Field(16, ge=1, le=1024, description="Texts embedded at once.")
    threads: int = Field(0, ge=0, le=64, description="Threads of the embedder; 0 takes the cores.")


class LimitSettings(BaseModel):
    """What one file may cost while it is read, in a process of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu_s: int = Field(20, ge=1, le=3600, description="CPU seconds a file may use.")
    wall_s: int = Field(60, ge=1, le=7200, description="Wall-clock seconds a file may take.")
    memory_mb: int = Field(1024, ge=128, le=65536, description="Memory the reading process may map, in MiB.")
    file_mb: int = Field(100, ge=1, le=10240, description="Largest file that is opened, in MiB.")
    pages: int = Field(5000, ge=1, description="Pages read of one file; the rest is reported as left out.")
    chars: int = Field(20_000_000, ge=1000, description="Characters read of one file; the rest is reported.")


class IndexSettings(BaseModel):
    """How documents become a searchable generation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: Path = Field(PROJECT_ROOT / "documents", description="Folder that holds the corpus.")
    glossary: Path = Field(
        PROJECT_ROOT / "documents" / "glossary.csv", description="Domain terms, zh,en; used before the dictionary."
    )
    chunk_chars: int = Field(
        900, ge=100, le=20_000, description="Longest chunk, in characters of English; Chinese counts 3."
    )
    keep_generations: int = Field(3, ge=1, le=100, description="Generations kept on disk, the live one included.")
    exact_chunks: int = Field(200_000, ge=0, description="Up to so many chunks the vector search is exact.")
    ann_recall: float = Field(
        0.98, ge=0, le=1, description="Least recall@10 against exact search of an approximate index."
    )
    workers: int = Field(0, ge=0, le=64, description="Processes that read files; 0 takes the cores.")
    ocr: bool = Field(True, description="Read images and scanned pages by OCR, where the `ocr` extra is installed.")
    limits: LimitSettings = LimitSettings()


class IndexHost(Protocol):
    """What the index's commands need of the root settings."""

    @property
    def home(self) -> Path:
        """Folder of everything made at run time."""

    @property
    def index(self) -> IndexSettings:
        """How documents become a generation."""

    @property
    def embedding(self) -> EmbeddingSettings:
        """Which model embeds."""
