"""Errors of the process that reads a source."""

from __future__ import annotations

from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.api.datasets.source_errors import SourceError


class SourceReaderFailed(SourceError):
    """The reading process ended, or could not continue, before the source was open."""

    code = "source_reader_failed"

    def __init__(self, *, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(
            f"{source} cannot be read: {reason}",
            hint="fetch it again; if the error stays, the source is damaged or hostile. The limits on reading"
            " are EARWITNESS_READER_MEMORY_BYTES and EARWITNESS_READER_WALL_S",
        )


class ReaderFailed(ItemRefused):
    """The reading process ended while it read this item; another one read the rest."""

    code = "reader_failed"
    reason = "it could not be read"
    hint = (
        "treat the file as damaged or hostile, or store its audio as a plain file; the limits are"
        " EARWITNESS_READER_MEMORY_BYTES and EARWITNESS_READER_WALL_S"
    )
