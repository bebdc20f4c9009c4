"""The ground of every test: no connection beyond this machine, and none of the developer's own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from assistant.settings import RESERVED
from tests.offline import only_this_machine

for _name in [name for name in os.environ if name.startswith("PILOT_") and name not in RESERVED]:
    del os.environ[_name]
os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"})


@pytest.fixture(autouse=True, scope="session")
def offline() -> Iterator[None]:
    """Connections and look-ups beyond this machine raise OutsideError, for the whole run."""
    with only_this_machine():
        yield
