"""The stretch of a file that a manifest's entry means, cut out of what was decoded of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.items import SourceItem
from earwitness.api.pipeline.pipeline_errors import StretchMissing
from earwitness.fingerprint.types import RATE_HZ, AudioPart, Decoded, Sound

CUT_TOLERANCE_S: Final = 0.5
CUT_TOLERANCE: Final = 0.02
"""How far a clip's length may be from that of the part which it is, in seconds and as a fraction of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What is compared of a file.

    Attributes
    ----------
    parts : tuple of AudioPart
        The streams of the file that lie in it, on its own timeline; empty where the file has one.
    whole : bool
        Whether nothing of the stretch is missing.
    not_compared_s : float
        Seconds that are missing; 0 where the stretch lies before what is missing.
    """

    waveform: Sound
    parts: tuple[AudioPart, ...]
    whole: bool
    not_compared_s: float


def stretch(decoded: Decoded, recording: SourceItem) -> Stretch:
    """Cut out the part of the file that the item is.

    A file that is as long as the part, and ends before it, is the part: manifests of clips often say where
    each began in a recording that is not there. Else start and end are in the file's own time. Streams that
    follow one another share it; of tracks that run side by side the stretch is cut out of each, and the
    pieces lie one after another.

    Raises
    ------
    StretchMissing
        When the file ends before the part begins.
    """
    start_s, end_s = recording.start_s or 0.0, recording.end_s
    if (recording.start_s is None and end_s is None) or _is_cut_already(decoded, start_s, end_s):
        return Stretch(
            waveform=decoded.waveform,
            parts=decoded.parts,
            whole=decoded.whole,
            not_compared_s=decoded.not_compared_s,
        )
    spans, parts, n_samples = [], [], 0
    for track in _tracks(decoded):
        for part in track:
            first, last = _clip(part, track[0].start_s, start_s, end_s)
            last = min(last, decoded.waveform.n_samples)
            if first < last:
                spans.append((first, last))
                parts.append(_placed(part, n_samples, last - first))
                n_samples += last - first
    if not n_samples:
        lasts_s = max((_length(track) for track in _tracks(decoded)), default=0.0)
        raise StretchMissing(name=recording.item_id, detail=f"the file lasts {lasts_s:.1f} s")
    complete_s = decoded.waveform.duration_s if decoded.complete_s is None else decoded.complete_s
    whole = decoded.whole or (end_s is not None and end_s <= complete_s)
    return Stretch(
        waveform=decoded.waveform.cut(spans),
        parts=tuple(parts) if len(parts) > 1 else (),
        whole=whole,
        not_compared_s=0.0 if whole else decoded.not_compared_s,
    )


def _is_cut_already(decoded: Decoded, start_s: float, end_s: float | None) -> bool:
    lasts_s = max((_length(track) for track in _tracks(decoded)), default=0.0)
    if end_s is None or end_s <= lasts_s + CUT_TOLERANCE_S:
        return False
    return abs(lasts_s - (end_s - start_s)) <= max(CUT_TOLERANCE_S, CUT_TOLERANCE * lasts_s)


def _tracks(decoded: Decoded) -> Iterator[list[AudioPart]]:
    """The parts in groups that share a timeline; each group starts at the file's own beginning."""
    whole = AudioPart(label="", start_s=0.0, duration_s=decoded.waveform.duration_s, kind="sequential")
    track: list[AudioPart] = []
    for part in decoded.parts or (whole,):
        if track and part.kind == "parallel":
            yield track
            track = []
        track.append(part)
    yield track


def _length(track: list[AudioPart]) -> float:
    return sum(part.duration_s for part in track)


def _clip(part: AudioPart, track_s: float, start_s: float, end_s: float | None) -> tuple[int, int]:
    """First and last sample of the part within the stretch; the time of its track begins at `track_s`."""
    part_end_s = part.start_s + part.duration_s
    first_s = min(max(track_s + start_s, part.start_s), part_end_s)
    last_s = part_end_s if end_s is None else min(max(track_s + end_s, part.start_s), part_end_s)
    return round(first_s * RATE_HZ), round(last_s * RATE_HZ)


def _placed(part: AudioPart, start: int, n_samples: int) -> AudioPart:
    return AudioPart(
        label=part.label, start_s=start / RATE_HZ, duration_s=n_samples / RATE_HZ, kind=part.kind
    )
