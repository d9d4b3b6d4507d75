"""Makes the item of an entry that names a file, or holds audio itself."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from earwitness.api.datasets.access.byte_streams import lazily
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.entry_errors import StretchUnclear
from earwitness.api.datasets.entries.resolve_path import Resolver
from earwitness.api.datasets.entries.stretch import WHOLE_FILE, BadStretch, Stretch
from earwitness.api.datasets.entries.stretch_columns import OwnRate, stretch_of, units_and_rates
from earwitness.api.datasets.item_errors import ItemRefused, ItemTooLarge
from earwitness.api.datasets.items import (
    Identifiers,
    Json,
    Skipped,
    SourceItem,
    SourceLimits,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDetails:
    """What an entry states about its audio.

    Attributes
    ----------
    problem : BadStretch or None
        Why it is not clear which stretch the entry means; then the item is not compared.
    """

    identifiers: Identifiers | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    stretch: Stretch = WHOLE_FILE
    problem: BadStretch | None = None
    shard: str | None = None


NO_DETAILS = EntryDetails()
_SAME_S: Final = 1e-3
"""Times that differ by less are the same, in seconds."""


def details_within(
    stated: Mapping[str, Json], details: EntryDetails, *, own_rate: OwnRate = lambda: None
) -> EntryDetails:
    """The details of a file that an object of the row names; the object may state the stretch of it.

    Parameters
    ----------
    stated : mapping
        The fields of the object. Units and rates that the row states hold for it, too.
    details : EntryDetails
        What the row states; its stretch is used where the object states none.

    Returns
    -------
    EntryDetails
        With a ``problem`` where the object's stretch is not clear, or the row states another one.
    """
    if not stated:
        return details
    row = details.metadata
    try:
        inner = stretch_of({**units_and_rates(row), **stated}, own_rate=own_rate)
        if inner == WHOLE_FILE or details.problem is not None:
            return details
        outer = details.stretch
        if outer == WHOLE_FILE and inner.end_s is None:  # a length in the row may belong to it
            outer = stretch_of({**row, **stated}, own_rate=own_rate)
        if outer != WHOLE_FILE and _differ(inner, outer):
            both_ends = any(None not in (each.start_s, each.end_s) for each in (inner, outer))
            raise BadStretch("the object of the file and its row state different times", both_ends=both_ends)
    except BadStretch as error:
        return replace(details, problem=details.problem or error)
    return replace(details, stretch=inner)


def _differ(inner: Stretch, outer: Stretch) -> bool:
    """Whether the stretch of a row is not that of its object; a row may leave the end out."""
    if abs((inner.start_s or 0.0) - (outer.start_s or 0.0)) > _SAME_S:
        return True
    if inner.end_s is None or outer.end_s is None:
        return outer.end_s is not None
    return abs(inner.end_s - outer.end_s) > _SAME_S


def item_of_path(
    text: str, *, item_id: str, resolver: Resolver, limits: SourceLimits, details: EntryDetails = NO_DETAILS
) -> SourceItem | Skipped:
    """The item of a path or URL; `Skipped`, with the reason, where it may not be read."""
    try:
        place = resolver.place(text)
    except ItemRefused as error:
        return Skipped.of(error, item_id=item_id, path=error.name, shard=details.shard)
    return item_of_file(place, item_id=item_id, limits=limits, details=details)


def item_of_file(
    place: Location, *, item_id: str, limits: SourceLimits, details: EntryDetails = NO_DETAILS
) -> SourceItem | Skipped:
    """The item of a file, or of the stretch of it that the entry means."""
    if place.size is not None and place.size > limits.item_bytes:
        too_large = ItemTooLarge(name=place.name, detail=f"{place.size:,} bytes")
        return Skipped.of(too_large, item_id=item_id, path=place.name, shard=details.shard)
    if details.problem is not None:
        unclear = StretchUnclear(name=item_id, detail=str(details.problem))
        return Skipped.of(unclear, item_id=item_id, path=place.name, shard=details.shard)
    return SourceItem(
        item_id=item_id,
        path=place.name,
        size=place.size,
        open=lazily(place.open, name=item_id, max_bytes=limits.item_bytes),
        file=place.file,
        shard=details.shard,
        start_s=details.stretch.start_s,
        end_s=details.stretch.end_s,
        identifiers=details.identifiers,
        metadata=details.metadata,
    )


def item_of_bytes(audio: bytes, *, item_id: str, path: str, details: EntryDetails = NO_DETAILS) -> SourceItem:
    """The item of audio that the entry holds itself.

    A stretch is cut out of it only where both ends are stated: tables of clips that are already cut often
    state where the clip began in a recording that they do not hold.

    Raises
    ------
    StretchUnclear
        Both ends are stated, and one of them is no time.
    """
    if details.problem is not None and details.problem.both_ends:
        raise StretchUnclear(name=item_id, detail=str(details.problem))
    both = details.stretch.start_s is not None and details.stretch.end_s is not None
    return SourceItem(
        item_id=item_id,
        path=path,
        size=len(audio),
        open=lambda: io.BytesIO(audio),
        shard=details.shard,
        start_s=details.stretch.start_s if both else None,
        end_s=details.stretch.end_s if both else None,
        identifiers=details.identifiers,
        metadata=details.metadata,
    )
