"""Search a long recording part by part, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Final

from earwitness.api.cue.plays import Play, Stretch, gaps_between, plays_of, stretches_in
from earwitness.api.datasets.items import SourceItem
from earwitness.api.findings import FindingError, FindingItem, FindingSearch, graded, threshold
from earwitness.api.pipeline.cut_stretch import stretch as cut_stretch
from earwitness.api.pipeline.item_bytes import read_item
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.pipeline.search_item import DecodedItem, search_item
from earwitness.api.settings import Settings
from earwitness.fingerprint.activity import active_seconds
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.errors import AudioError, TruncatedAudio
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import RATE_HZ, Sound
from earwitness.index.library import Library
from earwitness.index.match import Verdict
from earwitness.index.matching.identify import PIECE_OVERLAP_S, PIECE_S

LONGEST_S: Final = 26 * 3600.0
DECODE_WALL_S: Final = 1800.0
MAX_BYTES: Final = 20 << 30
"""Limits of a long recording, where the settings leave theirs at the defaults: a day of sound."""

GAP_ACTIVE_S: Final = 1.0
"""Seconds of a gap that are no silence, from which on it is listed as unknown. Chosen by hand."""

Part = tuple[int, int]
"""First sample and one past the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch in which nothing is played that was found.

    Attributes
    ----------
    is_silent : bool
        Whether less than `GAP_ACTIVE_S` of it is no silence.
    """

    start_s: float
    end_s: float
    is_silent: bool


@dataclass(slots=True, kw_only=True)
class PlayList:
    """What is played in a long recording.

    Attributes
    ----------
    error : FindingError or None
        Why it could not be compared, or not to its end.
    not_compared_s : float
        Seconds that are known to be missing.
    n_parts : int
        Parts in which it was searched.
    """

    item: FindingItem
    search: FindingSearch
    plays: list[Play] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    error: FindingError | None = None
    not_compared_s: float = 0.0
    n_parts: int = 0

    @property
    def all_compared(self) -> bool:
        """Whether nothing of the recording is missing."""
        return self.error is None and not self.not_compared_s

    @property
    def expected_false(self) -> float:
        """Sure plays to expect by chance, if no play were of a recording that was searched."""
        return self.n_parts * threshold(self.n_parts)

    def count(self, verdict: str) -> int:
        """Number of plays with this verdict."""
        return sum(play.verdict == verdict for play in self.plays)


def for_long_recordings(settings: Settings) -> Settings:
    """Return settings whose limits allow a day of sound, but for limits that were set."""
    wider = {"max_seconds": LONGEST_S, "decode_wall_s": DECODE_WALL_S, "max_item_bytes": MAX_BYTES}
    unset = {name: value for name, value in wider.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=unset)


def find_plays(
    item: SourceItem,
    spec: RunSpec,
    library: Library,
    decoder: Decoder,
    *,
    begin: Callable[[int], None] = lambda _: None,
    seen: Callable[[float], None] = lambda _: None,
) -> PlayList:
    """Find what is played in one long recording.

    Parameters
    ----------
    begin
        Called with the number of parts, before the first one is searched.
    seen
        Called with the seconds of each part after it was searched.
    """
    assert spec.search is not None  # the spec of a scan always searches
    described = FindingItem(id=item.item_id, path=item.path, sha256=None, duration_s=None)
    try:
        with read_item(item) as bytes_:
            described = replace(described, sha256=bytes_.sha256)
            decoded = decoder.decode(bytes_.source, name=item.item_id)
        cut = cut_stretch(decoded, item)
    except AudioError as error:
        return PlayList(item=described, search=spec.search, error=FindingError.of(error))
    sound = cut.waveform
    described = replace(described, duration_s=sound.duration_s, parts=cut.parts)
    found = PlayList(item=described, search=spec.search, not_compared_s=cut.not_compared_s)
    if not cut.complete or item.partial:
        reason = decoded.note or item.partial or "the file ends early"
        cut_off = TruncatedAudio(name=item.item_id, decoded_s=sound.duration_s, reason=reason)
        found.error = FindingError.of(cut_off)
    parts = list(_parts(sound))
    found.n_parts = len(parts)
    begin(len(parts))
    found.plays = plays_of(_stretches(sound, parts, spec, library, found, seen))
    found.gaps = list(_gaps(sound, found.plays))
    return found


def _parts(sound: Sound) -> Iterator[Part]:
    """Yield parts that overlap, as the search itself divides long queries."""
    hop_s = PIECE_S - PIECE_OVERLAP_S
    for number in range(max(1, ceil((sound.duration_s - PIECE_OVERLAP_S) / hop_s))):
        first = round(number * hop_s * RATE_HZ)
        yield first, min(first + round(PIECE_S * RATE_HZ), sound.n_samples)


def _stretches(
    sound: Sound,
    parts: Sequence[Part],
    spec: RunSpec,
    library: Library,
    found: PlayList,
    seen: Callable[[float], None],
) -> Iterator[Stretch]:
    for first, last in parts:
        part = sound.cut([(first, last)])
        query = extractor(library.scheme).query(part, with_chromaprint=False)
        decoded = DecodedItem(
            item=replace(found.item, duration_s=part.duration_s), query=query, error=None, complete=True
        )
        finding = search_item(
            decoded,
            library,
            collections=spec.collections,
            effort=spec.effort,
            search=spec.search,
            wall_s=spec.settings.search_wall_s,
        )
        if finding.item.not_compared_s:  # the search was ended
            found.not_compared_s += finding.item.not_compared_s
            found.error = finding.error
        elif len(parts) == 1 and finding.verdict is Verdict.TOO_SHORT_OR_SILENT:
            found.error = found.error or finding.error
        yield from stretches_in(graded(finding, n_items=len(parts)), offset_s=first / RATE_HZ)
        seen(part.duration_s)


def _gaps(sound: Sound, plays: Sequence[Play]) -> Iterator[Gap]:
    for start_s, end_s in gaps_between(plays, duration_s=sound.duration_s):
        active_s = active_seconds(sound.cut([(round(start_s * RATE_HZ), round(end_s * RATE_HZ))]))
        yield Gap(start_s=start_s, end_s=end_s, is_silent=active_s < GAP_ACTIVE_S)
