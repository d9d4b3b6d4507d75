"""What the product stands on may be given to anyone."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPYLEFT = re.compile(r"\b(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)
LESSER = re.compile(r"LGPL|Lesser General|with linking exception|Mozilla", re.IGNORECASE)


def _locked() -> list[str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return sorted(match[1] for line in lines if (match := re.match(r"([A-Za-z0-9_.-]+)==", line)))


@pytest.mark.parametrize("name", _locked())
def test_no_runtime_dependency_is_under_a_strong_copyleft(name: str) -> None:
    """Neither GPL nor AGPL is stated by anything the runtime lock brings, and everything states something."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is for another platform")
    classifiers = about.get_all("Classifier") or []
    stated = [text for text in classifiers if text.startswith("License")]
    stated += [
        text[:200] for field in ("License-Expression", "License") for text in about.get_all(field) or []
    ]
    assert any(stated), f"{name} states no licence"
    for text in stated:
        assert LESSER.search(text) or not COPYLEFT.search(text), f"{name}: {text}"


def test_the_locks_pin_by_digest_and_name_no_place() -> None:
    """Every locked package has its digests, and no lock says where to fetch from."""
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert text.count("==") == len(re.findall(r"== ?\S+ \\\n    --hash=sha256:", text))
        assert "://" not in text and "--index-url" not in text
