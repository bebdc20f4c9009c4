"""The pages for people agree with the code: version, commands, links."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from typer.main import get_command

from app import app
from assistant.types import Outcome
from index.settings import PROJECT_ROOT

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "documents/README.md", "evals/README.md")


def _commands(command: object, prefix: str = "pilot") -> Iterator[str]:
    for name, sub in getattr(command, "commands", {}).items():
        yield f"{prefix} {name}"
        yield from _commands(sub, f"{prefix} {name}")


def test_changelog_newest_release_is_the_package_version() -> None:
    version = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    entries = re.findall(r"^## (\S+)", (PROJECT_ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert entries.count("Unreleased") <= 1
    assert entries[entries[0] == "Unreleased"] == version


@pytest.mark.parametrize("page", PAGES)
def test_page_links_point_at_files(page: str) -> None:
    path = PROJECT_ROOT / page
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_commands_exist(page: str) -> None:
    known = set(_commands(get_command(app)))
    used = set(re.findall(r"pilot (?:index|evals) [a-z]+|pilot (?:ask|serve|doctor|settings)", _text(page)))
    assert used - known == set()


def test_readme_every_command_is_named() -> None:
    text = _text("README.md")
    missing = [name for name in _commands(get_command(app)) if f"`{name.split()[-1]}" not in text and name not in text]
    assert [name for name in missing if name not in ("pilot index", "pilot evals")] == []


def test_readme_every_outcome_is_explained() -> None:
    assert [outcome.value for outcome in Outcome if f"`{outcome.value}`" not in _text("README.md")] == []


def test_makefile_targets_of_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", "".join(map(_text, PAGES)))) <= targets


def _text(page: str) -> str:
    return (PROJECT_ROOT / page).read_text(encoding="utf-8")


def test_constraints_pin_every_declared_package_once() -> None:
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    declared = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==\S+$", _text("constraints.txt"), re.MULTILINE)
    assert len(pinned) == len(set(pinned)) == _text("constraints.txt").count("==")
    assert {_plain(re.split(r"[\[<>=!~; ]", one)[0]) for one in declared} - set(map(_plain, pinned)) == set()


def _plain(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize("page", PAGES)
def test_page_named_tests_exist(page: str) -> None:
    named = re.findall(r"tests/[\w/]+\.py", _text(page))
    assert [name for name in named if not (PROJECT_ROOT / name).is_file()] == []
