"""The root of all settings: built once at an entry point from the environment and passed down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import SettingsError
from index.settings import PROJECT_ROOT, EmbeddingSettings, IndexSettings


class AnswerSettings(BaseModel):
    """How a question is taken and answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_chars: int = Field(1000, ge=10, le=100_000, description="Longest question, in characters.")
    top_k: int = Field(
        10,
        ge=1,
        le=100,
        description="Passages found for a question; further ones of the first two documents are read too.",
    )
    max_sentences: int = Field(4, ge=1, le=20, description="Most sentences of one answer; a list keeps all its items.")
    wrong_answer_rate: float = Field(
        0.04,
        gt=0,
        lt=1,
        description="Share of given answers that may be to questions which the documents do not answer, where one "
        "question in five is such; sets the threshold for abstaining.",
    )


class ServerSettings(BaseModel):
    """Where and how the web chat is served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(7860, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    allowed_hosts: tuple[str, ...] = Field(
        ("127.0.0.1", "localhost"), description="Host names that requests may carry (a JSON list)."
    )
    concurrency: int = Field(4, ge=1, le=256, description="Questions answered at once.")
    queue_size: int = Field(32, ge=1, le=10_000, description="Questions that may wait; more get 503.")
    answer_timeout_s: float = Field(60.0, gt=0, le=3600, description="Longest time for one answer, in seconds.")
    reload_s: float = Field(2.0, gt=0, le=3600, description="Seconds between looks for a new generation.")


class Settings(BaseSettings):
    """Everything that can be set, by `PILOT_…` environment variables with `__` between levels."""

    model_config = SettingsConfigDict(env_prefix="PILOT_", env_nested_delimiter="__", frozen=True, extra="forbid")

    home: Path = Field(PROJECT_ROOT / "var", description="Folder of everything made at run time.")
    index: IndexSettings = IndexSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    answer: AnswerSettings = AnswerSettings()
    server: ServerSettings = ServerSettings()


RESERVED = frozenset({"PILOT_REQUIRE_BROWSER"})
"""Names with the prefix that are not settings: they steer the test run."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, with `home` and `index.documents` made absolute.

    Raises:
        SettingsError: If a `PILOT_*` name is unknown (with the nearest known one) or a value is out of bounds.
    """
    env = os.environ if environ is None else environ
    known = {f"PILOT_{name.upper()}" for name in Settings.model_fields}
    for name in sorted(env):
        if name.startswith("PILOT_") and name not in RESERVED and name.split("__")[0] not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.0)
            raise SettingsError(f"Unknown setting {name}; did you mean {near[0]}? See: pilot settings")
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        where = "PILOT_" + "__".join(str(part).upper() for part in first["loc"])
        got = str(first.get("input"))[:80]
        raise SettingsError(f"{where}: {first['msg']}, got {got!r}. See: pilot settings") from error
    index = settings.index.model_copy(
        update={"documents": settings.index.documents.absolute(), "glossary": settings.index.glossary.absolute()}
    )
    return settings.model_copy(update={"home": settings.home.absolute(), "index": index})
