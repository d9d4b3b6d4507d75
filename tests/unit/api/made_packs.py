"""Packs for tests, made by hand: sound ones, and hostile ones whose container and digests are in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joserfc.jwk import OKPKey

from earwitness.api.packs.pack_container import write_container
from earwitness.api.packs.pack_manifest import PackManifest, PartStated
from earwitness.api.packs.pack_signature import sign
from earwitness.api.packs.pack_tables import write_table
from earwitness.api.settings import Settings
from earwitness.fingerprint.params import PARAMS

CARD = {
    "schema": "earwitness.card/1",
    "id": "made_up",
    "name": "Made up",
    "statements": {"contents": {"value": "noise", "source": "a test", "date": "2026-01-02"}},
}


def settings(home: Path) -> Settings:
    """Settings of a home."""
    return Settings(home=home)


def file_row(path: str, contents: bytes, **changed: Any) -> dict[str, Any]:
    """One row of the table of files."""
    md5, sha256 = hashlib.md5(contents).digest(), hashlib.sha256(contents).digest()
    return {"path": path, "size_bytes": len(contents), "md5": md5, "sha256": sha256, **changed}


def sound_row(number: int, *, duration_s: float = 10.0, **changed: Any) -> dict[str, Any]:
    """One row of the table of sound, with made-up codes and peaks."""
    random = np.random.default_rng(number)
    n_codes = round(duration_s / PARAMS.hop_s)
    frames = np.sort(random.integers(0, round(duration_s / PARAMS.frame_s), 40)).astype(np.int32)
    return {
        "path": f"clip {number}.wav",
        "sha256": hashlib.sha256(b"%d" % number).digest(),
        "size_bytes": 1000 + number,
        "recording": number,
        "duration_s": duration_s,
        "active_s": duration_s,
        "codes": random.integers(0, 256, (n_codes, PARAMS.code_bytes), dtype=np.uint8).tobytes(),
        "peak_frames": frames,
        "peak_bands": random.integers(10, PARAMS.n_bands, 40).astype(np.uint8),
        "chromaprint": random.integers(0, 2**32, 70, dtype=np.uint64).astype(np.uint32),
    } | changed


def made_pack(
    path: Path,
    *,
    files: Sequence[Mapping[str, Any]] = (),
    sound: Sequence[Mapping[str, Any]] = (),
    names: Sequence[Mapping[str, Any]] = (),
    parts: Mapping[str, bytes] | None = None,
    rows: Mapping[str, int] | None = None,
    key: OKPKey | None = None,
    **changed: Any,
) -> Path:
    """Write a pack; `parts` and `rows` replace the bytes of parts, and the rows that are stated of them."""
    contents: dict[str, bytes] = {"card.json": json.dumps(CARD).encode()}
    n_rows = {"card.json": 1}
    tables = (("files.parquet", files), ("names.parquet", names), ("sound.parquet", sound))
    for name, table in tables:
        if table:
            n_rows[name] = write_table(path.with_suffix(".table"), name, table)
            contents[name] = path.with_suffix(".table").read_bytes()
    for name, replaced in (parts or {}).items():
        contents[name] = replaced
        n_rows.setdefault(name, 1)
    n_rows |= rows or {}
    fields: dict[str, Any] = {
        "name": "made-up",
        "version": "1",
        "scheme": "ew1-91efda" if "sound.parquet" in contents else None,
        "indexed_at": "2026-01-02T03:04:05Z",
        "made_at": "2026-01-03T03:04:05Z",
        "made_with": "a test",
        "complete": True,
        "parts": {
            name: PartStated(sha256=hashlib.sha256(part).hexdigest(), size_bytes=len(part), rows=n_rows[name])
            for name, part in contents.items()
        },
    }
    text = PackManifest(**{**fields, **changed}).to_bytes()
    members: list[tuple[str, Path | bytes]] = [("manifest.json", text), *contents.items()]
    if key is not None:
        members.append(("manifest.jws", sign(text, key)))
    with path.open("wb") as file:
        write_container(file, members)
    return path
