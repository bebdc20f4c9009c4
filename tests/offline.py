"""The guard that keeps tests on this machine: what counts as local, and sockets and look-ups that refuse the rest."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest
from typing_extensions import Buffer

Address = tuple[object, ...] | str | Buffer


class OutsideError(AssertionError):
    """A test, or the code it runs, tried to reach another machine."""


def is_local(host: object) -> bool:
    """Whether a host is this machine; a name other than localhost never is, for it would be looked up."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        address = ip_address(str(name).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_outside(address: Address) -> None:
    if isinstance(address, tuple) and address and not is_local(address[0]):
        raise OutsideError(f"No test may connect to {address[0]!r}; only this machine is allowed.")


class OfflineSocket(socket.socket):
    """A socket that connects to this machine only."""

    def connect(self, address: Address, /) -> None:
        """Connect, or raise OutsideError."""
        _refuse_outside(address)
        super().connect(address)

    def connect_ex(self, address: Address, /) -> int:
        """Connect and give the error number, or raise OutsideError."""
        _refuse_outside(address)
        return super().connect_ex(address)


@contextmanager
def only_this_machine() -> Iterator[None]:
    """Within it, connections and look-ups beyond this machine raise OutsideError."""
    look_up = socket.getaddrinfo

    def local_look_up(
        host: str | bytes | None, port: int | str | None, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> object:
        if not is_local(host):
            raise OutsideError(f"No test may look up {host!r}; only this machine is allowed.")
        return look_up(host, port, family, type, proto, flags)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", OfflineSocket)
        patch.setattr(socket, "getaddrinfo", local_look_up)
        yield
