"""What every test shares: one scan worker, one Hypothesis profile, golden files, and the tests' order."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"
LONGEST = (
    "hostile/test_every_second.py",
    "golden/test_command_answers.py",
    "golden/test_server_answers.py",
    "golden/test_kept_homes.py",
    "http/test_real_server.py",
    "http/test_full_disk.py",
    "hostile/test_attacks.py",
    "hostile/test_bounds.py",
    "contract/test_crash.py",
    "cli/",
)
"""Tests that take longest. They come first, so that none of them runs alone at the end."""

# tests run side by side, so that a second worker of a command gains nothing; some tests name their number
os.environ.setdefault("EARWITNESS_WORKERS", "1")

# a kernel's first call compiles for seconds, longer than Hypothesis's deadline; examples are always the same
settings.register_profile("jit", deadline=None, derandomize=True)
settings.load_profile("jit")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that updates the golden data."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the data of tests/golden on purpose"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the longest tests to the front, and leave the others in their order."""

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(GOLDEN.parent).as_posix()
        return next((n for n, long in enumerate(LONGEST) if name.startswith(long)), len(LONGEST))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Search for no garbage while all is imported, and leave what was imported out of every later search."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Compare a JSON-able value with tests/golden/NAME.json."""

    def check(name: str, value: object) -> None:
        path = GOLDEN / f"{name}.json"
        if request.config.getoption("--update-golden"):
            path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert kept == value, f"{path} differs; if meant, the scheme changes too, then --update-golden"

    return check
