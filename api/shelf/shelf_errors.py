"""Errors of the shelf."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class NoSuchDataset(EarwitnessError):
    """Nothing is known of a dataset of this name."""

    code = "no_such_dataset"

    def __init__(self, *, name: str, similar: tuple[str, ...]) -> None:
        self.name, self.similar = name, similar
        hint = f"did you mean {', '.join(similar)}?" if similar else "`earwitness shelf` lists what is known"
        super().__init__(f"nothing is known here of a dataset {name!r}", hint=hint)
