"""The reading process's side of a list of names: recognises it, and sends its rows."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from earwitness.api.datasets.isolated.message_frames import Channel
from earwitness.api.datasets.isolated.metadata_limits import escape_surrogates
from earwitness.api.datasets.name_lists.list_columns import row_in, unknown_ids
from earwitness.api.datasets.name_lists.list_layouts import ROWS_SHOWN, NameLayout, recognised
from earwitness.api.datasets.name_lists.listed_rows import (
    TABLE_ENDINGS,
    TEXT_FORMATS,
    ListedRow,
    ListedRows,
)
from earwitness.api.datasets.open_source import Opening
from earwitness.index.names.stored_rows import StoredRow

ROWS_A_MESSAGE: Final = 1_000
_SHOWN_CHARS: Final = 200
_UNKNOWN_SENT: Final = 100
"""Texts that are no identifiers, and rows without a name, of one message; further ones are counted."""


def send_names(
    channel: Channel, opening: Opening, reader: str, *, audio_may_lie_here: bool, tell_unknown: bool
) -> None:
    """Send what a list is read as, then its rows; or that it is no list of names.

    Parameters
    ----------
    audio_may_lie_here
        Whether the source is no list of names where it holds or names audio, or where files of its rows lie
        beside it.
    tell_unknown
        Whether texts that are no identifier, but stand where one belongs, are counted.
    """
    is_list = reader in TABLE_ENDINGS or (reader in TEXT_FORMATS and len(opening.places) == 1)
    listed = ListedRows(opening, reader) if is_list else None
    layout = None if listed is None else _layout_of(listed, audio_may_lie_here=audio_may_lie_here)
    if listed is None or layout is None:
        channel.send({"type": "no_names"})
        return
    channel.send({"type": "names", "layout": layout.name, "format": reader})
    rows, too_much = listed.rows([each.path[0] for each in layout.columns]), None
    n_chars, most_chars = 0, _most_chars(listed, opening)
    while batch := list(islice(rows, ROWS_A_MESSAGE)):
        message = _message(batch, layout, tell_unknown=tell_unknown)
        n_chars += sum(len(text) for row in message["rows"] for text in row if isinstance(text, str))
        if n_chars > most_chars:
            too_much = "its rows hold more text than its bytes can"
            break
        channel.send(message)
    why = too_much or listed.cut_off
    channel.send({"type": "end", "why": None if why is None else escape_surrogates(why)[:_SHOWN_CHARS]})


def _most_chars(listed: ListedRows, opening: Opening) -> int:
    """Return how much text is sent of a list: one that repeats long texts must not fill the disk."""
    limits = opening.limits
    if listed.size_bytes is None:
        return limits.total_bytes
    return max(limits.ratio_free_bytes, limits.ratio * listed.size_bytes)


def _layout_of(listed: ListedRows, *, audio_may_lie_here: bool) -> NameLayout | None:
    first = listed.first(ROWS_SHOWN)
    if not audio_may_lie_here:
        return recognised(first, with_audio=True)
    if listed.holds_audio():
        return None
    layout = recognised(first)
    return None if layout is None or listed.audio_lies_here(first) else layout


def _message(batch: list[ListedRow], layout: NameLayout, *, tell_unknown: bool) -> dict[str, Any]:
    """Return the rows that name something, those that do not or cannot be read, and texts that are none."""
    refused = [
        [row.place[:_SHOWN_CHARS], escape_surrogates(row.error)[:_SHOWN_CHARS]]
        for row in batch
        if row.error is not None
    ]
    rows, nameless = list[StoredRow](), list[str]()
    for row in (each for each in batch if each.error is None):
        named = row_in(layout.columns, row.fields, place=row.place)
        if named:
            rows.append(named)
        elif len(nameless) < _UNKNOWN_SENT:
            nameless.append(row.place[:_SHOWN_CHARS])
    n_unknown, unknown = 0, list[list[str]]()
    for row in batch if tell_unknown else ():
        for text in unknown_ids(layout.columns, row.fields):
            n_unknown += 1
            if len(unknown) < _UNKNOWN_SENT:
                unknown.append([row.place[:_SHOWN_CHARS], escape_surrogates(text)[:_SHOWN_CHARS]])
    return {
        "type": "rows",
        "n_rows": len(batch),
        "rows": rows,
        "nameless": nameless,
        "refused": refused,
        "n_unknown": n_unknown,
        "unknown": unknown,
    }
