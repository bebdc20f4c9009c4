"""The manifest of a generation: what it was made of and by, and size and SHA-256 of every file, itself included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from index.disk import sha256_file
from index.errors import CorruptGenerationError, ForeignGenerationError
from index.report import AnnReport

MANIFEST = "manifest.json"
FORMAT = 2
REMEDY = "Run: pilot index rollback (an older generation) or pilot index build (a new one)"
LOCKS = (".tantivy-meta.lock", ".tantivy-writer.lock")
"""Names of files that Tantivy makes by reading, too; they are empty and no part of a generation."""


@dataclass(frozen=True)
class FileEntry:
    """Size in bytes and SHA-256 in hex of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Counts:
    """How much a generation holds."""

    documents: int
    pages: int
    chunks: int
    sentences: int


@dataclass(frozen=True)
class Manifest:
    """What a generation is.

    Attributes:
        format: Version of the files' layout.
        generation: Its name, "gen-000042".
        built: When, ISO 8601 in UTC.
        model: `PILOT_EMBEDDING__MODEL` as it was set.
        embedder: Id of the embedder.
        dim: Length of its vectors.
        pivot: Digest of dictionary and glossary.
        intake: Digest of everything that shapes pages and chunks.
        shape: Digest of everything that shapes the rest, `intake` included.
        words: Digest of everything that shapes a chunk's terms but its text.
        chunk_chars: Longest chunk, as it was set.
        corpus: Digest of all files of the corpus.
        documents_path: Folder of the corpus, as it was given.
        counts: How much it holds.
        ann: How chunk vectors are searched.
        files: Every other file of the folder, by its path with "/".
    """

    format: int
    generation: str
    built: str
    model: str
    embedder: str
    dim: int
    pivot: str
    intake: str
    shape: str
    words: str
    chunk_chars: int
    corpus: str
    documents_path: str
    counts: Counts
    ann: AnnReport
    files: Mapping[str, FileEntry]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files that it lists."""
        return sum(entry.bytes for entry in self.files.values())


def encode(manifest: Manifest) -> bytes:
    """The manifest as its file holds it: JSON with its own digest as the last key."""
    values = asdict(manifest)
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return (json.dumps(values | {"digest": digest}, indent=1) + "\n").encode()


def _decode(data: bytes) -> Manifest:
    values = json.loads(data)
    values.pop("digest")
    return Manifest(
        **values
        | {
            "counts": Counts(**values["counts"]),
            "ann": AnnReport(**values["ann"]),
            "files": {name: FileEntry(**entry) for name, entry in values["files"].items()},
        }
    )


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a generation, checked against its own digest and the folder's name.

    Raises:
        CorruptGenerationError: If it is missing, was changed, or belongs to another generation.
        ForeignGenerationError: If another format version wrote it.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
        values = json.loads(data)
        found = values.get("format") if isinstance(values, dict) else None
        if isinstance(found, int) and found != FORMAT:
            raise ForeignGenerationError(
                f"{folder} has index format {found}; this version reads {FORMAT}. Run: pilot index build"
            )
        manifest = _decode(data)
    except OSError as error:
        raise CorruptGenerationError(f"{path}: cannot be read ({error.strerror}). {REMEDY}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptGenerationError(
            f"{path}: got no readable manifest, expected one of format {FORMAT}. {REMEDY}"
        ) from error
    if encode(manifest) != data:
        raise CorruptGenerationError(f"{path}: its content does not match its own digest; it was changed. {REMEDY}")
    if manifest.generation != folder.name and not folder.name.startswith("."):
        raise CorruptGenerationError(
            f"{path}: got the manifest of {manifest.generation}, expected that of {folder.name}. {REMEDY}"
        )
    return manifest


def list_files(folder: Path) -> dict[str, Path]:
    """Every file under a generation's folder by its path with "/", sorted; not its manifest, nor Tantivy's locks."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() and path.name not in LOCKS and path != folder / MANIFEST
    }


def entries(folder: Path) -> dict[str, FileEntry]:
    """Size and SHA-256 of every file as it is now.

    Raises:
        OSError: If one cannot be read.
    """
    return {name: FileEntry(path.stat().st_size, sha256_file(path)) for name, path in list_files(folder).items()}


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file's size and SHA-256 with the manifest.

    Raises:
        CorruptGenerationError: Naming the first file that is missing, unknown or different.
    """
    present = list_files(folder)
    for name in sorted(present.keys() - manifest.files.keys()):
        raise CorruptGenerationError(f"{folder / name}: got a file that the manifest does not list. {REMEDY}")
    for name, entry in sorted(manifest.files.items()):
        path = folder / name
        if name not in present or path.is_symlink():
            raise CorruptGenerationError(f"{path}: missing, expected {entry.bytes} bytes. {REMEDY}")
        try:
            size = path.stat().st_size
            found = sha256_file(path) if size == entry.bytes else ""
        except OSError as error:
            raise CorruptGenerationError(f"{path}: cannot be read ({error.strerror}). {REMEDY}") from error
        if size != entry.bytes:
            raise CorruptGenerationError(f"{path}: got {size} bytes, expected {entry.bytes}. {REMEDY}")
        if found != entry.sha256:
            raise CorruptGenerationError(f"{path}: got SHA-256 {found[:12]}…, expected {entry.sha256[:12]}…. {REMEDY}")
