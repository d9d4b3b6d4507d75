"""Rows of Parquet and Arrow tables as items: which column holds the audio, and what a row's value is."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.datasets.entries import named_item
from api.datasets.identify import identifiers_of
from api.datasets.json_text import BadJson, json_object
from api.datasets.labels import label
from api.datasets.resolve import Resolver
from api.datasets.types import Json, Recording, Skipped, SourceLimits
from api.errors import BadEntry, ItemRefused, ItemTooLarge, NoAudioColumn

_BYTES_NAMES: Final = (
    "audio",
    "bytes",
    "audio_bytes",
    "data",
    "content",
    "wav",
    "mp3",
    "flac",
    "ogg",
    "opus",
)
_PATH_NAMES: Final = (
    "audio",
    "path",
    "file",
    "file_name",
    "filename",
    "audio_path",
    "audio_filepath",
    "audio_url",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioColumn:
    """The column that holds audio: ``kind`` is ``struct`` ({bytes, path}), ``bytes``, ``path`` or ``none``.

    ``none`` is a link list: rows that identify recordings and hold no audio. ``described_by`` are the plain
    columns that are kept as metadata.
    """

    name: str
    kind: str
    described_by: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """Every column that is read."""
        return [*([] if self.kind == "none" else [self.name]), *self.described_by]


def audio_column(schema: Any, *, source: str, wanted: str | None) -> AudioColumn:  # pyarrow has no types
    """Find the audio column of a schema, or take the one asked for; `NoAudioColumn` if there is none."""
    kinds = {field.name: _kind(field.type) for field in schema}
    plain = tuple(name for name, kind in kinds.items() if kind in {"path", "plain"} and name != wanted)
    name = wanted if wanted is not None else _guess(schema, kinds)
    if name is None and _is_link_list(plain):
        return AudioColumn(name="", kind="none", described_by=plain)
    if name is None or kinds.get(name) not in {"struct", "bytes", "path"}:
        raise NoAudioColumn(source=source, columns=tuple(map(label, kinds)))
    described_by = tuple(column for column in plain if column != name)
    return AudioColumn(name=name, kind=kinds[name], described_by=described_by)


def _kind(type_: Any) -> str:
    import pyarrow.types as t

    if t.is_struct(type_):
        fields = {type_.field(n).name: type_.field(n).type for n in range(type_.num_fields)}
        return "struct" if _is_binary(fields.get("bytes")) else "other"
    if _is_binary(type_):
        return "bytes"
    if t.is_string(type_) or t.is_large_string(type_):
        return "path"
    plain = t.is_integer(type_) or t.is_floating(type_) or t.is_boolean(type_)
    return "plain" if plain else "other"


def _is_binary(type_: Any) -> bool:
    import pyarrow.types as t

    return type_ is not None and (t.is_binary(type_) or t.is_large_binary(type_))


def _guess(schema: Any, kinds: Mapping[str, str]) -> str | None:
    """The column declared as Audio, else the one shaped like it, else one called like it."""
    structs = [name for name, kind in kinds.items() if kind == "struct"]
    audio = [name for name in _declared(schema.metadata or {}) if name in kinds] or structs
    if audio:
        return audio[0]
    lower = {name.lower(): name for name in kinds}
    for names, kind in ((_BYTES_NAMES, "bytes"), (_PATH_NAMES, "path")):
        for name in names:
            if name in lower and kinds[lower[name]] == kind:
                return lower[name]
    return None


def _declared(metadata: Mapping[bytes, bytes]) -> list[str]:
    """Columns that the Hugging Face features in a schema's metadata declare as Audio."""
    try:
        info = json_object(metadata.get(b"huggingface", b"{}"))
    except BadJson:
        return []
    inner = info.get("info")
    features = inner.get("features") if isinstance(inner, dict) else None
    if not isinstance(features, dict):
        return []
    return [
        name for name, kind in features.items() if isinstance(kind, dict) and kind.get("_type") == "Audio"
    ]


def _is_link_list(columns: Sequence[str]) -> bool:
    lower = {name.lower() for name in columns}
    artist = lower & {"artist", "artist_name", "artists", "artist_names"}
    named = bool(artist) and bool(lower & {"title", "track_name"})
    return named or bool(
        lower & {"isrc", "ytid", "youtube_id", "video_id", "song_id", "spotify_id", "youtube_url"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Makes items of the rows of one shard."""

    column: AudioColumn
    shard: str
    resolver: Resolver
    limits: SourceLimits

    def items(self, batch: Any, *, first_row: int) -> Iterator[Recording | Skipped]:
        """The items of one record batch; ids are ``shard#row``."""
        for n in range(batch.num_rows):
            yield self._item(batch, n, item_id=f"{self.shard}#{first_row + n}")

    def _item(self, batch: Any, n: int, *, item_id: str) -> Recording | Skipped:
        metadata = {name: _plain(batch.column(name)[n]) for name in self.column.described_by}
        if self.column.kind == "none":
            return self._link(metadata, item_id=item_id)
        stored, path = self._parts(batch.column(self.column.name)[n])
        if stored is None:
            return self._elsewhere(path, item_id=item_id, metadata=metadata)
        if stored.size > self.limits.item_bytes:
            return self._skipped(ItemTooLarge(name=item_id, detail=f"{stored.size:,} bytes"), item_id)
        data: bytes = stored.to_pybytes()
        return Recording(
            item_id=item_id,
            path=label(path) if path else self.shard,
            size=len(data),
            open=lambda: io.BytesIO(data),
            shard=self.shard,
            identifiers=identifiers_of(metadata),
            metadata=metadata,
        )

    def _parts(self, value: Any) -> tuple[Any, str | None]:
        """The stored bytes (an Arrow buffer) and the path of one value, each None where it has none."""
        if not value.is_valid:
            return None, None
        if self.column.kind == "struct":
            names = {field.name for field in value.type}
            path = _plain(value["path"]) if "path" in names else None
            return value["bytes"].as_buffer(), path if isinstance(path, str) else None
        if self.column.kind == "bytes":
            return value.as_buffer(), None
        path = _plain(value)
        return None, path if isinstance(path, str) else None

    def _elsewhere(
        self, path: str | None, *, item_id: str, metadata: Mapping[str, Json]
    ) -> Recording | Skipped:
        if path is None:
            return self._skipped(BadEntry(name=item_id, detail="neither bytes nor a path"), item_id)
        return named_item(
            path,
            item_id=item_id,
            resolver=self.resolver,
            limits=self.limits,
            identifiers=identifiers_of(metadata),
            metadata=metadata,
            shard=self.shard,
        )

    def _link(self, metadata: Mapping[str, Json], *, item_id: str) -> Recording | Skipped:
        identifiers = identifiers_of(metadata)
        if identifiers is None:
            return self._skipped(BadEntry(name=item_id, detail="it identifies no recording"), item_id)
        return Recording(
            item_id=item_id,
            path=self.shard,
            open=None,
            shard=self.shard,
            identifiers=identifiers,
            metadata=metadata,
        )

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self.shard, shard=self.shard)


def _plain(scalar: Any) -> Json:
    """A scalar as JSON; what JSON cannot hold is null."""
    try:
        value = scalar.as_py()
    except UnicodeDecodeError:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) else None
