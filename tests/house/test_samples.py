"""The sample audio is what its manifest says."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "sample_audio"


def test_the_samples_are_those_of_the_manifest() -> None:
    """Every file and every member has the digest that the manifest states, and nothing lies beside them."""
    manifest = json.loads((SAMPLES / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["license"] == "CC0-1.0"
    here = {
        path
        for path in SAMPLES.rglob("*")
        if path.suffix in {".mp3", ".opus", ".m4a", ".zip", ".ogg", ".wav"}
    }
    assert here == {SAMPLES / name for name in manifest["files"]}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest() == digest
    with zipfile.ZipFile(SAMPLES / "scraped.zip") as archive:
        members = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert members == manifest["scraped.zip"]
