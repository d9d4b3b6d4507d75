"""Make a pack of an indexed dataset."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Collection as Names
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.api.packs.pack_container import BLOCK_BYTES, write_container
from earwitness.api.packs.pack_errors import NothingToPack
from earwitness.api.packs.pack_manifest import PackManifest, PartStated
from earwitness.api.packs.pack_signature import sign
from earwitness.api.packs.pack_tables import file_rows, sound_rows, write_table
from earwitness.api.scan.outputs import whole_file
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import SCHEMA, cards
from earwitness.index.database.records import Collection
from earwitness.index.store.dataset_rows import dataset_rows

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

GIVES_AWAY: Final = (
    "The pack holds no audio. It holds paths, digests and fingerprints. How much of the sound these give away"
    " was not measured yet: make no pack of works that nobody may know of."
)
"""What a maker must know before a pack is handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePack:
    """A pack that was written; `signer` is the fingerprint of the key, None without one."""

    manifest: PackManifest
    signer: str | None
    size_bytes: int


def make_pack(
    settings: Settings,
    dataset: Collection,
    out: Path,
    *,
    key: OKPKey | None = None,
    without: Names[str] = (),
    card: bytes | None = None,
) -> MadePack:
    """Write all that is known of a dataset into one file, which appears complete or not at all.

    Parameters
    ----------
    without
        What is left out: ``files``, ``sound``, or ``names`` (the metadata of items).
    card
        The card as JSON; by default the shipped one of that name, else one that states what was indexed.

    Raises
    ------
    NothingToPack
    PackTooLarge, CannotWrite, DiskFull, CatalogDamaged
    """
    from earwitness.fingerprint.extract import extractor  # loads the inference runtime

    code_bytes = extractor(dataset.scheme).params.code_bytes

    def rows() -> Any:
        return dataset_rows(settings.home_address, dataset.id, scheme=dataset.scheme, code_bytes=code_bytes)

    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".earwitness-pack-") as folder:
        parts: dict[str, tuple[Path, int]] = {}
        if "files" not in without:
            path = Path(folder) / "files.parquet"
            parts["files.parquet"] = (path, write_table(path, "files.parquet", file_rows(rows())))
        if "sound" not in without:
            path = Path(folder) / "sound.parquet"
            made = sound_rows(rows(), with_names="names" not in without)
            parts["sound.parquet"] = (path, write_table(path, "sound.parquet", made))
        parts = {name: part for name, part in parts.items() if part[1]}
        if not parts:
            raise NothingToPack(name=f"{dataset.name}:{dataset.version}")
        path = Path(folder) / "card.json"
        path.write_bytes(card or default_card(dataset))
        parts["card.json"] = (path, 1)
        manifest = PackManifest(
            name=dataset.name,
            version=dataset.version,
            scheme=dataset.scheme if "sound.parquet" in parts else None,
            indexed_at=dataset.indexed_at,
            made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            made_with=f"earwitness {version_of('earwitness')}",
            complete=dataset.complete,
            parts={name: _stated(path, rows=n_rows) for name, (path, n_rows) in sorted(parts.items())},
        )
        text = manifest.to_bytes()
        members: list[tuple[str, Path | bytes]] = [("manifest.json", text)]
        if key is not None:
            members.append(("manifest.jws", sign(text, key)))
        members += [(name, path) for name, (path, _) in parts.items()]
        with whole_file(out) as file:
            write_container(file, members)
            size_bytes = file.tell()
    signer = None if key is None else key.thumbprint()
    return MadePack(manifest=manifest, signer=signer, size_bytes=size_bytes)


def _stated(path: Path, *, rows: int) -> PartStated:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            size_bytes += len(block)
    return PartStated(sha256=digest.hexdigest(), size_bytes=size_bytes, rows=rows)


def default_card(dataset: Collection) -> bytes:
    """Return the shipped card of this dataset, else one that states only what was indexed."""
    for card in cards().values():
        if dataset.name.casefold() in {card.id, card.name.casefold()}:
            stated = {
                topic: {"value": each.value, "source": each.source, "date": each.date}
                for topic, each in card.statements.items()
            }
            return _card_json(card.id, card.name, stated)
    card_id = re.sub(r"[^a-z0-9]+", "_", dataset.name.casefold()).strip("_")[:64] or "dataset"
    contents = {
        "value": f"{dataset.n_items:,} items that the maker of the pack indexed",
        "source": f"earwitness {version_of('earwitness')}, pack make",
        "date": dataset.indexed_at[:10],
    }
    return _card_json(card_id, dataset.name[:100], {"contents": contents})


def _card_json(card_id: str, name: str, statements: dict[str, Any]) -> bytes:
    fields = {"schema": SCHEMA, "id": card_id, "name": name, "statements": statements}
    return json.dumps(fields, indent=1, ensure_ascii=False).encode()
