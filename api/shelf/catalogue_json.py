"""The answer to a creator's list of works as a JSON object: of the commands and of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from earwitness.api.datasets.name_lists.name_source import NameSource
from earwitness.api.shelf.catalogue import NamedWork
from earwitness.index.names.name_list import NameList


def is_partly_read(names: NameSource) -> bool:
    """Whether something that the list holds was not asked."""
    return bool(names.n_refused or names.n_nameless or names.n_unknown or names.cut_off is not None)


def answers_json(
    answers: Sequence[NamedWork], lists: Sequence[NameList], names: NameSource
) -> dict[str, Any]:
    """Return the answers, the lists that were asked, and what was not asked."""
    return {
        "lists": [
            {
                "dataset": each.dataset.name,
                "version": each.dataset.version,
                "entries": each.dataset.n_entries,
                "complete": each.dataset.complete,
            }
            for each in lists
        ],
        "works": [each.to_json() for each in answers],
        "named": sum(each.is_named for each in answers),
        "nameless": names.n_nameless,
        "not_readable": names.n_refused,
        "refused": list(map(str, names.refused)),
        "not_understood": names.n_unknown,
        "unknown": list(map(str, names.unknown)),
        "complete": names.cut_off is None,
    }
