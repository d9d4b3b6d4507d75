"""The evidence "the same file": which known datasets list a file with the bytes of an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from earwitness.api.packs.installed_packs import installed_packs
from earwitness.api.settings import Settings
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.index.known_files.known_files import PUBLISHED, KnownFiles


def open_known_files(settings: Settings) -> KnownFiles:
    """Open all lists of known files: the one that the package ships, and those of the home's packs.

    Raises
    ------
    FileListDamaged
    """
    return _opened(tuple(_lists(settings)))


def _lists(settings: Settings) -> Iterator[Path]:
    yield PUBLISHED
    for pack in installed_packs(settings):
        if pack.file_list is not None:
            yield pack.file_list


@cache
def _opened(paths: tuple[Path, ...]) -> KnownFiles:
    return KnownFiles.open(paths)


def same_files(known: KnownFiles, digests: Mapping[str, str]) -> tuple[SameFile, ...]:
    """Return the evidence about bytes with these digests (hexadecimal, by kind), one a dataset."""
    return tuple(
        SameFile(
            dataset=each.dataset.name,
            version=each.dataset.version,
            card=each.dataset.id,
            digest=each.digest,
            paths=each.paths,
            n_paths=each.n_paths,
            n_files=each.dataset.n_files,
            listed_by=each.dataset.listed_by,
        )
        for each in known.find(digests)
    )
