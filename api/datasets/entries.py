"""Turns an entry that names a file (of a manifest, a table, a list) into an item."""

from __future__ import annotations

from collections.abc import Mapping

from api.datasets.resolve import Resolver
from api.datasets.streams import lazily
from api.datasets.types import NO_METADATA, Identifiers, Json, Recording, Skipped, SourceLimits
from api.errors import ItemRefused, ItemTooLarge


def named_item(
    text: str,
    *,
    item_id: str,
    resolver: Resolver,
    limits: SourceLimits,
    start_s: float | None = None,
    end_s: float | None = None,
    identifiers: Identifiers | None = None,
    metadata: Mapping[str, Json] = NO_METADATA,
    shard: str | None = None,
) -> Recording | Skipped:
    """The item whose audio lies where ``text`` says; skipped, with the reason, where it may not be read."""
    try:
        place = resolver.place(text)
        if place.size is not None and place.size > limits.item_bytes:
            raise ItemTooLarge(name=place.name, detail=f"{place.size:,} bytes")
    except ItemRefused as error:
        return Skipped.of(error, item_id=item_id, path=error.name, shard=shard)
    return Recording(
        item_id=item_id,
        path=place.name,
        size=place.size,
        open=lazily(place.open, name=item_id, max_bytes=limits.item_bytes),
        file=place.file,
        shard=shard,
        start_s=start_s,
        end_s=end_s,
        identifiers=identifiers,
        metadata=metadata,
    )
