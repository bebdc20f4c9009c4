"""Errors that a user sees: one root, and a subclass where the caller does something different."""

from __future__ import annotations


class PilotError(Exception):
    """Root of every error shown to a user: one line that says what, where and the next command."""


class SettingsError(PilotError):
    """A setting is unknown, malformed or out of bounds."""


class IndexMissingError(PilotError):
    """There is no published generation yet."""


class CorruptGenerationError(PilotError):
    """A generation's files do not match its manifest; another generation may still load."""


class ForeignGenerationError(PilotError):
    """A generation was made by another format version or another embedder than the settings ask for."""


class BuildError(PilotError):
    """A build could not be published; the live generation is untouched."""


class LockedError(BuildError):
    """Another build holds the lock."""


class LoadError(PilotError):
    """One file of the corpus cannot be read; the build goes on without it."""
