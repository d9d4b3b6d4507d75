"""Cut the stretch that a manifest entry selects out of a decoded file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.items import SourceItem
from earwitness.api.pipeline.pipeline_errors import StretchMissing
from earwitness.fingerprint.types import RATE_HZ, AudioPart, Decoded, Sound

CUT_TOLERANCE_S: Final = 0.5
CUT_TOLERANCE: Final = 0.02
"""How far the length of a file that was cut already may be from the stretch's: in seconds, and as a fraction.

Chosen by hand, for clips whose manifest gives rounded times.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The part of a file that is compared.

    Attributes
    ----------
    parts : tuple of AudioPart
        The streams of the file within the stretch, on its own timeline; empty where the file has one.
    complete : bool
        Whether nothing of the stretch is missing.
    not_compared_s : float
        Seconds that are missing; 0 where the stretch ends before the missing part.
    """

    waveform: Sound
    parts: tuple[AudioPart, ...]
    complete: bool
    not_compared_s: float


def stretch(decoded: Decoded, item: SourceItem) -> Stretch:
    """Cut out the stretch of the file that the item consists of.

    A file that is as long as the stretch, and ends before it, is the stretch itself: manifests of clips often
    give start and end in a longer recording that is not in the dataset. Otherwise start and end are times in
    the file. Sequential streams share one timeline. From parallel tracks the stretch is cut out of each, and
    the pieces follow one another.

    Raises
    ------
    StretchMissing
        When the file ends before the stretch begins.
    """
    start_s, end_s = item.start_s or 0.0, item.end_s
    if (item.start_s is None and end_s is None) or _is_cut_already(decoded, start_s, end_s):
        return Stretch(
            waveform=decoded.waveform,
            parts=decoded.parts,
            complete=decoded.whole,
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
        duration_s = max((_length_s(track) for track in _tracks(decoded)), default=0.0)
        raise StretchMissing(name=item.item_id, detail=f"the file lasts {duration_s:.1f} s")
    complete_s = decoded.waveform.duration_s if decoded.complete_s is None else decoded.complete_s
    complete = decoded.whole or (end_s is not None and end_s <= complete_s)
    return Stretch(
        waveform=decoded.waveform.cut(spans),
        parts=tuple(parts) if len(parts) > 1 else (),
        complete=complete,
        not_compared_s=0.0 if complete else decoded.not_compared_s,
    )


def _is_cut_already(decoded: Decoded, start_s: float, end_s: float | None) -> bool:
    duration_s = max((_length_s(track) for track in _tracks(decoded)), default=0.0)
    if end_s is None or end_s <= duration_s + CUT_TOLERANCE_S:
        return False
    return abs(duration_s - (end_s - start_s)) <= max(CUT_TOLERANCE_S, CUT_TOLERANCE * duration_s)


def _tracks(decoded: Decoded) -> Iterator[list[AudioPart]]:
    """Yield groups of parts that share a timeline; each group starts at the beginning of the file."""
    only = AudioPart(label="", start_s=0.0, duration_s=decoded.waveform.duration_s, kind="sequential")
    track: list[AudioPart] = []
    for part in decoded.parts or (only,):
        if track and part.kind == "parallel":
            yield track
            track = []
        track.append(part)
    yield track


def _length_s(track: list[AudioPart]) -> float:
    return sum(part.duration_s for part in track)


def _clip(part: AudioPart, track_s: float, start_s: float, end_s: float | None) -> tuple[int, int]:
    """Return first and last sample of the part within the stretch; its track begins at `track_s`."""
    part_end_s = part.start_s + part.duration_s
    first_s = min(max(track_s + start_s, part.start_s), part_end_s)
    last_s = part_end_s if end_s is None else min(max(track_s + end_s, part.start_s), part_end_s)
    return round(first_s * RATE_HZ), round(last_s * RATE_HZ)


def _placed(part: AudioPart, start: int, n_samples: int) -> AudioPart:
    return AudioPart(
        label=part.label, start_s=start / RATE_HZ, duration_s=n_samples / RATE_HZ, kind=part.kind
    )
