"""Locates the files that entries name; an exception of a library becomes the entry's error."""

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


def _unchanged(place: Location) -> Location:
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedResolver:
    """Locates what entries name through another resolver; raises `EarwitnessError` only.

    Attributes
    ----------
    wrap : callable
        Applied to each location before it is returned.
    """

    inner: Resolver
    wrap: Callable[[Location], Location] = _unchanged

    def place(self, text: str) -> Location:
        """The file that ``text`` names; `BadEntry` where a library raises, such as for a damaged URL."""
        try:
            return self.wrap(self.inner.place(text))
        except EarwitnessError:
            raise
        except Exception as error:
            raise BadEntry(name=label(text[:_NAME_CHARS]), detail=describe_exception(error)) from error

    def guess(self, stems: Sequence[str]) -> Location | None:
        """The first file that exists under one of these names; `BadEntry` where a library raises."""
        try:
            place = self.inner.guess(stems)
            return None if place is None else self.wrap(place)
        except EarwitnessError:
            raise
        except Exception as error:
            name = label("".join(stems[:1])[:_NAME_CHARS])
            raise BadEntry(name=name, detail=describe_exception(error)) from error


def describe_exception(error: BaseException) -> str:
    """Describe an exception of a library in one line: its class and its message."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    kind, message = type(error).__name__, reason(error)
    return kind if message == kind else f"{kind}: {message}"
