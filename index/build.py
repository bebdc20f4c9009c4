"""Documents to a published generation: scan, read, embed, write aside, verify, publish; until then nothing changes."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from index.catalog import CATALOG, Catalog, CatalogWriter
from index.check import check_store
from index.corpus import Corpus, intake_digest, scan, shape_digest, words_digest
from index.disk import Disk
from index.embed import Embedder
from index.errors import BuildError, CorruptGenerationError, ForeignGenerationError, IndexMissingError, PilotError
from index.fill import PreviousRows, Taken, VectorFiles, heading
from index.generation import (
    build_lock,
    check_generation,
    clean_aside,
    current_name,
    live_name,
    new_aside,
    prune,
    publish,
    seal,
    withdraw,
)
from index.intake import Intake, Reader
from index.manifest import FORMAT, Counts, Manifest, entries, read_manifest
from index.pivot import Pivot
from index.report import AnnReport, BuildReport, DocumentReport, NothingIndexedError, Progress
from index.settings import IndexHost
from index.store import open_folder
from index.validity import bad_front_matter, contradictions, resolve_superseded
from index.vectors import write_ann, write_exact

REPORT = "report.json"
"""What the build did, in its generation's folder."""
_SMALLEST_ANN = 1000  # fewer rows cannot train cells


@dataclass(frozen=True)
class _Previous:
    """The live generation, sound, to take over from."""

    folder: Path
    manifest: Manifest
    catalog: Catalog


def build(
    host: IndexHost, *, embedder: Embedder, pivot: Pivot, progress: Progress, disk: Disk | None = None
) -> BuildReport:
    """Build the corpus into a new generation and publish it.

    Unchanged documents (same bytes, same loaders, same settings) are taken over from the live generation without being
    read, also under a new name; vectors are taken over wherever the embedded text is the same.

    Args:
        host: Settings: documents, home, limits.
        embedder: Makes the vectors.
        pivot: Renders Chinese for the embedder and for English words.
        progress: Told how far it is.
        disk: How durable writes are done; a test's may fail.

    Raises:
        NothingIndexedError: If no file can be indexed.
        BuildError: If the disk fails; the live generation is untouched.
        LockedError: If another build is at work.
        SettingsError: If the corpus' manifest.toml is malformed.
    """
    home = host.home / "index"
    with build_lock(home):
        before = live_name(home)
        try:
            return _Build(host, embedder, pivot, disk=disk or Disk(), progress=progress).run()
        except PilotError:
            raise
        except (OSError, sqlite3.Error, RuntimeError, ValueError) as error:
            raise BuildError(_failure(error, home, before=before)) from error


def _failure(error: Exception, home: Path, *, before: str) -> str:
    """One line for what the disk (or a library on it) said, and which generation answers now."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    where = error.filename if isinstance(error, OSError) and error.filename else home
    now = live_name(home)
    state = (
        "The live generation is untouched" if now == before else f"{now} is published, but may not survive a power cut"
    )
    again = "pilot index build" if now == before else "pilot index build --force"
    return (
        f"The new generation cannot be written to {where}: {said.splitlines()[0]}. {state}. "
        f"Check free space and permissions, then run: {again}"
    )


class _Build:
    """One build; holds what its stages share."""

    def __init__(self, host: IndexHost, embedder: Embedder, pivot: Pivot, *, disk: Disk, progress: Progress) -> None:
        self._host = host
        self._home = host.home / "index"
        self._embedder = embedder
        self._pivot = pivot
        self._disk = disk
        self._progress = progress
        self._seconds: dict[str, float] = {}
        self._began = time.monotonic()

    def run(self) -> BuildReport:
        """All stages; what was written is removed where one fails."""
        clean_aside(self._home)
        self._progress.stage("Looking for changes", 0)
        corpus = scan(self._host.index)
        self._lap("scan")
        aside, name = new_aside(self._home)
        try:
            return self._stages(corpus, aside, name)
        except BaseException:
            with suppress(OSError):
                withdraw(self._home, aside, name)
            raise

    def _stages(self, corpus: Corpus, aside: Path, name: str) -> BuildReport:
        previous = self._previous()
        intake, warnings = self._read(corpus, aside, previous)
        if not intake.records or not any(record.chunks for record in intake.records):
            raise NothingIndexedError(_nothing(corpus, intake.reports), intake.reports)
        self._lap("read")
        files, ann, catalog = self._fill(aside, intake, previous)
        self._lap("embed")
        report = BuildReport(
            generation=name,
            documents=intake.reports,
            warnings=warnings,
            chunks=len(catalog),
            sentences=files.sentences,
            reuse=files.reuse,
            ann=ann,
        )
        pages = sum(record.pages for record in intake.records)
        catalog.close()
        self._progress.stage("Publishing", 0)
        manifest = self._seal(corpus, aside, report, Counts(len(intake.records), pages, len(catalog), files.sentences))
        with open_folder(aside) as store:
            check_store(store, self._embedder, self._pivot)
        before = live_name(self._home)  # after a rollback it is not among the newest
        keep = self._host.index.keep_generations
        publish(self._home, aside, name, self._disk)
        self._lap("publish")
        return replace(
            report,
            seconds=self._seconds | {"total": round(time.monotonic() - self._began, 3)},
            size_bytes=manifest.size_bytes,
            pruned=prune(self._home, keep, also=before if keep > 1 else ""),
        )

    def _lap(self, stage: str) -> None:
        self._seconds[stage] = round(time.monotonic() - self._began - sum(self._seconds.values()), 3)

    def _previous(self) -> _Previous | None:
        """The live generation where it is sound; without one everything is made anew."""
        try:
            name = current_name(self._home)
            manifest = check_generation(self._home, name)
            folder = self._home / name
            return _Previous(folder, manifest, Catalog(folder / CATALOG))
        except (IndexMissingError, CorruptGenerationError, ForeignGenerationError, sqlite3.Error):
            return None

    def _read(self, corpus: Corpus, aside: Path, previous: _Previous | None) -> tuple[Intake, tuple[str, ...]]:
        """Pages and chunks of all files in the catalog; validity resolved over all of them."""
        same = previous is not None and previous.manifest.intake == intake_digest(self._host.index)
        usable = previous if same else None
        writer = CatalogWriter(aside / CATALOG, previous=usable.folder / CATALOG if usable else None)
        try:
            reader = Reader(corpus, self._host.index, writer, progress=self._progress)
            intake = reader.run(usable.catalog if usable else None)
            documents = resolve_superseded(record.document for record in intake.records)
            for record, document in zip(intake.records, documents, strict=True):
                writer.add_document(replace(record, document=document))
            writer.finish()
        finally:
            writer.close()
        found = [text for record in intake.records for text in bad_front_matter(record.document.id, record.notes)]
        known = corpus.manifest.keys() - {one.path for one in intake.reports if one.outcome == "left_out"}
        found += contradictions(documents, known=known, today=date.today())
        return intake, tuple(sorted(found))

    def _fill(self, aside: Path, intake: Intake, previous: _Previous | None) -> tuple[VectorFiles, AnnReport, Catalog]:
        """Vectors and words of all chunks."""
        rows = None
        taken: Mapping[int, Taken] = {}
        if previous is not None:
            old = previous.manifest
            rows = PreviousRows(
                previous.folder,
                old.dim,
                same_embedder=old.embedder == self._embedder.id,
                same_pivot=old.pivot == self._pivot.digest,
            )
            taken = _taken(intake, previous, same_words=old.words == words_digest(self._pivot))
        catalog = Catalog(aside / CATALOG)
        files = VectorFiles(aside, self._embedder, self._pivot, disk=self._disk)
        try:
            files.run(catalog, taken, rows, progress=self._progress)
        finally:
            files.abandon()
        if previous is not None:
            previous.catalog.close()
        return files, self._search_files(aside, len(catalog)), catalog

    def _search_files(self, aside: Path, chunks: int) -> AnnReport:
        settings = self._host.index
        if chunks <= max(settings.exact_chunks, _SMALLEST_ANN):
            return write_exact(aside, self._embedder.dim, self._disk)
        self._progress.stage("Training the approximate search", 0)
        return write_ann(aside, self._embedder.dim, self._disk, least_recall=settings.ann_recall)

    def _seal(self, corpus: Corpus, aside: Path, report: BuildReport, counts: Counts) -> Manifest:
        self._disk.write(aside / REPORT, replace(report, seconds=self._seconds).to_json().encode())
        for lock in aside.glob("*/*/.tantivy-*.lock"):
            lock.unlink()
        settings = self._host.index
        manifest = Manifest(
            format=FORMAT,
            generation=report.generation,
            built=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self._host.embedding.model,
            embedder=self._embedder.id,
            dim=self._embedder.dim,
            pivot=self._pivot.digest,
            intake=intake_digest(settings),
            shape=shape_digest(self._host),
            words=words_digest(self._pivot),
            chunk_chars=settings.chunk_chars,
            corpus=corpus.digest,
            documents_path=str(settings.documents),
            counts=counts,
            ann=report.ann,
            files=entries(aside),
        )
        seal(aside, manifest, self._disk)
        return manifest


def _taken(intake: Intake, previous: _Previous, *, same_words: bool) -> dict[int, Taken]:
    """Where the previous generation has the documents that were taken over, by place."""
    first = previous.catalog.first_rows
    documents = {record.place: record.document for record in intake.records}
    return {
        place: Taken(
            int(first[number]),
            same_words and heading(documents[place]) == heading(previous.catalog.records[number].document),
        )
        for place, number in intake.taken.items()
    }


def _nothing(corpus: Corpus, reports: tuple[DocumentReport, ...]) -> str:
    """Why a build has nothing to publish."""
    if not reports:
        return (
            f"No documents in {corpus.root}. Put files there or set PILOT_INDEX__DOCUMENTS, then run: pilot index build"
        )
    first = reports[0]
    return (
        f"No documents in {corpus.root} can be indexed: {len(reports)} left out, the first being {first.path} "
        f"({first.reason}). The live generation is untouched. Mend them, then run: pilot index build"
    )


def stale_reason(host: IndexHost) -> str:
    """Why the live generation is out of date, in words; empty where it is not.

    Raises:
        BuildError: If the documents folder is missing.
        SettingsError: If the corpus' manifest.toml is malformed.
    """
    home = host.home / "index"
    try:
        manifest = read_manifest(home / current_name(home))
    except (IndexMissingError, CorruptGenerationError, ForeignGenerationError) as error:
        return str(error)
    if manifest.model != host.embedding.model:
        return f"it was embedded by {manifest.model}, the settings ask for {host.embedding.model}"
    if manifest.shape != shape_digest(host):
        return "settings or code that shape the index have changed"
    if manifest.corpus != scan(host.index).digest:
        return f"files in {host.index.documents} have changed"
    return ""


def is_current(host: IndexHost) -> bool:
    """Whether the live generation was built from these documents with these settings; compares every file's hash.

    Raises:
        BuildError: If the documents folder is missing.
        SettingsError: If the corpus' manifest.toml is malformed.
    """
    return not stale_reason(host)
