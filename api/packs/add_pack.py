"""Add a pack to a home, whole or not at all, and remove it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from earwitness.api.packs.installed_packs import (
    FILE_LIST,
    MANIFEST_DIGEST,
    NAME_LIST,
    PENDING,
    InstalledPack,
    changing_packs,
    delete,
    is_in,
    is_stored,
    key_of,
    pack_key,
    packs_folder,
    put_in_place,
    read_installed,
    readable_packs,
    rename,
)
from earwitness.api.packs.pack_errors import NoSuchPack, PackOfOtherScheme
from earwitness.api.packs.pack_keys import require_accepted
from earwitness.api.packs.pack_rows import known_files, new_items
from earwitness.api.packs.packed_names import PART, packed_names
from earwitness.api.packs.read_pack import Pack, opened_pack
from earwitness.api.pipeline.searched_collections import stored_collections
from earwitness.api.settings import Settings
from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.known_files.file_list import ListedDataset
from earwitness.index.known_files.write_file_list import write_file_list
from earwitness.index.names.write_name_list import NameListWriter
from earwitness.index.store.files import TEMPORARY_PREFIX, convert_write_errors, fsync_folder, write_durably
from earwitness.index.store.store_errors import CollectionExists
from earwitness.index.writer import Writer

BATCH_ITEMS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPack:
    """A pack that is part of the home; `already` is whether it was so before."""

    pack: InstalledPack
    already: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedPacks:
    """Packs that were removed.

    Attributes
    ----------
    names : tuple of str
        ``NAME:VERSION`` of each, or the key of one that could not be read.
    stays : tuple of str
        Datasets with sound of the name and version of a pack that could not be read.
    """

    names: tuple[str, ...]
    stays: tuple[str, ...] = ()


def add_pack(
    source: Path | BinaryIO,
    settings: Settings,
    *,
    unsigned: bool = False,
    with_sound: bool = True,
    shown_as: str | None = None,
) -> AddedPack:
    """Verify a pack and add it; it is there as a whole when this returns, and not at all when it raises.

    Parameters
    ----------
    unsigned
        Whether a pack that nobody signed is accepted.
    with_sound
        Whether its fingerprints are added; without, those of another scheme do not matter.
    shown_as
        What messages call it; by default, its path.

    Raises
    ------
    NotAPack, PackDamaged, PackTooNew, PackSignatureWrong, PackNotSigned, PackKeyUnknown, PackOfOtherScheme
    CollectionExists
        When the home holds a dataset of this name and version that is not from this pack.
    HomeBusy, DiskFull
    """
    with opened_pack(source, settings, shown_as=shown_as) as pack:
        require_accepted(packs_folder(settings), pack.signer, path=pack.path, unsigned=unsigned)
        with changing_packs(settings) as folder, ExitStack() as stack:
            target = folder / pack_key(pack.manifest.name, pack.manifest.version)
            wants_sound = with_sound and pack.manifest.scheme is not None
            if target.exists():
                here = _same_pack(target, pack)
                if not wants_sound or is_stored(pack.manifest, settings):
                    return AddedPack(pack=here, already=True)
                # else its sound was removed, or never added: the pack is added anew
            writer = None
            if wants_sound:
                writer = stack.enter_context(Writer.open(settings.home_address))
                if writer.scheme != pack.manifest.scheme:
                    scheme = pack.manifest.scheme or ""
                    raise PackOfOtherScheme(path=pack.path, scheme=scheme, home_scheme=writer.scheme)
            unfinished = folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
            try:
                _write_folder(pack, unfinished)
                _commit(pack, unfinished, target, writer)
            finally:
                if unfinished.exists():
                    shutil.rmtree(unfinished)
        return AddedPack(pack=read_installed(target), already=False)


def _same_pack(target: Path, pack: Pack) -> InstalledPack:
    here = read_installed(target)
    if here.sha256 != pack.sha256:
        raise CollectionExists(name=pack.manifest.name, version=pack.manifest.version)
    return here


def _write_folder(pack: Pack, folder: Path) -> None:
    with convert_write_errors(folder):
        folder.mkdir()
    contents = {
        "manifest.json": pack.manifest_bytes,
        MANIFEST_DIGEST: pack.sha256.encode("ascii"),
        "card.json": pack.card_bytes,
        "signer": (pack.signer or "").encode("ascii"),
    }
    if pack.signature is not None:
        contents["manifest.jws"] = pack.signature
    for name, text in contents.items():
        write_durably(folder / name, lambda keep, text=text: keep(text))  # type: ignore[misc]
    if "files.parquet" in pack.manifest.parts:
        _write_list(pack, folder / FILE_LIST)
    if PART in pack.manifest.parts:
        _write_names(pack, folder / NAME_LIST)
    fsync_folder(folder)


def _write_list(pack: Pack, path: Path) -> None:
    import os

    files = sorted(known_files(pack), key=lambda each: each.path)
    listed = ListedDataset(
        id=pack.card.id,
        name=pack.manifest.name,
        version=pack.manifest.version,
        n_files=len(files),
        listed_by=_maker_of(pack),
    )
    with convert_write_errors(path), path.open("wb") as file:
        write_file_list(file, [(listed, files)], notice=f"From the pack {pack.sha256}.")
        file.flush()
        os.fsync(file.fileno())


def _write_names(pack: Pack, path: Path) -> None:
    with NameListWriter(path) as writer:
        writer.add(packed_names(pack))
        about: dict[str, Any] = {"name": pack.manifest.name, "version": pack.manifest.version}
        about |= {"card": pack.card.id, "layout": "pack", "complete": pack.manifest.complete}
        writer.finish({**about, "listed_by": _maker_of(pack), "date": pack.manifest.indexed_at})


def _maker_of(pack: Pack) -> str:
    by = "nobody signed it" if pack.signer is None else f"signed by {pack.signer[:8]}"
    return f"pack of {pack.manifest.made_at[:10]}, {by}"


def _commit(pack: Pack, unfinished: Path, target: Path, writer: Writer | None) -> None:
    """Make the pack visible; with sound, the catalog's transaction decides (see `installed_packs`)."""
    if writer is None:
        put_in_place(unfinished, target)
        return
    pending, manifest = target.with_name(target.name + PENDING), pack.manifest
    params = writer.codec.params
    rename(unfinished, pending)
    try:
        writer.add_dataset(
            manifest.name,
            manifest.version,
            _batches(new_items(pack, params)),
            indexed_at=manifest.indexed_at,
            complete=manifest.complete,
        )
    except BaseException:
        delete(pending)
        raise
    put_in_place(pending, target)
    writer.publish()


def _batches(items: Iterator[NewItem]) -> Iterator[list[NewItem]]:
    while batch := list(islice(items, BATCH_ITEMS)):
        yield batch


def remove_pack(name: str, settings: Settings) -> RemovedPacks:
    """Remove the packs of a dataset (``NAME`` or ``NAME:VERSION``), with what they brought.

    A pack may also be named by its key, as `InstalledPackDamaged` does. Of one that cannot be read, only the
    folder is removed: nothing shows whether the sound of that name came from it.

    Raises
    ------
    NoSuchPack
    HomeBusy
    """
    with changing_packs(settings):
        readable, unreadable = readable_packs(settings)
        packs = [pack for pack in readable if name in (*_names(pack), key_of(pack.folder))]
        damaged = [each for each in unreadable if key_of(each) == name]
        if not packs and not damaged:
            raise NoSuchPack(name=name)
        for pack in packs:
            if pack.manifest.scheme is not None:
                _remove_sound(pack, settings)
            delete(pack.folder)
        for each in damaged:
            delete(each)
        stays = [
            f"{each.name}:{each.version}"
            for each in stored_collections(settings)
            if damaged and each.kind is CollectionKind.DATASET and pack_key(each.name, each.version) == name
        ]
        names = [_names(pack)[1] for pack in packs] or [name]
        return RemovedPacks(names=tuple(names), stays=tuple(stays))


def _names(pack: InstalledPack) -> tuple[str, str]:
    return pack.manifest.name, f"{pack.manifest.name}:{pack.manifest.version}"


def _remove_sound(pack: InstalledPack, settings: Settings) -> None:
    with Writer.open(settings.home_address) as writer:
        for each in writer.collections:
            if is_in([each], pack.manifest):
                writer.remove(each.id)
