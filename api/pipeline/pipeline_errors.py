"""Errors about the collections of a search, and about the part of a file that an item names."""

from __future__ import annotations

from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.fingerprint.errors import EarwitnessError


class NothingIndexed(EarwitnessError):
    """A check was requested, and no dataset is indexed: nothing could be compared."""

    code = "nothing_indexed"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"no dataset is indexed in {home}, so nothing was searched",
            hint="index one first: earwitness index SOURCE --name NAME; without an index,"
            " `earwitness same-file` looks the bytes up in published lists",
        )


class NothingRegistered(EarwitnessError):
    """A scan was requested, and no work is registered: nothing could be compared."""

    code = "nothing_registered"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"no work is registered in {home}, so there is nothing to search for",
            hint="register one first: earwitness register FILE; without a work,"
            " `earwitness same-file` says which known datasets list the files",
        )


class NoSuchCollection(EarwitnessError):
    """A name fits no collection, or several."""

    code = "no_such_collection"

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(
            f"there is no collection called {name}", hint=f"choose from {', '.join(known) or '(none yet)'}"
        )


class StretchMissing(ItemRefused):
    """A manifest selects a part of a file that ends before the part begins."""

    code = "stretch_missing"
    reason = "the file ends before the selected part begins"
    hint = "download the complete file, or correct the entry's start"
