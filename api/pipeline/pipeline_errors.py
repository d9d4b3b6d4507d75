"""Errors about what a search needs: collections, and the part of a file that an item names."""

from __future__ import annotations

from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.fingerprint.errors import EarwitnessError


class NothingIndexed(EarwitnessError):
    """A check was asked for where no dataset is indexed: that is no answer about any audio."""

    code = "nothing_indexed"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"no dataset is indexed in {home}, so nothing was searched",
            hint="index one first: earwitness index SOURCE --name NAME",
        )


class NothingRegistered(EarwitnessError):
    """A scan was asked for where no work is registered."""

    code = "nothing_registered"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"no work is registered in {home}, so there is nothing to look for",
            hint="register one first: earwitness register FILE",
        )


class NoSuchCollection(EarwitnessError):
    """A collection was named that does not exist."""

    code = "no_such_collection"

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(
            f"there is no collection called {name}", hint=f"choose from {', '.join(known) or '(none yet)'}"
        )


class StretchMissing(ItemRefused):
    """A manifest cuts a part out of a file that ends before the part begins."""

    code = "stretch_missing"
    reason = "the file ends before the part that is meant begins"
    hint = "fetch the whole file, or correct the entry's start"
