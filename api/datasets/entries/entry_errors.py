"""Errors of manifest entries and table rows whose file may well be there."""

from __future__ import annotations

from earwitness.api.datasets.item_errors import BadEntry, ItemRefused, SourceCutOff


class StretchUnclear(BadEntry):
    """An entry means a part of a file, and it is not clear which part."""

    reason = "it is not clear which part of the file it means"
    hint = (
        "call the columns so that their unit is clear (start_s, start_ms, or start_sample beside "
        "sample_rate), or remove them if the whole file is meant"
    )


class ColumnNotCompared(ItemRefused):
    """A column holds audio and was not compared, because --audio-column names another one."""

    code = "column_not_compared"
    reason = "this column also holds audio, and was not compared"
    hint = "leave --audio-column out to compare every column"


class ManifestTooLarge(SourceCutOff):
    """A JSON manifest that is an object is longer than is read into memory."""

    hint = "write it as JSON lines: one entry a line, of which there may be any number"
