"""What can go wrong with the process that reads a source."""

from __future__ import annotations

from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.api.datasets.source_errors import SourceError


class SourceReaderFailed(SourceError):
    """The process that reads the source ended, or could not go on, before the source was open."""

    code = "source_reader_failed"

    def __init__(self, *, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(
            f"{source} cannot be read: {reason}",
            hint="fetch it again; if it stays so, it is damaged or hostile. The limits on reading are"
            " EARWITNESS_READER_MEMORY_BYTES and EARWITNESS_READER_WALL_S",
        )


class ReaderFailed(ItemRefused):
    """The process that reads the source ended over this item; the rest was read by another."""

    code = "reader_failed"
    reason = "it could not be read"
    hint = (
        "treat the file as damaged or hostile, or store its audio as a plain file; the limits are"
        " EARWITNESS_READER_MEMORY_BYTES and EARWITNESS_READER_WALL_S"
    )
