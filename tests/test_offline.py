from __future__ import annotations

import socket

import pytest

from tests.offline import OutsideError, is_local


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "", None, "0.0.0.0", b"127.0.0.1"])
def test_is_local_this_machine_true(host: object) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org", "localhost.example.org", "10.0.0.1"])
def test_is_local_another_machine_false(host: str) -> None:
    assert not is_local(host)


def test_connect_outside_refused() -> None:
    with socket.socket() as one, pytest.raises(OutsideError, match=r"connect to '192\.0\.2\.1'"):
        one.connect(("192.0.2.1", 80))


def test_create_connection_outside_name_refused() -> None:
    with pytest.raises(OutsideError, match=r"look up 'example\.org'"):
        socket.create_connection(("example.org", 80), timeout=1)


def test_connect_loopback_allowed() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with socket.create_connection(listener.getsockname(), timeout=1) as one:
            assert one.getpeername() == listener.getsockname()
