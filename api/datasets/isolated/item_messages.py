"""Items and errors as messages: written by the reading process, checked by the parent process."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from earwitness.api.datasets import item_errors, source_errors
from earwitness.api.datasets.entries import entry_errors
from earwitness.api.datasets.isolated import reading_errors
from earwitness.api.datasets.isolated.message_frames import BadMessage
from earwitness.api.datasets.isolated.metadata_limits import escape_surrogates, limit_metadata
from earwitness.api.datasets.items import Identifiers, Json, Skipped, SourceItem
from earwitness.fingerprint import errors as fingerprint_errors
from earwitness.fingerprint.errors import EarwitnessError

MAX_TEXT: Final = 1 << 16
"""Most characters of an id, a path or an error message."""
_ERRORS: Final = (
    source_errors,
    item_errors,
    fingerprint_errors,
    reading_errors,
    entry_errors,
)
"""Modules whose errors keep their class across the process boundary."""
_IDENTIFIERS: Final = tuple(field.name for field in dataclasses.fields(Identifiers))
Open = Callable[[], BinaryIO]


def item_to_message(item: SourceItem | Skipped) -> dict[str, Any]:
    """Write an item without its bytes, which are requested separately."""
    common = {"id": _short(item.item_id), "path": _short(item.path), "shard": _short(item.shard)}
    if isinstance(item, Skipped):
        return common | {
            "code": item.code,
            "message": _short(item.message),
            "hint": _short(item.hint),
            "cut_off": item.cut_off,
        }
    names = item.identifiers
    return common | {
        "size": item.size,
        "has_audio": item.open is not None,
        "file": None if item.file is None else str(item.file),
        "sequential": item.sequential,
        "start_s": item.start_s,
        "end_s": item.end_s,
        "partial": _short(item.partial),
        "identifiers": None if names is None else {n: _short(getattr(names, n)) for n in _IDENTIFIERS},
        "metadata": limit_metadata(item.metadata),
    }


def _short(text: str | None) -> str | None:
    return None if text is None else escape_surrogates(text[: MAX_TEXT // 8])


def item_from_message(
    fields: Mapping[str, Any], opener_of: Callable[[Mapping[str, Any]], Open]
) -> SourceItem | Skipped:
    """Read an item from the fields of a message; `BadMessage` where they are no item.

    Parameters
    ----------
    opener_of
        Makes the item's ``open`` from these fields.
    """
    if "code" in fields:
        return Skipped(
            item_id=read_text(fields, "id"),
            path=read_text(fields, "path"),
            shard=read_optional_text(fields, "shard"),
            code=read_text(fields, "code"),
            message=read_text(fields, "message"),
            hint=read_text(fields, "hint"),
            cut_off=fields.get("cut_off") is True,
        )
    file = fields.get("file")
    return SourceItem(
        item_id=read_text(fields, "id"),
        path=read_text(fields, "path"),
        shard=read_optional_text(fields, "shard"),
        size=_size(fields),
        open=opener_of(fields) if fields.get("has_audio") is True else None,
        # a path that is no UTF-8 is not escaped: it is opened, not shown
        file=None if file is None else _absolute(file),
        sequential=fields.get("sequential") is True,
        start_s=_seconds(fields, "start_s"),
        end_s=_seconds(fields, "end_s"),
        partial=read_optional_text(fields, "partial"),
        identifiers=_identifiers(fields.get("identifiers")),
        metadata=_metadata(fields),
    )


def error_to_message(error: EarwitnessError) -> dict[str, Any]:
    """Write an error."""
    state = {name: value for name, value in vars(error).items() if isinstance(value, str)}
    return {
        "kind": type(error).__name__,
        "message": _short(error.message),
        "hint": _short(error.hint),
        "state": {name: _short(value) for name, value in state.items()},
    }


def error_from_message(fields: Any) -> EarwitnessError:
    """Read an error, of the class that was written where that is known; else a `SourceError`."""
    if not isinstance(fields, dict):
        raise BadMessage("an error without fields")
    name = read_text(fields, "kind")
    known = next((kind for module in _ERRORS if (kind := getattr(module, name, None)) is not None), None)
    kind = (
        known if isinstance(known, type) and issubclass(known, EarwitnessError) else source_errors.SourceError
    )
    error = kind.__new__(kind)
    EarwitnessError.__init__(error, read_text(fields, "message"), hint=read_text(fields, "hint"))
    state = fields.get("state")
    if isinstance(state, dict):
        error.__dict__.update({key: value for key, value in state.items() if isinstance(value, str)})
    return error


def read_text(fields: Mapping[str, Any], name: str) -> str:
    """Read a text; `BadMessage` where there is none, or one that is too long."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadMessage(f"no {name}")
    return escape_surrogates(value)


def read_optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    """Read a text or null."""
    return None if fields.get(name) is None else read_text(fields, name)


def read_count(fields: Mapping[str, Any], name: str) -> int:
    """Read a whole number of at least 0."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise BadMessage(f"no {name}")
    return value


def read_counts(fields: Mapping[str, Any]) -> dict[str, int]:
    """Read how many files of each kind are no items."""
    kinds = fields.get("passed_over")
    if not isinstance(kinds, dict):
        raise BadMessage("no counts")
    return {escape_surrogates(kind[:MAX_TEXT]): read_count(kinds, kind) for kind in kinds}


def _size(fields: Mapping[str, Any]) -> int | None:
    return None if fields.get("size") is None else read_count(fields, "size")


def _seconds(fields: Mapping[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise BadMessage(f"no {name}")
    return float(value)


def _absolute(file: object) -> Path:
    if not isinstance(file, str) or len(file) > MAX_TEXT or not file.startswith("/") or "\0" in file:
        raise BadMessage("no absolute path of a file")
    return Path(file)


def _identifiers(fields: Any) -> Identifiers | None:
    if fields is None:
        return None
    if not isinstance(fields, dict):
        raise BadMessage("no identifiers")
    return Identifiers(**{name: read_optional_text(fields, name) for name in _IDENTIFIERS})


def _metadata(fields: Mapping[str, Any]) -> dict[str, Json]:
    metadata = fields.get("metadata")
    if not isinstance(metadata, dict):
        raise BadMessage("no metadata")
    return limit_metadata(metadata)
