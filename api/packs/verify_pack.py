"""Verify a pack to its last row, and change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earwitness.api.packs.installed_packs import packs_folder
from earwitness.api.packs.pack_keys import accepted_keys
from earwitness.api.packs.pack_manifest import PackManifest
from earwitness.api.packs.pack_rows import known_files, new_items
from earwitness.api.packs.packed_names import PART, packed_names
from earwitness.api.packs.read_pack import opened_pack
from earwitness.api.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPack:
    """An intact pack; `accepted` is whether the key that signed it is accepted here."""

    manifest: PackManifest
    signer: str | None
    accepted: bool


def verify_pack(path: Path, settings: Settings) -> VerifiedPack:
    """Verify every byte and every row of a pack; the fingerprints only where their scheme is known here.

    Raises
    ------
    NotAPack, PackDamaged, PackTooNew, PackSignatureWrong, SchemeUnknown
    """
    from earwitness.fingerprint.extract import extractor  # loads the inference runtime

    with opened_pack(path, settings) as pack:
        if "files.parquet" in pack.manifest.parts:
            for _ in known_files(pack):
                continue
        if PART in pack.manifest.parts:
            for _ in packed_names(pack):
                continue
        if pack.manifest.scheme is not None:
            for _ in new_items(pack, extractor(pack.manifest.scheme).params):
                continue
        known = {each.fingerprint for each in accepted_keys(packs_folder(settings))}
        return VerifiedPack(manifest=pack.manifest, signer=pack.signer, accepted=pack.signer in known)
