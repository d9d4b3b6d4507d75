"""Fixtures of the golden tests."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to update the expected answers."""
    return bool(request.config.getoption("--update-golden"))
