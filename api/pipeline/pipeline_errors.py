"""Errors about the collections of a search, and about the part of a file that an item names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.names.verify_names import n_name_lists

_BY_NAME: Final = "`earwitness check --catalogue FILE.csv` asks the lists by name"
_BY_FILE: Final = "`earwitness same-file SOURCE` looks bytes up in the lists of known files"


class NothingIndexed(EarwitnessError):
    """A check was requested, and no dataset is indexed: nothing could be compared.

    Attributes
    ----------
    reason, remedy : str
        What is missing, and how it is added.
    """

    code = "nothing_indexed"

    def __init__(self, *, home: Path) -> None:
        self.home = home
        n_lists = n_name_lists(home)
        lists = f"{n_lists:,} {'list' if n_lists == 1 else 'lists'} of names"
        have = f" ({lists}, but without sound)" if n_lists else ""
        self.reason = f"no dataset is indexed in {home}{have}"
        self.remedy = (
            "index a dataset (`earwitness index SOURCE --name NAME`) or add a pack with fingerprints"
            " (`earwitness pack add PACK`)"
        )
        hint = f"{self.remedy}; {_BY_NAME if n_lists else _BY_FILE}"
        super().__init__(f"{self.reason}, so nothing was searched", hint=hint)


class NothingRegistered(EarwitnessError):
    """A scan was requested, and no work is registered: nothing could be compared.

    Attributes
    ----------
    reason, remedy : str
        What is missing, and how it is added.
    """

    code = "nothing_registered"

    def __init__(self, *, home: Path) -> None:
        self.home = home
        self.reason = f"no work is registered with its audio in {home}"
        self.remedy = "register a work (`earwitness register FILE`)"
        hint = f"{self.remedy}; {_BY_FILE}"
        super().__init__(f"{self.reason}, so there is nothing to search for", hint=hint)


class NoSuchCollection(EarwitnessError):
    """A name fits no collection, or several."""

    code = "no_such_collection"

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(
            f"there is no collection called {name}", hint=f"choose from {', '.join(known) or '(none yet)'}"
        )


class NoSuchWork(EarwitnessError):
    """No work of this tenant is registered under this number or name."""

    code = "no_such_work"

    def __init__(self, *, work: str) -> None:
        self.work = work
        super().__init__(
            f"there is no work {work}", hint="`earwitness watch list --all` lists the registered works"
        )


class DatasetBusy(EarwitnessError):
    """A dataset cannot be removed while a job of the server adds to it."""

    code = "dataset_busy"

    def __init__(self, *, name: str, job: str) -> None:
        self.name, self.job = name, job
        super().__init__(
            f"job {job} is indexing {name}", hint=f"wait for it, or cancel it: POST /v1/jobs/{job}/cancel"
        )


class StretchMissing(ItemRefused):
    """A manifest selects a part of a file that ends before the part begins."""

    code = "stretch_missing"
    reason = "the file ends before the selected part begins"
    hint = "download the complete file, or correct the entry's start"
