"""Turns an entry that names a file (of a manifest, a table, a list), or holds audio itself, into an item."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from earwitness.api.datasets.access.byte_streams import lazily
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.entry_errors import StretchUnclear
from earwitness.api.datasets.entries.resolve_path import Resolver
from earwitness.api.datasets.entries.stretch import WHOLE_FILE, BadStretch, Stretch
from earwitness.api.datasets.item_errors import ItemRefused, ItemTooLarge
from earwitness.api.datasets.items import (
    Identifiers,
    Json,
    Skipped,
    SourceItem,
    SourceLimits,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an entry says of its audio, wherever that lies.

    Attributes
    ----------
    problem : BadStretch or None
        Why the stretch that the entry means is not known; then nothing of the file is compared for it.
    """

    identifiers: Identifiers | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    stretch: Stretch = WHOLE_FILE
    problem: BadStretch | None = None
    shard: str | None = None


NO_DETAILS = About()


def named_item(
    text: str, *, item_id: str, resolver: Resolver, limits: SourceLimits, about: About = NO_DETAILS
) -> SourceItem | Skipped:
    """The item whose audio lies where ``text`` says; skipped, with the reason, where it may not be read."""
    try:
        place = resolver.place(text)
    except ItemRefused as error:
        return Skipped.of(error, item_id=item_id, path=error.name, shard=about.shard)
    return placed_item(place, item_id=item_id, limits=limits, about=about)


def placed_item(
    place: Location, *, item_id: str, limits: SourceLimits, about: About = NO_DETAILS
) -> SourceItem | Skipped:
    """The item whose audio this file holds, or the stretch of it that is meant."""
    if place.size is not None and place.size > limits.item_bytes:
        too_large = ItemTooLarge(name=place.name, detail=f"{place.size:,} bytes")
        return Skipped.of(too_large, item_id=item_id, path=place.name, shard=about.shard)
    if about.problem is not None:
        unclear = StretchUnclear(name=item_id, detail=str(about.problem))
        return Skipped.of(unclear, item_id=item_id, path=place.name, shard=about.shard)
    return SourceItem(
        item_id=item_id,
        path=place.name,
        size=place.size,
        open=lazily(place.open, name=item_id, max_bytes=limits.item_bytes),
        file=place.file,
        shard=about.shard,
        start_s=about.stretch.start_s,
        end_s=about.stretch.end_s,
        identifiers=about.identifiers,
        metadata=about.metadata,
    )


def held_item(audio: bytes, *, item_id: str, path: str, about: About = NO_DETAILS) -> SourceItem:
    """The item whose bytes the entry holds itself.

    A stretch is cut out of them only where both its ends are stated: tables of clips that are cut already
    often say where the clip began in a recording that they do not hold.

    Raises
    ------
    StretchUnclear
        Both ends are stated, and one of them is no time.
    """
    if about.problem is not None and about.problem.both_ends:
        raise StretchUnclear(name=item_id, detail=str(about.problem))
    both = about.stretch.start_s is not None and about.stretch.end_s is not None
    return SourceItem(
        item_id=item_id,
        path=path,
        size=len(audio),
        open=lambda: io.BytesIO(audio),
        shard=about.shard,
        start_s=about.stretch.start_s if both else None,
        end_s=about.stretch.end_s if both else None,
        identifiers=about.identifiers,
        metadata=about.metadata,
    )
