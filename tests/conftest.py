"""What every test shares: one Hypothesis profile, and golden files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

# a kernel's first call compiles for seconds, far past Hypothesis's deadline; examples stay the same each run
settings.register_profile("jit", deadline=None, derandomize=True)
settings.load_profile("jit")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one option of ours."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the data of tests/golden on purpose"
    )


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
