"""Look up the digests of a file in all lists of known files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from earwitness.index.known_files.file_list import FileList, ListedDataset, ListedFile

PUBLISHED: Final = Path(__file__).parent / "published.files"
"""The list that the package ships."""


class KnownFiles:
    """Several lists of known files, looked up as one.

    Attributes
    ----------
    digests : frozenset of str
        Kinds of digest that a look-up needs; others need not be computed.
    datasets : tuple of ListedDataset
    """

    def __init__(self, lists: Sequence[FileList]) -> None:
        self._lists = tuple(lists)
        self.digests = frozenset[str]().union(*(each.digests for each in self._lists))
        self.datasets: tuple[ListedDataset, ...] = tuple(
            dataset for each in self._lists for dataset in each.datasets
        )

    @classmethod
    def open(cls, paths: Sequence[Path] = (PUBLISHED,)) -> Self:
        """Open the lists at these paths; raises FileListDamaged."""
        return cls([FileList(path) for path in paths])

    @property
    def n_files(self) -> int:
        """Number of files that the lists hold."""
        return sum(each.n_files for each in self._lists)

    def find(self, digests: Mapping[str, str]) -> tuple[ListedFile, ...]:
        """Return the known files with the same bytes, one result a dataset.

        Parameters
        ----------
        digests
            Digests of a file by kind, in hexadecimal.

        Notes
        -----
        MD5 and SHA-1 are what datasets publish. Two files can be made on purpose that share an MD5; no way is
        known to make a file with the MD5 of a given one.
        """
        found: dict[tuple[int, str, str], ListedFile] = {}
        for number, each in enumerate(self._lists):
            for kind in sorted(digests.keys() & each.digests, reverse=True):  # the strongest kind comes first
                for listed in each.find(kind, bytes.fromhex(digests[kind])):
                    found.setdefault((number, listed.dataset.id, listed.dataset.version), listed)
        return tuple(found.values())
