"""Check that the lists of names of a home are as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from earwitness.index.database.records import Problem
from earwitness.index.names.list_digest import damage_of
from earwitness.index.store.home_address import NAMES_FOLDER, PACKS_FOLDER

LIST_ENDING: Final = ".names"
WORKS_ENDING: Final = ".works"
_HINTS: Final = {
    (NAMES_FOLDER, LIST_ENDING): "delete the file, then index the list again",
    (NAMES_FOLDER, WORKS_ENDING): "delete the file, then run `earwitness register --catalogue` again",
    (PACKS_FOLDER, LIST_ENDING): "remove the pack (`earwitness pack remove`), then add it again",
}


def stored_name_lists(home: Path) -> list[Path]:
    """Return the files of names of a home: of lists, of works that are known by name, and of packs."""
    found = [each for each in (home / NAMES_FOLDER).glob("*") if each.suffix in {LIST_ENDING, WORKS_ENDING}]
    found += (home / PACKS_FOLDER).glob(f"[!.]*/*{LIST_ENDING}")
    return sorted(each for each in found if not each.name.startswith("."))


def n_name_lists(home: Path) -> int:
    """Return how many lists of names a home holds, those of packs included."""
    return sum(each.suffix == LIST_ENDING for each in stored_name_lists(home))


def name_problems(home: Path) -> Iterator[Problem]:
    """Yield what is wrong with the lists of names of a home."""
    for path in stored_name_lists(home):
        try:
            what = damage_of(path)
        except FileNotFoundError:  # it was removed, or replaced, meanwhile
            continue
        except (OSError, ValueError) as error:
            what = str(error)
        if what is not None:
            folder = path.relative_to(home).parts[0]
            yield Problem(where=str(path), what=what, hint=_HINTS[folder, path.suffix])
