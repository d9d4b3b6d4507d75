"""What went wrong, for a person: in the reader's language, with what to do; never a status of HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from earwitness.api.answers.messages import Messages


class Explained(Protocol):
    """An error with a code, a message and a hint: of a finding, a job or a request."""

    @property
    def code(self) -> str:
        """Stable name of the kind of error."""

    @property
    def message(self) -> str:
        """What happened, in technical English."""

    @property
    def hint(self) -> str:
        """What to do, in technical English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderError:
    """What a page says of an error.

    Attributes
    ----------
    what, do : str
        What happened, and what to do about it.
    details : str
        The message and the hint for technicians, in English; shown folded.
    """

    what: str
    do: str
    details: str


def reader_error(error: Explained, t: Messages) -> ReaderError:
    """Return what a page says of an error; codes without a message of their own have a general one."""
    key = f"error.{error.code}"
    if not t.has(f"{key}.what"):
        key = "error.other"
    details = f"{error.message}. {error.hint}. ({error.code})"
    return ReaderError(what=t(f"{key}.what"), do=t(f"{key}.do"), details=details)
