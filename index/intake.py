"""Files to pages and chunks in the catalog: unchanged ones are taken over, the others read in child processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import cast

from index.catalog import Catalog, CatalogWriter, DocumentRecord
from index.chunk import chunk_id, chunk_pages
from index.corpus import Corpus, SourceFile, document_digest
from index.language import detect
from index.loaders import PARTIAL_CODES, LoadedDocument, PageNote
from index.metadata import Metadata, resolve
from index.report import DocumentReport, NoteReport, Progress
from index.sandbox import load_documents
from index.settings import IndexSettings
from index.types import Chunk, Document, Language, Page

_BATCH = 256  # chunks written at once
_DETECTED = 20_000  # characters of a document that its language is told from


@dataclass(frozen=True)
class Intake:
    """What came of the files.

    Attributes:
        records: Documents in the catalog, in order of id; `superseded_by` is still empty.
        reports: A report a file, left-out ones included, by path.
        taken: Which document of the previous generation (its number there) each record was taken over from, by place.
    """

    records: tuple[DocumentRecord, ...]
    reports: tuple[DocumentReport, ...]
    taken: Mapping[int, int]


class Reader:
    """Reads the files of one corpus into one catalog."""

    def __init__(self, corpus: Corpus, settings: IndexSettings, writer: CatalogWriter, *, progress: Progress) -> None:
        self._corpus = corpus
        self._settings = settings
        self._writer = writer
        self._progress = progress
        self._records: dict[int, DocumentRecord] = {}
        self._reports = list(corpus.left_out)
        self._taken: dict[int, int] = {}

    def run(self, previous: Catalog | None) -> Intake:
        """Take over what is unchanged in the previous catalog, read the rest.

        Raises:
            sqlite3.Error: If the catalog cannot be written.
        """
        known = _by_content(previous)
        self._progress.stage("Reading files", len(self._corpus.files))
        to_read: dict[str, int] = {}
        for place, file in enumerate(self._corpus.files):
            number = known.get((file.digest, PurePosixPath(file.id).suffix.lower()))
            if previous is None or number is None:
                to_read[file.path] = place
            else:
                self._take_over(place, file, previous, number)
                self._progress.advance(1, file.id)
        self._read(to_read)
        return Intake(
            tuple(self._records[place] for place in sorted(self._records)),
            tuple(sorted(self._reports, key=lambda report: report.path)),
            self._taken,
        )

    def _read(self, places: Mapping[str, int]) -> None:
        if not places:
            return
        settings = self._settings
        results = load_documents(
            self._corpus.root, list(places), settings.limits, workers=settings.workers, ocr=settings.ocr
        )
        for result in results:
            place = places[result.path]
            file = self._corpus.files[place]
            if result.loaded is None:
                self._reports.append(DocumentReport(file.id, "left_out", result.reason, result.code))
            else:
                self._add(place, file, result.loaded)
            self._progress.advance(1, file.id)

    def _add(self, place: int, file: SourceFile, loaded: LoadedDocument) -> None:
        properties = loaded.properties
        if not properties.language:
            # Kept with the properties, so that a document that is taken over needs no look at its text.
            properties = replace(properties, language=_language(loaded))
        document = self._document(file, loaded.metadata, properties)
        document = replace(document, loader=loaded.loader, page_count=loaded.page_count)
        pages = [Page(file.id, page.number, page.label, page.text, page.blocks) for page in loaded.pages]
        self._writer.add_pages(place, pages)
        count = 0
        for batch in _batches(chunk_pages(document, pages, chunk_chars=self._settings.chunk_chars)):
            self._writer.add_chunks(place, count, batch)
            count += len(batch)
        record = DocumentRecord(
            place, document, file.digest, len(pages), count, loaded.metadata, properties, loaded.notes
        )
        self._keep(record, reused=False)

    def _take_over(self, place: int, file: SourceFile, previous: Catalog, number: int) -> None:
        old = previous.records[number]
        self._writer.take_over(place, old.place)
        document = self._document(file, old.declared, old.properties)
        document = replace(document, loader=old.document.loader, page_count=old.document.page_count)
        if file.id != old.document.id:
            ids = [chunk_id(file.id, c.page, c.text, c.start) for c in previous.chunks_of(number)]
            self._writer.rename_chunks(place, ids)
        self._taken[place] = number
        self._keep(replace(old, place=place, document=document), reused=True)

    def _document(self, file: SourceFile, declared: Metadata, properties: Metadata) -> Document:
        found = resolve(file.id, declared=declared, manifest=self._corpus.manifest, properties=properties)
        return Document(
            id=file.id,
            title=found.title,
            language=cast(Language, found.language),
            issuer=found.issuer,
            published=found.published,
            document_number=found.document_number,
            kind=found.kind,
            source=found.source,
            note=found.note,
            effective=found.effective,
            expires=found.expires,
            translation_of=found.translation_of,
            supersedes=found.supersedes,
            sha256=document_digest(file, self._corpus.manifest.get(file.id)),
            size_bytes=file.size_bytes,
        )

    def _keep(self, record: DocumentRecord, *, reused: bool) -> None:
        self._records[record.place] = record
        missing = [note for note in record.notes if note.code in PARTIAL_CODES]
        self._reports.append(
            DocumentReport(
                record.document.id,
                "partial" if missing else "indexed",
                _summary(missing),
                missing[0].code if missing else "",
                pages=record.pages,
                chunks=record.chunks,
                reused=reused,
                notes=tuple(NoteReport(note.page, note.code, note.text) for note in record.notes),
            )
        )


def _by_content(previous: Catalog | None) -> dict[tuple[str, str], int]:
    """Numbers of the previous documents by digest of their bytes and ending, by which their loader was chosen."""
    if previous is None:
        return {}
    return {
        (record.digest, PurePosixPath(record.document.id).suffix.lower()): number
        for number, record in enumerate(previous.records)
    }


def _language(loaded: LoadedDocument) -> Language:
    left = _DETECTED
    parts: list[str] = []
    for page in loaded.pages:
        parts.append(page.text[:left])
        left -= len(parts[-1])
        if left <= 0:
            break
    return detect("\n".join(parts))


def _batches(items: Iterator[Chunk]) -> Iterator[list[Chunk]]:
    batch: list[Chunk] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _summary(missing: Sequence[PageNote]) -> str:
    """The first note in words, with its page, and how many more there are."""
    if not missing:
        return ""
    first = missing[0]
    where = f"page {first.page}: " if first.page else ""
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    return f"{where}{first.text}{more}"
