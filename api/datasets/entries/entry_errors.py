"""What can be wrong with an entry of a manifest or a row of a table, though its file may be there."""

from __future__ import annotations

from earwitness.api.datasets.item_errors import BadEntry, ItemRefused, SourceCutOff


class StretchUnclear(BadEntry):
    """An entry means a part of a file that cannot be told: the whole would be other entries' sound."""

    reason = "the part of the file that it means cannot be told"
    hint = (
        "call the columns so that their unit is clear (start_s, start_ms, or start_sample beside "
        "sample_rate), or remove them if the whole file is meant"
    )


class ColumnNotCompared(ItemRefused):
    """A column holds audio, too, where another one was asked for."""

    code = "column_not_compared"
    reason = "this column holds audio, too, and was not compared"
    hint = "leave --audio-column out to compare every column"


class ManifestTooLarge(SourceCutOff):
    """A JSON object that holds its entries is longer than is read into memory."""

    hint = "write it as JSON lines: one entry a line, of which there may be any number"
