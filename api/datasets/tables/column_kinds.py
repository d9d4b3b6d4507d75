"""Kinds of Arrow types: which values can be audio, a text, a plain value or an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_DEEPEST: Final = 6
"""Levels of objects and lists that are searched for audio."""


def kind_of(type_: Any) -> str:
    """The kind of values of an Arrow type; see `Column`."""
    import pyarrow.types as t

    if hasattr(type_, "storage_type"):  # an extension type
        return kind_of(type_.storage_type)
    if t.is_dictionary(type_):
        return kind_of(type_.value_type)
    if t.is_struct(type_):
        return _struct_kind({type_.field(n).name: type_.field(n).type for n in range(type_.num_fields)})
    if (
        t.is_binary(type_)
        or t.is_large_binary(type_)
        or t.is_binary_view(type_)
        or t.is_fixed_size_binary(type_)
    ):
        return "bytes"
    if t.is_string(type_) or t.is_large_string(type_) or t.is_string_view(type_):
        return "text"
    if is_list(type_):
        inner = kind_of(type_.value_type)
        number = t.is_integer(type_.value_type) or t.is_floating(type_.value_type)
        return (
            "array" if number or inner == "array" else f"list of {inner}" if " of " not in inner else "other"
        )
    plain = (
        t.is_integer(type_) or t.is_floating(type_) or t.is_boolean(type_) or t.is_decimal(type_)
        or t.is_temporal(type_) or t.is_null(type_)
    )  # fmt: skip
    return "plain" if plain else "other"


def is_map(type_: Any) -> bool:
    """Whether values of this type are maps, which are lists of objects of a key and a value."""
    import pyarrow.types as t

    return bool(t.is_map(type_))


def is_list(type_: Any) -> bool:
    """Whether values of this type are lists."""
    import pyarrow.types as t

    return bool(
        t.is_list(type_) or t.is_large_list(type_) or t.is_fixed_size_list(type_)
        or t.is_list_view(type_) or t.is_large_list_view(type_)
    )  # fmt: skip


def _struct_kind(fields: Mapping[str, Any]) -> str:
    kinds = {name.lower(): kind_of(type_) for name, type_ in fields.items()}
    if kinds.get("bytes") == "bytes" or (bytes_field(kinds) and len(kinds) <= 4):
        return "struct"
    if array_field(kinds) and any(name in _RATES for name in kinds):
        return "samples"
    return "object" if set(kinds.values()) <= {"text", "plain", "array", "list of text"} else "other"


_RATES: Final = frozenset({"sampling_rate", "sample_rate", "sr", "rate"})


def bytes_field(kinds: Mapping[str, str]) -> str | None:
    """The field of a struct that holds a file's bytes."""
    return next((name for name, kind in kinds.items() if kind == "bytes"), None)


def array_field(kinds: Mapping[str, str]) -> str | None:
    """The field of a struct that holds samples."""
    return next((name for name, kind in kinds.items() if kind == "array"), None)


def audio_fields_within(type_: Any, *, depth: int = 0) -> Iterator[tuple[tuple[str, ...], str]]:
    """The fields of an object that hold audio, also in objects and lists within it; each with its kind."""
    import pyarrow.types as t

    if depth > _DEEPEST:
        return
    if is_list(type_):
        yield from audio_fields_within(type_.value_type, depth=depth + 1)
    elif t.is_struct(type_) or is_map(type_):
        fields = (
            [("key", type_.key_type), ("value", type_.item_type)]
            if is_map(type_)
            else [(type_.field(n).name, type_.field(n).type) for n in range(type_.num_fields)]
        )
        for name, inner in fields:
            kind = kind_of(inner)
            if kind.removeprefix("list of ") in {"struct", "samples", "bytes"}:
                yield (name,), kind
            elif kind.removeprefix("list of ") == "other":
                yield from (
                    ((name, *below), each) for below, each in audio_fields_within(inner, depth=depth + 1)
                )
