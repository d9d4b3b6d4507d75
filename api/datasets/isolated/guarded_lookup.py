"""Looks for what an entry names; whatever a library raises on the way is the entry's own error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.resolve_path import Resolver
from earwitness.api.datasets.item_errors import BadEntry
from earwitness.api.datasets.names import label
from earwitness.fingerprint.errors import EarwitnessError

_NAME_CHARS: Final = 200


def _as_it_is(place: Location) -> Location:
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedResolver:
    """Finds what entries name through another resolver; raises nothing but our own errors.

    Attributes
    ----------
    around : callable
        Given each file that was found; what it returns is handed on.
    """

    inner: Resolver
    around: Callable[[Location], Location] = _as_it_is

    def place(self, text: str) -> Location:
        """The file that ``text`` names; `BadEntry` where a library raises, such as for a damaged URL."""
        try:
            return self.around(self.inner.place(text))
        except EarwitnessError:
            raise
        except Exception as error:
            raise BadEntry(name=label(text[:_NAME_CHARS]), detail=described(error)) from error

    def guess(self, stems: Sequence[str]) -> Location | None:
        """The first file that is there under one of these names; `BadEntry` where a library raises."""
        try:
            found = self.inner.guess(stems)
            return None if found is None else self.around(found)
        except EarwitnessError:
            raise
        except Exception as error:
            raise BadEntry(name=label("".join(stems[:1])[:_NAME_CHARS]), detail=described(error)) from error


def described(error: BaseException) -> str:
    """Say in one line what a library raised: the kind of error, and its words."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    kind, words = type(error).__name__, reason(error)
    return kind if words == kind else f"{kind}: {words}"
