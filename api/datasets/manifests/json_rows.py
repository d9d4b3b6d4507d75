"""Rows of a manifest that is one JSON text: an array, or an object with arrays or named entries."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Final, TextIO, cast

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.entry_errors import ManifestTooLarge
from earwitness.api.datasets.items import Json, SourceLimits
from earwitness.api.datasets.manifests.columns import audio_fields
from earwitness.api.datasets.manifests.json_text import BadJson, constant_of, parse_json
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
    """The JSON of a file, compressed or not and in any usual encoding, within its size limit.

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
        raise BadJson(f"it is not {encoding}") from error


class NoArray(ValueError):
    """The text is not a JSON array."""


def array_entries(place: Location, *, limits: SourceLimits) -> Iterator[Json]:
    """The entries of a JSON array of any length, one after another.

    Raises
    ------
    NoArray, BadJson, OSError, ItemRefused
    """
    decoder = json.JSONDecoder(parse_constant=constant_of)
    with text_of_file(place, limits) as text:
        window = _TextWindow(text, limits.header_bytes)
        if window.next_char() != "[":
            raise NoArray
        window.at += 1
        while (char := window.next_char(skip=",")) != "]":
            if not char:
                raise BadJson("the array does not end")
            yield window.value(decoder)
        window.at += 1
        if window.next_char(skip="\0"):
            raise BadJson("more text follows the end of the array")


class _TextWindow:
    """The part of a text that was read and is not parsed yet."""

    def __init__(self, text: TextIO, max_chars: int) -> None:
        self._text, self._max_chars = text, max_chars
        self._window, self.at = "", 0

    def next_char(self, *, skip: str = "") -> str:
        """The next character that is neither blank nor in ``skip``; empty at the end."""
        while True:
            while self.at < len(self._window) and self._window[self.at] in " \t\r\n" + skip:
                self.at += 1
            if self.at < len(self._window) or not self._more(_CHARS):
                return self._window[self.at : self.at + 1]

    def value(self, decoder: json.JSONDecoder) -> Json:
        """The JSON value that begins here."""
        n_chars = _CHARS
        while True:
            try:
                value, end = decoder.raw_decode(self._window, self.at)
            except RecursionError:
                raise BadJson("nested too deeply") from None
            except ValueError as error:
                # the value is not complete: read more, twice as much each time
                if len(self._window) - self.at > self._max_chars or not self._more(n_chars):
                    raise BadJson(label(str(error))[:200]) from None
                n_chars *= 2
                continue
            self.at = end
            return cast(Json, value)

    def _more(self, n_chars: int) -> bool:
        more = self._text.read(n_chars)
        self._window, self.at = self._window[self.at :] + more, 0
        return bool(more)


def json_rows(place: Location, *, limits: SourceLimits) -> Iterator[Row]:
    """The rows of a JSON manifest in order, each with the line that a clean manifest writes for it.

    Raises
    ------
    OSError
        It is not JSON, or has no list of entries.
    """
    try:
        yield from _numbered(array_entries(place, limits=limits))
    except NoArray:
        yield from _numbered(iter(_entries_of_object(place, limits)))
    except BadJson as error:
        raise OSError(str(error)) from error


def _entries_of_object(place: Location, limits: SourceLimits) -> list[Json]:
    try:
        entries = entries_of(whole_json(place, limits=limits))
    except SourceTooLarge as error:
        raise ManifestTooLarge(name=place.name, detail=f"more than {limits.json_bytes:,} bytes") from error
    if entries is None:
        raise BadJson("it has no list of entries")
    return entries


def _numbered(entries: Iterator[Json]) -> Iterator[Row]:
    for number, entry in enumerate(entries):
        shown = {"path": entry} if isinstance(entry, str) else entry
        yield value_row(number, json.dumps(shown).encode() + b"\n", entry)


def entries_of(value: Json, *, depth: int = 0) -> list[Json] | None:
    """The entries of a JSON value: its own, or those of all its lists that name audio; None for none."""
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
    lists = [piece for piece in pieces if piece]
    with_audio = [piece for piece in lists if _name_audio(piece)]
    if with_audio:
        return list(itertools.chain.from_iterable(with_audio))
    return next((piece for piece in lists if isinstance(piece[0], dict)), None) or by_name


def _piece(value: Json, depth: int, *, sure: bool) -> list[Json] | None:
    """The entries of one field; a list of texts only where ``sure``: its name means entries."""
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
    """Rows of a table that is written by columns: lists of one length, or objects of row numbers."""
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
    """Entries under their names: ``{"a": {"path": ...}, "b": {...}}``; the name becomes the id."""
    if not value or not all(isinstance(each, dict) for each in value.values()):
        return None
    entries: list[Json] = []
    for key, each in value.items():
        if isinstance(each, dict):
            entries.append({"id": key, **each})
    return entries
