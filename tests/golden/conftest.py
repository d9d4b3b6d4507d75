"""What the tests of this folder share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Say whether answers are to be kept anew."""
    return bool(request.config.getoption("--update-golden"))
