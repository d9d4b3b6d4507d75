"""Rows of a manifest that is one JSON text: an array, or an object that holds one or names its entries."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Final, TextIO, cast

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.entry_errors import ManifestTooLarge
from earwitness.api.datasets.items import Json, SourceLimits
from earwitness.api.datasets.manifests.columns import audio_fields
from earwitness.api.datasets.manifests.json_text import BadJson, parse_json
from earwitness.api.datasets.manifests.lines import encoding_of, plain_bytes, text_of_file
from earwitness.api.datasets.manifests.manifest_rows import Row, value_row
from earwitness.api.datasets.members import called_like_audio
from earwitness.api.datasets.names import label
from earwitness.api.datasets.source_errors import SourceTooLarge

_CHARS: Final = 1 << 16
_DEEPEST: Final = 6
_LIST_KEYS: Final = (
    "data", "rows", "items", "samples", "entries", "examples", "audio", "audios", "files", "clips",
    "tracks", "utterances", "recordings", "records", "segments", "annotations", "train", "test", "results",
    "documents", "songs", "manifest", "dataset",
)  # fmt: skip


def whole_json(place: Location, *, limits: SourceLimits) -> Json:
    """The JSON of a whole file, packed or not and in any usual encoding, within its cap.

    Raises
    ------
    BadJson, SourceTooLarge, OSError, ItemRefused
    """
    with plain_bytes(place, limits) as stream:
        data = stream.read(limits.json_bytes + 1)
    if len(data) > limits.json_bytes:
        raise SourceTooLarge(source=place.name, what="its length", limit=f"{limits.json_bytes:,} bytes")
    encoding, mark = encoding_of(data)
    try:
        return parse_json(data[mark:].decode(encoding))
    except UnicodeDecodeError as error:
        raise BadJson(f"it is no {encoding}") from error


class NoArray(ValueError):
    """The text is no JSON array."""


def array_entries(place: Location, *, limits: SourceLimits) -> Iterator[Json]:
    """The entries of a JSON array of any length, one after another.

    Raises
    ------
    NoArray, BadJson, OSError, ItemRefused
    """
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    with text_of_file(place, limits) as text:
        held = _TextWindow(text, limits.header_bytes)
        if held.next_char() != "[":
            raise NoArray
        held.at += 1
        while (char := held.next_char(skip=",")) != "]":
            if not char:
                raise BadJson("the array does not end")
            yield held.value(decoder)
        held.at += 1
        if held.next_char(skip="\0"):
            raise BadJson("more text follows the end of the array")


class _TextWindow:
    """A piece of a text: what has been read and not been used."""

    def __init__(self, text: TextIO, max_chars: int) -> None:
        self._text, self._max_chars = text, max_chars
        self._held, self.at = "", 0

    def next_char(self, *, skip: str = "") -> str:
        """The next character that is no blank and none of ``skip``; empty at the end."""
        while True:
            while self.at < len(self._held) and self._held[self.at] in " \t\r\n" + skip:
                self.at += 1
            if self.at < len(self._held) or not self._more(_CHARS):
                return self._held[self.at : self.at + 1]

    def value(self, decoder: json.JSONDecoder) -> Json:
        """The JSON value that begins here."""
        wanted = _CHARS
        while True:
            try:
                value, end = decoder.raw_decode(self._held, self.at)
            except RecursionError:
                raise BadJson("nested too deeply") from None
            except ValueError as error:
                # of a value that is not all there yet, more is read each time
                if len(self._held) - self.at > self._max_chars or not self._more(wanted):
                    raise BadJson(label(str(error))[:200]) from None
                wanted *= 2
                continue
            self.at = end
            return cast(Json, value)

    def _more(self, n_chars: int) -> bool:
        more = self._text.read(n_chars)
        self._held, self.at = self._held[self.at :] + more, 0
        return bool(more)


def json_rows(place: Location, *, limits: SourceLimits) -> Iterator[Row]:
    """The entries of a JSON manifest in their order, each written as a line of its own.

    Raises
    ------
    OSError
        It is no JSON, or holds no list of entries.
    """
    try:
        yield from _numbered(array_entries(place, limits=limits))
    except NoArray:
        yield from _numbered(iter(_held_entries(place, limits)))
    except BadJson as error:
        raise OSError(str(error)) from error


def _held_entries(place: Location, limits: SourceLimits) -> list[Json]:
    try:
        entries = entries_of(whole_json(place, limits=limits))
    except SourceTooLarge as error:
        raise ManifestTooLarge(name=place.name, detail=f"more than {limits.json_bytes:,} bytes") from error
    if entries is None:
        raise BadJson("it holds no list of entries")
    return entries


def _numbered(entries: Iterator[Json]) -> Iterator[Row]:
    for number, entry in enumerate(entries):
        shown = {"path": entry} if isinstance(entry, str) else entry
        yield value_row(number, json.dumps(shown).encode() + b"\n", entry)


def entries_of(value: Json, *, depth: int = 0) -> list[Json] | None:
    """The entries that a JSON text is, or holds, of all its lists that name audio; None for none."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    if (columns := _columns(value)) is not None:
        return columns
    by_name = _by_name(value)
    if by_name is not None and _name_audio(by_name):
        return by_name
    lower = {key.lower(): key for key in value}
    named = [lower[name] for name in _LIST_KEYS if name in lower]
    pieces = [_piece(value[key], depth, sure=key in named) for key in dict.fromkeys([*named, *value])]
    held = [piece for piece in pieces if piece]
    naming = [piece for piece in held if _name_audio(piece)]
    if naming:
        return list(itertools.chain.from_iterable(naming))
    return next((piece for piece in held if isinstance(piece[0], dict)), None) or by_name


def _piece(value: Json, depth: int, *, sure: bool) -> list[Json] | None:
    """The entries that one field holds; a list of texts only where its name is ``sure`` to be of entries."""
    if isinstance(value, dict) and depth < _DEEPEST:
        return entries_of(value, depth=depth + 1)
    if not isinstance(value, list) or not value:
        return None
    objects = all(isinstance(each, dict) for each in value[:20])
    return value if objects or (sure and all(isinstance(each, str) for each in value[:20])) else None


def _name_audio(entries: list[Json]) -> bool:
    shown = entries[:20]
    return any(isinstance(each, dict) and bool(audio_fields(each)) for each in shown) or any(
        isinstance(each, str) and called_like_audio(each) for each in shown
    )


def _columns(value: dict[str, Json]) -> list[Json] | None:
    """Rows of columns: lists of one length, or objects of row numbers, as data frames are written."""
    lists = [list(each.values()) if isinstance(each, dict) else each for each in value.values()]
    lengths = {len(each) if isinstance(each, list) else -1 for each in lists}
    if len(lengths) != 1 or lengths <= {-1, 0} or len(lists) < 2:
        return None
    if any(isinstance(each, dict) and not all(key.isdigit() for key in each) for each in value.values()):
        return None
    if any(isinstance(cell, dict | list) for each in lists if isinstance(each, list) for cell in each[:20]):
        return None
    columns = [each for each in lists if isinstance(each, list)]
    return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _by_name(value: dict[str, Json]) -> list[Json] | None:
    """Entries under their names: ``{"a": {"path": ...}, "b": {...}}``; a name is the id, or the file's."""
    if not value or not all(isinstance(each, dict) for each in value.values()):
        return None
    entries: list[Json] = []
    for key, each in value.items():
        if isinstance(each, dict):
            entries.append({"id": key, **each})
    return entries
