"""The answer to a lookup in AcoustID's form, with the places of each recording beside it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection

from earwitness.api.datasets.entries.identifiers import identifiers_of
from earwitness.api.datasets.items import Json
from earwitness.api.http.acoustid.lookup_request import MAX_RESULTS, Lookup
from earwitness.index.database import reads
from earwitness.index.database.records import Collection, CollectionKind, ItemRow
from earwitness.index.file_lookup import FileMatch, files_like
from earwitness.index.names.recording_ids import recording_id
from earwitness.index.writer import Writer

SPACE: Final = uuid.UUID("6f0a2f0e-5a3c-5d0b-9f0e-6a1f6d3b8c11")
"""Namespace of the ids that this program makes, so that they are the same in every home."""
MOST_PLACES: Final = 50
_MBID_KEYS: Final = (
    "mbid",
    "recording_mbid",
    "musicbrainz_id",
    "musicbrainz_recording_id",
    "musicbrainz_recordingid",
    "musicbrainz_trackid",
    "mb_recording_id",
)

_RELEASE_KEYS: Final = (
    "release_mbid",
    "mb_albumid",
    "mb_release_id",
    "musicbrainz_albumid",
    "musicbrainz_album_id",
    "musicbrainz_release_id",
    "musicbrainz_releaseid",
)


def answer(writer: Writer, lookup: Lookup) -> dict[str, Any]:
    """Compare a lookup with every recording of about its length, and answer in AcoustID's form."""
    found = files_like(writer.catalog, writer.tenant, lookup.vector, lookup.duration_s, limit=MAX_RESULTS)
    collections = {each.id: each for each in writer.collections}
    with writer.catalog.reading() as connection:
        results = [_result(connection, writer.tenant, each, collections, lookup.meta) for each in found]
    return {"status": "ok", "results": results}


def _result(
    connection: Connection,
    tenant: str,
    found: FileMatch,
    collections: Mapping[int, Collection],
    meta: frozenset[str],
) -> dict[str, Any]:
    items = reads.items_of_recording(connection, tenant, found.recording, list(collections))
    key = next((each.sha256 for each in items if each.sha256), str(found.recording))
    result: dict[str, Any] = {"id": str(uuid.uuid5(SPACE, key)), "score": round(found.score, 6)}
    if meta & {"recordings", "recordingids"}:
        result["recordings"] = _recordings(items, found, key, collections, meta)
    return result


@dataclass(frozen=True, slots=True)
class _Named:
    """What a recording is called at a place; `id` is its MusicBrainz id, or made of the rest."""

    id: str
    title: str | None
    artist: str | None


def _recordings(
    items: list[ItemRow],
    found: FileMatch,
    key: str,
    collections: Mapping[int, Collection],
    meta: frozenset[str],
) -> list[dict[str, Any]]:
    named: dict[_Named, list[ItemRow]] = {}
    for item in items:
        named.setdefault(_named(item, key), []).append(item)
    recordings = []
    for each, its_items in named.items():
        fields: dict[str, Any] = {"id": each.id}
        if "recordings" in meta:
            fields = _recording(each, found, [_place(one, collections[one.collection]) for one in its_items])
        releases = _releases(its_items, only_ids="releases" not in meta)
        if releases and meta & {"releases", "releaseids"}:
            fields["releases"] = releases
        recordings.append(fields)
    return recordings


def _releases(items: list[ItemRow], *, only_ids: bool) -> list[dict[str, str]]:
    """Return the releases whose MusicBrainz id the metadata of an item states, each once."""
    releases: dict[str, dict[str, str]] = {}
    for item in items:
        mbid = _mbid(item, _RELEASE_KEYS)
        if mbid is not None:
            album = item.album or item.metadata.get("album")
            title = {"title": album} if album and isinstance(album, str) and not only_ids else {}
            releases.setdefault(mbid, {"id": mbid, **title})
    return list(releases.values())


def _recording(named: _Named, found: FileMatch, places: list[dict[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": named.id, "duration": round(found.duration_s)}
    if named.title:
        fields["title"] = named.title
    if named.artist:
        fields["artists"] = [{"id": str(uuid.uuid5(SPACE, f"artist:{named.artist}")), "name": named.artist}]
    return fields | {"n_places": len(places), "places": places[:MOST_PLACES]}


def _named(item: ItemRow, key: str) -> _Named:
    listed = identifiers_of(cast("Mapping[str, Json]", item.metadata))
    title = item.title or (listed.title if listed else None)
    artist = item.artist or (listed.artist if listed else None)
    mbid = _mbid(item, _MBID_KEYS)
    made = uuid.uuid5(SPACE, f"{key}:{artist or ''}:{title or ''}")
    return _Named(id=mbid or str(made), title=title, artist=artist)


def _mbid(item: ItemRow, keys: tuple[str, ...]) -> str | None:
    """Return the first MusicBrainz id among the values of these keys."""
    ids = (recording_id("musicbrainz", str(item.metadata.get(name) or "")) for name in keys)
    return next((each.value for each in ids if each is not None), None)


def _place(item: ItemRow, collection: Collection) -> dict[str, str]:
    name = f"{collection.name}:{collection.version}"
    return {
        "collection": collection.name if collection.kind is CollectionKind.WORKS else name,
        "path": item.path,
    }
