"""The packs that were added to a home: one folder each, which appears complete or not at all.

A pack with sound is in the folder and in the catalog. Its folder is first named ``KEY.pending``; the
transaction of the catalog decides, and then the folder gets its name. A pending folder whose dataset is in
the catalog counts as added; one whose dataset is not there is what a killed process left.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.api.packs.pack_errors import InstalledPackDamaged, PackError
from earwitness.api.packs.pack_manifest import PackManifest, manifest_of
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import Card, card_of
from earwitness.index.database.records import Collection, CollectionKind
from earwitness.index.store.files import TEMPORARY_PREFIX, convert_write_errors, fsync_folder
from earwitness.index.store.home_address import PACKS_FOLDER
from earwitness.index.store.lock import locked_folder
from earwitness.index.store.store_errors import HomeMissing

PENDING: Final = ".pending"
FILE_LIST: Final = "known.files"
NAME_LIST: Final = "listed.names"
MANIFEST_DIGEST: Final = "manifest.sha256"
LOCK_FILE: Final = "packs.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPack:
    """A pack of a home.

    Attributes
    ----------
    signer : str or None
        Fingerprint of the key that signed it.
    sha256 : str
        Digest of its manifest.
    """

    folder: Path
    manifest: PackManifest
    card: Card
    signer: str | None
    sha256: str

    @property
    def file_list(self) -> Path | None:
        """The list of its known files; None where it carries none.

        Raises
        ------
        InstalledPackDamaged
            When it is missing; so does `name_list`.
        """
        return self._stated("files.parquet", FILE_LIST)

    @property
    def name_list(self) -> Path | None:
        """The list of its names; None where it carries none."""
        return self._stated("names.parquet", NAME_LIST)

    def _stated(self, part: str, name: str) -> Path | None:
        path = self.folder / name
        if part not in self.manifest.parts:
            return None
        if not path.exists():
            raise InstalledPackDamaged(
                folder=str(self.folder), key=key_of(self.folder), reason=f"{name} is missing"
            )
        return path


def packs_folder(settings: Settings) -> Path:
    """Return the folder of a home's packs, which need not exist."""
    return settings.home / PACKS_FOLDER


def pack_key(name: str, version: str) -> str:
    """Return the name of the folder of a dataset's pack."""
    return hashlib.sha256(f"{name}\0{version}".encode()).hexdigest()[:16]


def pack_folders(settings: Settings) -> list[Path]:
    """Return the folders of the packs of a home, pending ones too."""
    folders = packs_folder(settings).glob("[!.]*")
    return sorted(each for each in folders if each.is_dir() and "." not in key_of(each))


def key_of(folder: Path) -> str:
    """Return the name that the folder of a pack has or will get (see `pack_key`)."""
    return folder.name.removesuffix(PENDING)


def installed_packs(settings: Settings) -> list[InstalledPack]:
    """Return the packs that were added, by name and version.

    Raises
    ------
    InstalledPackDamaged
        Where one cannot be read: what was asked would be answered without it.
    """
    while True:
        folders = pack_folders(settings)
        try:
            return _added(map(read_installed, folders), settings)
        except InstalledPackDamaged:
            if folders == pack_folders(settings):
                raise
            # else another process has added or removed one meanwhile


def readable_packs(settings: Settings) -> tuple[list[InstalledPack], list[Path]]:
    """Return the packs that were added, by name and version, and the folders of those that cannot be read."""
    packs, damaged = list[InstalledPack](), list[Path]()
    for each in pack_folders(settings):
        try:
            packs.append(read_installed(each))
        except InstalledPackDamaged:
            damaged.append(each)
    return _added(packs, settings), damaged


def _added(packs: Iterable[InstalledPack], settings: Settings) -> list[InstalledPack]:
    added = [pack for pack in packs if pack.folder.suffix != PENDING or is_stored(pack.manifest, settings)]
    return sorted(added, key=lambda pack: (pack.manifest.name, pack.manifest.version))


def read_installed(folder: Path) -> InstalledPack:
    """Read the folder of one pack.

    Raises
    ------
    InstalledPackDamaged
    """
    import json

    try:
        text = (folder / "manifest.json").read_bytes()
        return InstalledPack(
            folder=folder,
            manifest=manifest_of(text, path=str(folder)),
            card=card_of(json.loads((folder / "card.json").read_bytes())),
            signer=(folder / "signer").read_text("ascii").strip() or None,
            sha256=hashlib.sha256(text).hexdigest(),
        )
    except (PackError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise InstalledPackDamaged(folder=str(folder), key=key_of(folder), reason=reason) from error


def is_stored(manifest: PackManifest, settings: Settings) -> bool:
    """Return whether the home's catalog holds the sound of this pack."""
    from earwitness.api.pipeline.searched_collections import read_summary

    try:
        return is_in(read_summary(settings).collections, manifest)
    except HomeMissing:
        return False


def is_in(collections: Iterable[Collection], manifest: PackManifest) -> bool:
    """Return whether the catalog holds the sound of this pack."""
    wanted = (CollectionKind.DATASET, manifest.name, manifest.version, manifest.indexed_at)
    return any((each.kind, each.name, each.version, each.indexed_at) == wanted for each in collections)


@contextmanager
def changing_packs(settings: Settings) -> Iterator[Path]:
    """Let only this process change the packs of a home; what killed ones left is settled first.

    Raises
    ------
    HomeBusy
    """
    folder = packs_folder(settings)
    with locked_folder(folder, lock_file=LOCK_FILE, home=settings.home, what="packs"):
        _settle(folder, settings)
        yield folder


def _settle(folder: Path, settings: Settings) -> None:
    for each in folder.glob(f"{TEMPORARY_PREFIX}*"):
        shutil.rmtree(each, ignore_errors=True)
    for each in folder.glob(f"[!.]*{PENDING}"):
        with suppress(InstalledPackDamaged):  # a damaged one is deleted only when it is asked for
            if is_stored(read_installed(each).manifest, settings):
                put_in_place(each, folder / key_of(each))
            else:
                delete(each)


def rename(folder: Path, target: Path) -> None:
    """Rename a folder of a pack; durable when it returns."""
    with convert_write_errors(target):
        folder.rename(target)
        fsync_folder(target.parent)


def put_in_place(folder: Path, target: Path) -> None:
    """Give a folder of a pack its name; an older one of the same pack is deleted."""
    if target.exists():
        delete(target)
    rename(folder, target)


def delete(folder: Path) -> None:
    """Delete a folder of a pack so that no half of it is ever seen."""
    hidden = folder.with_name(f"{TEMPORARY_PREFIX}{folder.name}-{os.getpid()}")
    rename(folder, hidden)
    shutil.rmtree(hidden)
