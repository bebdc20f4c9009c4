"""Every durable write of a generation goes through one small class, so that a test can let any single write fail."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 20


class Disk:
    """Writes that are on the medium when the method that promises so returns."""

    def append(self, handle: BinaryIO, data: bytes | memoryview) -> None:
        """Write all of `data` at the end of an open file.

        Raises:
            OSError: If the disk is full or fails.
        """
        handle.write(data)

    def write(self, path: Path, data: bytes) -> None:
        """Make or replace a file with this content and fsync it.

        Raises:
            OSError: If the disk is full, read-only or fails.
        """
        with path.open("wb") as handle:
            self.append(handle, data)
            handle.flush()
            self._fsync(handle.fileno())

    def sync(self, path: Path) -> None:
        """Fsync a file or a directory.

        Raises:
            OSError: If the disk fails.
        """
        descriptor = os.open(path, os.O_RDONLY)
        try:
            self._fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Rename over the target, which readers see as the old or the new one; fsync the folder.

        Raises:
            OSError: If the disk is read-only or fails.
        """
        source.replace(target)
        self.sync(target.parent)

    def _fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex; a block at a time.

    Raises:
        OSError: If it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
