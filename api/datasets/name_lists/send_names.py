"""The reading process's side of a list of names: recognises it, and sends its rows."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.isolated.message_frames import Channel
from earwitness.api.datasets.isolated.metadata_limits import escape_surrogates
from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.api.datasets.name_lists.list_columns import row_in
from earwitness.api.datasets.name_lists.list_layouts import ROWS_SHOWN, NameLayout, recognised
from earwitness.api.datasets.name_lists.listed_rows import (
    TABLE_ENDINGS,
    TEXT_FORMATS,
    ListedRow,
    ListedRows,
)
from earwitness.api.datasets.open_source import Opening
from earwitness.api.datasets.source_errors import SourceError

ROWS_A_MESSAGE: Final = 1_000
_SHOWN_CHARS: Final = 200


def send_names(channel: Channel, opening: Opening, reader: str, *, audio_may_lie_here: bool) -> None:
    """Send what a list is read as, then its rows; or that it is no list of names.

    Parameters
    ----------
    audio_may_lie_here
        Whether the source is no list of names where it holds or names audio, or where files of its rows lie
        beside it.
    """
    is_list = reader in TABLE_ENDINGS or (reader in TEXT_FORMATS and len(opening.places) == 1)
    listed = ListedRows(opening, reader) if is_list else None
    layout = None if listed is None else _layout_of(listed, audio_may_lie_here=audio_may_lie_here)
    if listed is None or layout is None:
        channel.send({"type": "no_names"})
        return
    channel.send({"type": "names", "layout": layout.name, "format": reader})
    rows, why = listed.rows([each.path[0] for each in layout.columns]), None
    try:
        n_chars, most_chars = 0, _most_chars(listed, opening)
        while batch := list(islice(rows, ROWS_A_MESSAGE)):
            message = _message(batch, layout)
            n_chars += sum(len(text) for row in message["rows"] for text in row if isinstance(text, str))
            if n_chars > most_chars:
                why = "its rows hold more text than its bytes can"
                break
            channel.send(message)
    except (BrokenPipeError, ConnectionError):
        raise
    except (OSError, ItemRefused, SourceError, ValueError) as error:
        why = getattr(error, "message", None) or reason(error)
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


def _message(batch: list[ListedRow], layout: NameLayout) -> dict[str, Any]:
    """Return the rows that name something, those that cannot be read, and the number of all."""
    refused = [
        [row.place[:_SHOWN_CHARS], escape_surrogates(row.error)[:_SHOWN_CHARS]]
        for row in batch
        if row.error is not None
    ]
    rows = (row_in(layout.columns, row.fields, place=row.place) for row in batch if row.error is None)
    return {"type": "rows", "n_rows": len(batch), "rows": [row for row in rows if row], "refused": refused}
