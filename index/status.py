"""What a maintainer asks about the index: which generation is live, whether it is up to date, what is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from index.build import stale_reason
from index.current import read_report
from index.errors import CorruptGenerationError, ForeignGenerationError
from index.generation import current_name, generations
from index.manifest import read_manifest
from index.report import DocumentReport, dump_json
from index.settings import IndexHost


@dataclass(frozen=True)
class Kept:
    """One generation on disk; `built` is empty and `bytes` 0 where its manifest cannot be read."""

    generation: str
    built: str
    bytes: int


@dataclass(frozen=True)
class Status:
    """The live generation and the others.

    Attributes:
        generation: Name of the live one.
        built: When, ISO 8601 in UTC.
        documents, pages, chunks, sentences: How much it holds.
        embedder: Id of its embedder.
        search: How its chunk vectors are searched, a FAISS factory string.
        current: Whether it was built from the documents as they are now, with the settings as they are now.
        reason: Why not; empty where it was.
        bytes: Its size.
        left_out: Reports of files that it leaves out or has only in part, by path, with their reasons.
        kept: All generations on disk, oldest first.
    """

    generation: str
    built: str
    documents: int
    pages: int
    chunks: int
    sentences: int
    embedder: str
    search: str
    current: bool
    reason: str
    bytes: int
    left_out: tuple[DocumentReport, ...]
    kept: tuple[Kept, ...]

    def to_json(self) -> str:
        """The status as one JSON object, indented."""
        return dump_json(asdict(self))


def read_status(host: IndexHost) -> Status:
    """The status of the index; compares the hash of every document, not those of the index's own files.

    Raises:
        IndexMissingError: If nothing was published yet.
        CorruptGenerationError, ForeignGenerationError: If the live generation's manifest or report cannot be read.
        BuildError: If the documents folder is missing.
    """
    home = host.home / "index"
    manifest = read_manifest(home / current_name(home))
    reason = stale_reason(host)
    counts = manifest.counts
    return Status(
        generation=manifest.generation,
        built=manifest.built,
        documents=counts.documents,
        pages=counts.pages,
        chunks=counts.chunks,
        sentences=counts.sentences,
        embedder=manifest.embedder,
        search=manifest.ann.factory,
        current=not reason,
        reason=reason,
        bytes=manifest.size_bytes,
        left_out=read_report(home, manifest).left_out,
        kept=tuple(_kept(host, name) for name in generations(home)),
    )


def _kept(host: IndexHost, name: str) -> Kept:
    try:
        manifest = read_manifest(host.home / "index" / name)
    except (CorruptGenerationError, ForeignGenerationError):
        return Kept(name, "", 0)
    return Kept(name, manifest.built, manifest.size_bytes)
