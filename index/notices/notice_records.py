"""Types of the rows about watched works and their notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Delivery(StrEnum):
    """State of the delivery of a notice to the address of its tenant."""

    NONE = "none"
    """It is not sent: no address was set when it was made, or it says that nothing was found."""
    PENDING = "pending"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A work that is watched.

    Attributes
    ----------
    item : int
        Number of the work.
    since : str
        ISO 8601, UTC.
    epoch : int
        Epoch of the home at that time: what was indexed before it was not compared for this watch.
    """

    item: int
    since: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the items of a dataset were compared with the works while they were indexed.

    Attributes
    ----------
    first_epoch : int
        Epoch of the works that the first item was compared with; -1 where that is not known.
    effort : str
        The lowest effort of all runs.
    n_searched, n_certain, n_observed : int
        Counts of `earwitness.api.scan.audit.Audit` over all runs.
    n_in_part : int
        Stored items of which only a part, or too little, could be compared.
    """

    first_epoch: int
    effort: str
    n_searched: int = 0
    n_certain: int = 0
    n_observed: int = 0
    n_in_part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """A notice to store.

    Attributes
    ----------
    state : str
        Digest of what it says: the same is never said twice of one work and dataset version.
    outcome : str
        What was found, in one word.
    is_news : bool
        Whether it says that something was found, or has gone.
    is_sent : bool
        Whether it is sent where an address is set that wants it.
    """

    item: int
    dataset: str
    version: str
    state: str
    outcome: str
    contents: Mapping[str, Any]
    is_news: bool
    is_sent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A stored notice: what is known of one watched work in one version of a dataset.

    Attributes
    ----------
    message_id : str
        The same in every attempt to deliver it.
    is_news : bool
        Whether it says that something was found, or has gone.
    attempts : int
        Attempts to deliver it.
    failure : str or None
        Why the last attempt failed.
    """

    id: int
    item: int
    message_id: str
    dataset: str
    version: str
    outcome: str
    is_news: bool
    created_at: str
    contents: Mapping[str, Any]
    delivery: Delivery
    attempts: int
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where the notices of a tenant are sent.

    Attributes
    ----------
    secret : str
        With which they are signed: ``whsec_`` and base64.
    every : bool
        Whether notices that nothing was found are sent too.
    failing_since, set_aside_at : float or None
        Seconds since 1970: the first failure since the last success, and when it was given up.
    failure : str or None
        Why the last attempt failed.
    """

    url: str
    secret: str
    every: bool
    created_at: str
    failing_since: float | None = None
    set_aside_at: float | None = None
    failure: str | None = None
