"""What the Office formats share: they are ZIP archives, which may be encrypted, damaged or bombs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.loaders.types import UnreadableError
from index.settings import LimitSettings

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
EXPANSION_SHARE = 0.25
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def check_archive(path: Path, limits: LimitSettings) -> None:
    """Lets an Office file pass whose parts, unpacked, fit well into the memory that reading it may take.

    Raises:
        UnreadableError: If it is encrypted, of the old binary format, no archive, or too large unpacked.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if head == OLE_MAGIC:
        if _ENCRYPTED in path.read_bytes():
            raise UnreadableError("encrypted; save it without a password", code="encrypted")
        raise UnreadableError("of the old binary Office format; save it in the current one", code="unsupported")
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
            encrypted = any(entry.flag_bits & 1 for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableError(f"damaged: no readable Office archive ({error})") from error
    if encrypted:
        raise UnreadableError("encrypted; save it without a password", code="encrypted")
    allowed = EXPANSION_SHARE * limits.memory_mb * 2**20
    if total > allowed:
        raise UnreadableError(
            f"unpacks to {total / 2**20:,.0f} MiB; at most {allowed / 2**20:,.0f} MiB are unpacked "
            "(a quarter of PILOT_INDEX__LIMITS__MEMORY_MB)",
            code="too_big",
        )


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turns the many errors by which libraries meet a damaged Office file into one.

    Raises:
        UnreadableError: For whatever the body raises, except for lack of memory.
    """
    try:
        yield
    except (UnreadableError, MemoryError):
        raise
    except Exception as error:
        reason = f"damaged, or no {what} file inside ({type(error).__name__}: {str(error)[:160]})"
        raise UnreadableError(reason) from error
