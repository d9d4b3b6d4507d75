"""Audio and tables of the Python interface: files, arrays, fingerprints and flat rows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source
from earwitness.api.findings import Finding
from earwitness.api.pipeline.search_item import ItemDecoder
from earwitness.api.scan.outputs import CSV_COLUMNS, flat_rows
from earwitness.api.settings import Settings
from earwitness.fingerprint.decode.array_audio import decode_array
from earwitness.fingerprint.errors import EarwitnessError, TruncatedAudio
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Fingerprint

PathLike: TypeAlias = str | os.PathLike[str]
Audio: TypeAlias = PathLike | NDArray[Any]
"""A path to one audio file, or samples."""


def fingerprint_audio(audio: Audio, *, rate_hz: float | None = None) -> Fingerprint:
    """Compute the fingerprint that is stored of a recording.

    Parameters
    ----------
    audio : path, or array of shape (n_samples,) or (n_channels, n_samples)
        One audio file, or samples: float with full scale +-1, int16 or int32.
    rate_hz : float
        Sample rate of an array in Hz. For files it must be left out.

    Returns
    -------
    Fingerprint
        `codes` is uint8 of shape (n_codes, 32), one row every 0.51 s; `peaks` is int32 of shape (n_peaks, 2);
        `duration_s` and `active_s` are in seconds.

    Raises
    ------
    EarwitnessError
        When there is no such file, or it cannot be decoded to its end; the subclass says why.
    TypeError, ValueError
        When the array or its rate cannot be used.
    """
    settings = Settings()
    if not is_path(audio, rate_hz):
        samples = np.asarray(audio)
        decoded = decode_array(samples, rate_hz=rate_hz or 0.0, limits=settings.decode_limits())
        return extractor().fingerprint(extractor().query(decoded.waveform))
    item = single_item(audio, settings)
    if isinstance(item, Skipped):
        raise EarwitnessError(item.message, hint=item.hint)
    with ItemDecoder(settings=settings) as decoder:
        prepared = decoder.decode(item)
        if prepared.query is None or isinstance(prepared.error, TruncatedAudio):
            assert prepared.error is not None  # what is not decoded has its reason
            raise prepared.error
        return decoder.fingerprint(prepared.query)


def rows(findings: Finding | Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as flat rows, such as for ``pandas.DataFrame``.

    Parameters
    ----------
    findings : Finding or iterable of Finding

    Returns
    -------
    list of dict
        The columns of a scan's CSV: one row for each segment of a match, and one for an item without a match.
    """
    several = [findings] if isinstance(findings, Finding) else findings
    return [
        {column: row.get(column) for column in CSV_COLUMNS}
        for finding in several
        for row in flat_rows(finding)
    ]


def is_path(audio: Audio, rate_hz: float | None) -> TypeGuard[PathLike]:
    """Return whether `audio` is a path and not samples; an array needs its rate, and a file must have none.

    Raises
    ------
    TypeError
        When the rate is missing, or given for a file.
    """
    path = isinstance(audio, str | os.PathLike)
    if path and rate_hz is not None:
        raise TypeError("rate_hz is for arrays; a file states its own sample rate")
    if not path and rate_hz is None:
        raise TypeError("an array needs its sample rate: rate_hz=...")
    return path


def single_item(path: PathLike, settings: Settings) -> SourceItem | Skipped:
    """Return the one item that an audio file is.

    Raises
    ------
    SourceError
        When there is no such file, or it has no audio format.
    ValueError
        When it is a folder, an archive or a list.
    """
    source = os.fspath(path)
    reader = open_source(source, limits=settings.source_limits())
    if reader.format not in {"file", "packed"}:
        raise ValueError(f"{source} is read as {reader.format}; give one audio file, or scan or index it")
    return next(iter(reader))
