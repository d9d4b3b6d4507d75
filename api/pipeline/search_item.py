"""The road that every door shares: an item's bytes -> decoded -> Query -> matches -> Finding.

``check``, ``register``, ``index``, ``scan`` and the HTTP jobs all walk it: their answers cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from earwitness.api.datasets.items import SourceItem
from earwitness.api.findings import (
    Finding,
    FindingError,
    FindingItem,
    FindingMatch,
    FindingRecording,
    FindingSearch,
    FindingSegment,
)
from earwitness.api.pipeline.cut_stretch import stretch
from earwitness.api.pipeline.item_bytes import taken
from earwitness.api.pipeline.run_spec import searched
from earwitness.api.settings import Settings
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.decode.array_audio import decode_array
from earwitness.fingerprint.errors import (
    AudioError,
    EarwitnessError,
    TooShortOrSilent,
    TruncatedAudio,
)
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.types import Decoded, Fingerprint, Query
from earwitness.index.database.records import Collection, NewItem
from earwitness.index.library import Library
from earwitness.index.match import Effort, Match, Verdict
from earwitness.index.matching.identify import identify
from earwitness.index.matching.verdict import NEEDED_ACTIVE_S, verdict
from earwitness.index.store.store_errors import SearchTimeout


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedItem:
    """What could be heard of one item.

    Attributes
    ----------
    query : Query or None
        None when nothing could be decoded; then `error` says why.
    error : EarwitnessError or None
        Also set, beside a query, when the item was cut off or holds too little active audio.
    known : object or None
        What was known of this audio beforehand; then it was not decoded, and nothing else is set.
    whole : bool
        Whether it was decoded to its end.
    """

    item: FindingItem
    query: Query | None
    error: EarwitnessError | None
    whole: bool
    size_bytes: int | None = None
    known: object | None = None


def audio_key(recording: SourceItem, sha256: str) -> str:
    """Name the audio of an item: its bytes, and the part of them that a manifest cuts out."""
    return NewItem(path="", sha256=sha256, start_s=recording.start_s, end_s=recording.end_s).audio_key


class ItemDecoder:
    """Hears items one after another with one sandboxed decoder and the extractor. One a thread or process.

    Parameters
    ----------
    may_be_whole
        Tells of a length in seconds whether such a sound can be a whole copy of anything that is asked for;
        others get no Chromaprint.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        scheme: str | None = None,
        may_be_whole: Callable[[float], bool] = lambda _: True,
    ) -> None:
        self._may_be_whole = may_be_whole
        self._decoder = Decoder(limits=settings.decode_limits(), sandbox=settings.sandbox)
        self.extractor: Extractor = extractor(scheme)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the decoder's worker."""
        self._decoder.close()

    def hear(
        self, recording: SourceItem, *, known: Callable[[str], object | None] = lambda _: None
    ) -> DecodedItem:
        """Read, hash and decode one item; whatever is wrong with it is part of the answer, never raised.

        Parameters
        ----------
        known
            Asked with the `audio_key` before decoding; what it answers, unless None, makes that needless.
        """
        item = FindingItem(id=recording.item_id, path=recording.path, sha256=None, duration_s=None)
        size = None
        try:
            with taken(recording) as bytes_:
                item, size = replace(item, sha256=bytes_.sha256), bytes_.size_bytes
                # what is known of these bytes speaks of a whole file
                answer = None if recording.partial else known(audio_key(recording, bytes_.sha256))
                if answer is not None:
                    return DecodedItem(
                        item=item, query=None, error=None, whole=False, size_bytes=size, known=answer
                    )
                decoded = self._decoder.decode(bytes_.source, name=recording.item_id)
            return self._prepared(recording, decoded, sha256=bytes_.sha256, size_bytes=bytes_.size_bytes)
        except AudioError as error:
            return DecodedItem(item=item, query=None, error=error, whole=False, size_bytes=size)

    def decode_array(self, item: SourceItem, samples: NDArray[Any], *, rate_hz: float) -> DecodedItem:
        """Prepare the samples of an item that is in memory; see `earwitness.fingerprint.decode.array_audio`.

        Raises
        ------
        TypeError, ValueError
            When the array is not audio of a supported shape, type and sample rate.
        """
        try:
            decoded = decode_array(samples, rate_hz=rate_hz, limits=self._decoder.limits, name=item.item_id)
            return self._prepared(item, decoded)
        except AudioError as error:
            finding_item = FindingItem(id=item.item_id, path=item.path, sha256=None, duration_s=None)
            return DecodedItem(item=finding_item, query=None, error=error, whole=False)

    def fingerprint(self, query: Query) -> Fingerprint:
        """Make what is stored of a query."""
        return self.extractor.fingerprint(query)

    def _prepared(
        self,
        recording: SourceItem,
        decoded: Decoded,
        *,
        sha256: str | None = None,
        size_bytes: int | None = None,
    ) -> DecodedItem:
        part = stretch(decoded, recording)
        duration_s, whole = part.waveform.duration_s, part.whole and recording.partial is None
        query = self.extractor.query(part.waveform, with_chromaprint=self._may_be_whole(duration_s))
        return DecodedItem(
            item=FindingItem(
                id=recording.item_id,
                path=recording.path,
                sha256=sha256,
                duration_s=duration_s,
                parts=part.parts,
                not_compared_s=part.not_compared_s,
            ),
            query=query,
            error=_complaint(recording.item_id, query, whole=whole, note=decoded.note or recording.partial),
            whole=whole,
            size_bytes=size_bytes,
        )


def _complaint(name: str, query: Query, *, whole: bool, note: str | None) -> AudioError | None:
    if not whole:
        return TruncatedAudio(name=name, decoded_s=query.duration_s, reason=note or "the file ends early")
    if query.active_s < NEEDED_ACTIVE_S:
        return TooShortOrSilent(name=name, active_s=query.active_s, needed_s=NEEDED_ACTIVE_S)
    return None


def ask(
    heard: DecodedItem,
    library: Library,
    *,
    collections: Sequence[int],
    effort: Effort,
    n_items: int | None = None,
    search: FindingSearch | None = None,
    wall_s: float | None = None,
) -> Finding:
    """Ask the library about one heard item.

    Parameters
    ----------
    collections
        Numbers of the collections to search; at least one.
    n_items
        Items of a whole scan, where they are known beforehand (else see `earwitness.api.findings.graded`).
    search
        What is said to be searched; by default worked out by `searched`, which a scan does once.
    wall_s
        Seconds that the search may take; an item that takes longer was compared in part.
    """
    search = search or searched(library, collections=collections, effort=effort)
    query = heard.query
    if query is None:
        return _finding(heard, Verdict.NOT_READABLE, search, ())
    try:
        matches = identify(query, library, collections=collections, effort=effort, wall_s=wall_s)
    except SearchTimeout as late:
        matches, heard = late.matches, _in_part(heard, late)
    said = verdict(matches, whole=heard.whole, active_s=query.active_s, n_items=n_items)
    names = {each.id: each for each in library.collections} if matches else {}
    places = [place for match in matches for place in _places(match, library, collections, names)]
    return _finding(heard, said, search, tuple(places))


def _in_part(heard: DecodedItem, late: SearchTimeout) -> DecodedItem:
    """What is known of an item whose search ran out of time: not all of it was compared."""
    total_s = heard.item.duration_s or 0.0
    left_s = heard.item.not_compared_s + max(total_s - late.compared_s, 0.0)
    item = replace(heard.item, duration_s=min(late.compared_s, total_s), not_compared_s=left_s)
    return replace(heard, item=item, error=late, whole=False)


def _finding(
    heard: DecodedItem, said: Verdict, search: FindingSearch, matches: tuple[FindingMatch, ...]
) -> Finding:
    error = None if heard.error is None else FindingError.of(heard.error)
    return Finding(item=heard.item, verdict=said, error=error, search=search, matches=matches)


def _places(
    match: Match, library: Library, collections: Sequence[int], names: Mapping[int, Collection]
) -> Iterator[FindingMatch]:
    """Say a match once for every place of these collections where its recording lies."""
    sha256 = library.recording(match.recording).sha256
    for item in library.items(match.recording, collections):
        yield FindingMatch(
            collection=names[item.collection].name,
            version=names[item.collection].version,
            recording=FindingRecording(
                id=sha256, path=item.path, title=item.title, owner=item.owner, isrc=item.isrc
            ),
            kind=str(match.kind),
            e_value=float(match.e_value),
            e_extrapolated=bool(match.e_extrapolated),
            similarity=float(match.similarity),
            query_coverage=float(match.query_coverage),
            reference_coverage=float(match.reference_coverage),
            speed=None if match.change is None else float(match.change.speed),
            pitch_cents=None if match.change is None else float(match.change.pitch_cents),
            tempo=None if match.change is None else float(match.change.tempo),
            segments=tuple(
                FindingSegment(
                    query_start_s=float(segment.query_start_s),
                    query_end_s=float(segment.query_end_s),
                    reference_start_s=float(segment.reference_start_s),
                    reference_end_s=float(segment.reference_end_s),
                )
                for segment in match.segments
            ),
        )
