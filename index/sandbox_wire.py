"""What goes over the pipes between `index.sandbox` and its children: length-prefixed JSON, checked on arrival."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pydantic import TypeAdapter

from index.loaders.types import LoadedDocument, LoadedPage
from index.settings import LimitSettings

LENGTH = struct.Struct(">Q")
HEADER = LENGTH.size


@dataclass(frozen=True)
class Request:
    """One file to read.

    Attributes:
        root: Folder of the corpus.
        path: The file, relative to it.
        limits: What it may cost.
        ocr: Whether to use OCR.
    """

    root: str
    path: str
    limits: LimitSettings
    ocr: bool


@dataclass(frozen=True)
class Reply:
    """What became of it.

    Attributes:
        loaded: Its pages, None if it could not be read.
        reason: Why not.
        code: Why not, as a code of `UnreadableError`.
        cpu_s: CPU seconds used.
        retire: Whether the child ends now and must be replaced.
    """

    loaded: LoadedDocument | None
    reason: str = ""
    code: str = ""
    cpu_s: float = 0.0
    retire: bool = False


_REQUEST = TypeAdapter(Request)
_REPLY = TypeAdapter(Reply)


def frame(data: bytes) -> bytes:
    """The bytes with their length before them."""
    return LENGTH.pack(len(data)) + data


def encode_request(request: Request) -> bytes:
    """A request as a frame."""
    return frame(_REQUEST.dump_json(request))


def decode_request(data: bytes) -> Request:
    """The request in a frame's bytes."""
    return _REQUEST.validate_json(data)


def encode_reply(reply: Reply) -> bytes:
    """A reply as a frame."""
    return frame(_REPLY.dump_json(reply))


def decode_reply(data: bytes) -> Reply:
    """The reply in a frame's bytes, which a child under attack may have made up.

    Raises:
        ValidationError: If it is no JSON of a reply.
        ValueError: If blocks or pages do not fit their text.
    """
    reply = _REPLY.validate_json(data)
    if reply.loaded is not None:
        numbers = [page.number for page in reply.loaded.pages]
        if any(a >= b for a, b in zip([0, *numbers], numbers, strict=False)):
            raise ValueError(f"pages numbered {numbers[:5]}; expected to rise from 1")
        for page in reply.loaded.pages:
            _check_blocks(page)
    return reply


def _check_blocks(page: LoadedPage) -> None:
    position = 0
    for block in page.blocks:
        if not position <= block.start <= block.end <= len(page.text):
            raise ValueError(f"page {page.number}: block {block.start}–{block.end} does not fit its text")
        position = block.end
