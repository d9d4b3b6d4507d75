"""Items and errors as messages: made where a source is read, and checked where they are taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO, Final

import earwitness.api.datasets.entries.entry_errors
import earwitness.api.datasets.isolated.reading_errors
import earwitness.api.datasets.item_errors
import earwitness.api.datasets.source_errors
import earwitness.fingerprint.errors
from earwitness.api.datasets.isolated.message_frames import BadMessage
from earwitness.api.datasets.isolated.metadata_limits import bounded, whole_text
from earwitness.api.datasets.items import Identifiers, Json, Skipped, SourceItem
from earwitness.api.datasets.source_errors import SourceError
from earwitness.fingerprint.errors import EarwitnessError

MAX_TEXT: Final = 1 << 16
"""Characters of an id, a path or a message."""
_ERRORS: Final = (
    earwitness.api.datasets.source_errors,
    earwitness.api.datasets.item_errors,
    earwitness.fingerprint.errors,
    earwitness.api.datasets.isolated.reading_errors,
    earwitness.api.datasets.entries.entry_errors,
)
"""Modules whose errors keep their class."""
_IDENTIFIERS: Final = tuple(field.name for field in fields(Identifiers))
Open = Callable[[], BinaryIO]


def item_to_message(item: SourceItem | Skipped) -> dict[str, Any]:
    """Say an item; its bytes are asked for apart."""
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
        "metadata": bounded(item.metadata),
    }


def _short(text: str | None) -> str | None:
    return None if text is None else whole_text(text[: MAX_TEXT // 8])


def item_from_message(
    said: Mapping[str, Any], opened: Callable[[Mapping[str, Any]], Open]
) -> SourceItem | Skipped:
    """Make an item of what was said; `BadMessage` where it is none.

    Parameters
    ----------
    opened
        Makes the function that opens the item's bytes.
    """
    if "code" in said:
        return Skipped(
            item_id=text(said, "id"),
            path=text(said, "path"),
            shard=text_or_none(said, "shard"),
            code=text(said, "code"),
            message=text(said, "message"),
            hint=text(said, "hint"),
            cut_off=said.get("cut_off") is True,
        )
    file = said.get("file")
    return SourceItem(
        item_id=text(said, "id"),
        path=text(said, "path"),
        shard=text_or_none(said, "shard"),
        size=_size(said),
        open=opened(said) if said.get("has_audio") is True else None,
        # a name that is no UTF-8 stays as it is: it is opened, not shown
        file=None if file is None else _absolute(file),
        sequential=said.get("sequential") is True,
        start_s=_seconds(said, "start_s"),
        end_s=_seconds(said, "end_s"),
        partial=text_or_none(said, "partial"),
        identifiers=_identifiers(said.get("identifiers")),
        metadata=_metadata(said),
    )


def error_to_message(error: EarwitnessError) -> dict[str, Any]:
    """Say an error of ours."""
    state = {name: value for name, value in vars(error).items() if isinstance(value, str)}
    return {
        "kind": type(error).__name__,
        "message": _short(error.message),
        "hint": _short(error.hint),
        "state": {name: _short(value) for name, value in state.items()},
    }


def error_from_message(said: Any) -> EarwitnessError:
    """Make an error of ours of what was said; of the same class where there is one."""
    if not isinstance(said, dict):
        raise BadMessage("an error that says nothing")
    name = text(said, "kind")
    found = next((kind for module in _ERRORS if (kind := getattr(module, name, None)) is not None), None)
    kind = found if isinstance(found, type) and issubclass(found, EarwitnessError) else SourceError
    error = kind.__new__(kind)
    EarwitnessError.__init__(error, text(said, "message"), hint=text(said, "hint"))
    state = said.get("state")
    if isinstance(state, dict):
        error.__dict__.update({key: value for key, value in state.items() if isinstance(value, str)})
    return error


def text(said: Mapping[str, Any], name: str) -> str:
    """Take a text; `BadMessage` where there is none, or one too long."""
    value = said.get(name)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadMessage(f"no {name}")
    return whole_text(value)


def text_or_none(said: Mapping[str, Any], name: str) -> str | None:
    """Take a text or null."""
    return None if said.get(name) is None else text(said, name)


def whole_number(said: Mapping[str, Any], name: str) -> int:
    """Take a number from 0 up."""
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise BadMessage(f"no {name}")
    return value


def counts(said: Mapping[str, Any]) -> dict[str, int]:
    """Take how many files of each kind were passed over."""
    kinds = said.get("passed_over")
    if not isinstance(kinds, dict):
        raise BadMessage("no counts")
    return {whole_text(kind[:MAX_TEXT]): whole_number(kinds, kind) for kind in kinds}


def _size(said: Mapping[str, Any]) -> int | None:
    return None if said.get("size") is None else whole_number(said, "size")


def _seconds(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise BadMessage(f"no {name}")
    return float(value)


def _absolute(file: object) -> Path:
    if not isinstance(file, str) or len(file) > MAX_TEXT or not file.startswith("/") or "\0" in file:
        raise BadMessage("a file without a place")
    return Path(file)


def _identifiers(said: Any) -> Identifiers | None:
    if said is None:
        return None
    if not isinstance(said, dict):
        raise BadMessage("no identifiers")
    return Identifiers(**{name: text_or_none(said, name) for name in _IDENTIFIERS})


def _metadata(said: Mapping[str, Any]) -> dict[str, Json]:
    metadata = said.get("metadata")
    if not isinstance(metadata, dict):
        raise BadMessage("no metadata")
    return bounded(metadata)
