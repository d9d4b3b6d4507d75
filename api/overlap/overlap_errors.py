"""Errors about the sets that are compared."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class NoSuchSplit(EarwitnessError):
    """A split that was to be compared has no item."""

    code = "no_such_split"

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        found = f"there are {', '.join(known[:10])}" if known else "no item has one"
        super().__init__(
            f"no item belongs to the split {name} ({found})",
            hint="give splits that folders or file names begin with, or the column that holds them",
        )


class OneSplit(EarwitnessError):
    """Splits were to be compared, and there are fewer than two."""

    code = "one_split"

    def __init__(self, *, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(
            f"there is nothing to compare: {', '.join(names) or 'no split'} stands alone",
            hint="name two splits with --splits, or another collection",
        )


class NothingToCompareWith(EarwitnessError):
    """One collection was named, and neither another one nor its splits."""

    code = "nothing_to_compare_with"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name} was named alone",
            hint="name a second collection, or its splits with --splits or --split-column",
        )


class SplitsNeedAudio(EarwitnessError):
    """The splits of an indexed dataset were to be compared by its name, without its audio."""

    code = "splits_need_audio"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"the splits of the indexed dataset {name} cannot be compared by its fingerprints",
            hint="give the source that it was indexed from (with ./ before its name if need be)",
        )
