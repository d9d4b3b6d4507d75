"""What the product stands on may be given to anyone."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).parents[2]
COPYLEFT = re.compile(r"\b(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)
LESSER = re.compile(r"LGPL|Lesser General|with linking exception|Mozilla", re.IGNORECASE)


LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-uv.lock",
    "deploy/build.lock",
    "deploy/postgres.lock",
    "tests/clients/python/requirements.lock",
)
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==\S+(?: ; (.+))? \\$", re.MULTILINE)


def _locked() -> list[str]:
    """Names of the packages that the runtime lock installs on this platform and Python version."""
    pinned = PINNED.findall((ROOT / LOCKS[0]).read_text(encoding="utf-8"))
    return sorted(name for name, marker in pinned if not marker or Marker(marker).evaluate())


def test_no_runtime_dependency_is_under_a_strong_copyleft() -> None:
    """Neither GPL nor AGPL is stated by anything the runtime lock brings, and everything states something."""
    names = _locked()
    assert len(names) > 50
    for name in names:
        about = metadata.metadata(name)
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
    for lock in LOCKS:
        text = (ROOT / lock).read_text(encoding="utf-8")
        with_digest = re.findall(r"^\w.* \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
        assert len(re.findall(r"^\w", text, re.MULTILINE)) == len(PINNED.findall(text)) == len(with_digest)
        assert "://" not in text and "--index-url" not in text


def test_the_lock_of_the_typescript_client_pins_by_digest_and_names_no_place() -> None:
    """Every package has its digest, and the lock does not say where to fetch from."""
    lock = json.loads((ROOT / "tests/clients/typescript/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages and all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert not any("resolved" in each for each in packages.values())
