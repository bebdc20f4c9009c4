"""The ground of every test: no connection beyond this machine, and none of the developer's own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from assistant.settings import RESERVED
from tests.offline import only_this_machine

for _name in [name for name in os.environ if name.startswith("PILOT_") and name not in RESERVED]:
    del os.environ[_name]
os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
os.environ.update({"GRADIO_ANALYTICS_ENABLED": "False", "ORT_DISABLE_TELEMETRY": "1"})


@pytest.fixture(autouse=True, scope="session")
def offline() -> Iterator[None]:
    """Connections and look-ups beyond this machine raise OutsideError, for the whole run."""
    with only_this_machine():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests run last: Playwright keeps an event loop running in the main thread until its session ends."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
