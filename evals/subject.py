"""Opens the product's own assistant for measuring; its libraries are imported on the first call."""

from __future__ import annotations

from assistant.settings import Settings
from evals.ports import Subject


def open_subject(settings: Settings) -> Subject:
    """The assistant over the live generation of `settings.home`.

    Raises:
        PilotError: If there is no generation, or it cannot be opened.
    """
    from assistant.chain import open_assistant

    return open_assistant(settings)
