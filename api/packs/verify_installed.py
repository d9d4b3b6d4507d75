"""Check that everything in a home is unchanged since it was stored, packs included."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from earwitness.api.packs.installed_packs import (
    MANIFEST_DIGEST,
    InstalledPack,
    key_of,
    pack_folders,
    pack_key,
    read_installed,
)
from earwitness.api.packs.pack_signature import signer_of
from earwitness.api.settings import Settings
from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.database.records import Problem
from earwitness.index.known_files.file_list import FileList
from earwitness.index.store.store_errors import HomeMissing
from earwitness.index.store.verify import verify


def home_problems(settings: Settings) -> list[Problem]:
    """Return what is wrong with a home; nothing when everything is intact.

    Raises
    ------
    HomeMissing
        When nothing was ever stored in this home.
    """
    in_packs = list(pack_problems(settings))
    try:
        return [*verify(settings.home_address), *in_packs]
    except HomeMissing:
        if not pack_folders(settings):
            raise
        return in_packs


def pack_problems(settings: Settings) -> Iterator[Problem]:
    """Yield what is wrong with the packs that were added to a home, but for their lists of names and sound.

    Those are checked with the lists and the catalog of the home (`earwitness.index.store.verify`).
    """
    for each in pack_folders(settings):
        try:
            yield from _problems_of(read_installed(each))
        except (EarwitnessError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if each.is_dir():  # it was not removed meanwhile
                what = error.message if isinstance(error, EarwitnessError) else str(error)
                yield _problem(each, each, what or type(error).__name__)


def _problems_of(pack: InstalledPack) -> Iterator[Problem]:
    manifest, folder = pack.manifest, pack.folder
    card = folder / "card.json"
    if hashlib.sha256(card.read_bytes()).hexdigest() != manifest.parts["card.json"].sha256:
        yield _problem(folder, card, "its contents do not have the checksum in the manifest")
    if key_of(folder) != pack_key(manifest.name, manifest.version) or not _is_as_added(pack):
        yield _problem(folder, folder / "manifest.json", "it is not the manifest that was added")
    text, signature = (folder / "manifest.json").read_bytes(), folder / "manifest.jws"
    signer = signer_of(signature.read_bytes(), text, path=str(signature)) if signature.exists() else None
    if signer != pack.signer:
        yield _problem(folder, folder / "signer", "the manifest is not signed with the key that it names")
    if pack.file_list is not None:  # a missing list is an error
        FileList(pack.file_list)  # opening it verifies its checksums
    _ = pack.name_list


def _is_as_added(pack: InstalledPack) -> bool:
    """Whether the manifest has the digest that it had when the pack was added; earlier packs state none."""
    stated = pack.folder / MANIFEST_DIGEST
    return not stated.exists() or stated.read_text("ascii") == pack.sha256


def _problem(folder: Path, path: Path, what: str) -> Problem:
    hint = f"remove the pack (`earwitness pack remove {key_of(folder)}`), then add it again"
    return Problem(where=str(path), what=what, hint=hint)
