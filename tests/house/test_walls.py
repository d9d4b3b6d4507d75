"""The house's own rules, held by reading its source."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = {"fingerprint": 0, "index": 1, "api": 2, "benchmarks": 3, "sample_audio": 3, "tests": 4}
PRODUCT = ("fingerprint", "index", "api")
LONGEST_FILE = 450
MOST_MODULES = 16


def _sources(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)}:{node.lineno}: spell the whole path of an import"
            yield node.module or ""


@pytest.mark.parametrize("own", FLOORS)
def test_imports_run_downstairs(own: str) -> None:
    """fingerprint knows nobody, index knows fingerprint, api knows both; nobody knows those who look down."""
    for path in _sources(own):
        for module in _imported(path):
            assert module.split(".")[0] not in PRODUCT, f"{_name(path)}: import earwitness.{module}"
            room = module.removeprefix("earwitness.").split(".")[0]
            looks_down = room in {"benchmarks", "sample_audio"} and own in PRODUCT
            assert FLOORS.get(room, 0) <= FLOORS[own] and not looks_down, f"{_name(path)} -> {module}"


def test_kernels_import_numpy_and_what_compiles_only() -> None:
    """A kernel is loops over arrays: it knows no type of ours and no other library."""
    allowed = {"__future__", "typing", "math", "numpy", "collections"}
    for path in _sources("fingerprint/kernels"):
        imported = set(_imported(path)) - {"earwitness.fingerprint.compiled"}
        assert {module.split(".")[0] for module in imported} <= allowed, _name(path)


def test_a_file_can_be_read_in_one_sitting() -> None:
    """No Python file is longer than 450 lines."""
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in _sources(*FLOORS)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_a_folder_can_be_held_in_the_head() -> None:
    """No folder of the product or of the benchmarks holds more than 16 modules."""
    sources = _sources(*PRODUCT, "benchmarks")
    counts = Counter(path.parent for path in sources if path.name != "__init__.py")
    assert {_name(folder): n for folder, n in counts.items() if n > MOST_MODULES} == {}


def test_no_two_modules_share_a_name() -> None:
    """A module of the product is named by its last name alone."""
    counts = Counter(path.name for path in _sources(*PRODUCT) if path.name != "__init__.py")
    assert {name: n for name, n in counts.items() if n > 1} == {}


def test_only_the_settings_read_the_environment() -> None:
    """A stray variable cannot change what a fingerprint means: only api/settings.py looks at them."""
    for path in _sources(*PRODUCT):
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                reads = node.attr in {"environ", "getenv", "environb"}
                assert not reads or _name(path) == "api/settings.py", f"{_name(path)}:{node.lineno}"


def test_every_test_states_its_law() -> None:
    """Each test says in one sentence what must hold."""
    n_tests = 0
    for path in _sources("tests"):
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                n_tests += 1
                assert ast.get_docstring(node), f"{_name(path)}:{node.lineno} {node.name} has no docstring"
    assert n_tests > 1_000


def test_nothing_is_left_for_later() -> None:
    """No stub and no error swallowed in silence."""
    for path in _sources(*PRODUCT):
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.ExceptHandler):
                only_pass = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
                assert not only_pass, f"{_name(path)}:{node.lineno} swallows an error"
            if isinstance(node, ast.Raise) and node.exc is not None:
                is_stub = "NotImplementedError" in ast.dump(node.exc)
                assert not is_stub, f"{_name(path)}:{node.lineno} is a stub"
