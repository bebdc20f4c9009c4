"""What a build need not make again: the live generation's report where the next build would publish the same."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from index.build import REPORT
from index.check import check_store
from index.embed import Embedder
from index.errors import CorruptGenerationError, ForeignGenerationError, IndexMissingError
from index.manifest import REMEDY, Manifest
from index.pivot import Pivot
from index.report import BuildReport
from index.store import open_store


def read_report(home: Path, manifest: Manifest) -> BuildReport:
    """What the build of this generation under `home` did; of its seconds those up to writing the report are known.

    Raises:
        CorruptGenerationError: If its report cannot be read.
    """
    path = home / manifest.generation / REPORT
    try:
        report = BuildReport.from_json(path.read_bytes())
    except OSError as error:
        raise CorruptGenerationError(f"{path}: cannot be read ({error.strerror}). {REMEDY}") from error
    except ValueError as error:
        raise CorruptGenerationError(f"{path}: got no report of a build, expected its JSON. {REMEDY}") from error
    return replace(report, size_bytes=manifest.size_bytes)


def current_report(home: Path, embedder: Embedder, pivot: Pivot) -> BuildReport | None:
    """The live generation's report where all its files are sound and its vectors of this embedder and pivot, or None.

    To be asked where `is_current` holds, which looks at documents and settings, but not at these: what
    `pilot index check` refuses, and a model or dictionary replaced under the same name, need a build.
    """
    try:
        with open_store(home) as store:
            manifest = store.manifest
            if (manifest.embedder, manifest.pivot) != (embedder.id, pivot.digest):
                return None
            check_store(store, embedder, pivot)
            return read_report(home, manifest)
    except (IndexMissingError, CorruptGenerationError, ForeignGenerationError, sqlite3.Error):
        return None
