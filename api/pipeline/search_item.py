"""Decode one item, search the library for it, and build its finding.

``check``, ``register``, ``index``, ``scan`` and the HTTP jobs all use these steps, so their findings agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

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
    asserted_first,
)
from earwitness.api.pipeline.cut_stretch import stretch
from earwitness.api.pipeline.item_bytes import ItemBytes, read_item
from earwitness.api.pipeline.run_spec import search_scope
from earwitness.api.settings import Settings
from earwitness.api.shelf.by_name import asked_of_item, named_in
from earwitness.api.shelf.names_evidence import NamedIn
from earwitness.api.shelf.same_file import open_known_files, same_files
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.api.shelf.stored_names import open_names
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.errors import (
    AudioError,
    EarwitnessError,
    TooShortOrSilent,
    TruncatedAudio,
)
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.types import NO_TAGS, Decoded, Fingerprint, Query, Tags
from earwitness.index.database.records import TEXTS, Collection, NewItem
from earwitness.index.known_files.known_files import KnownFiles
from earwitness.index.library import Library
from earwitness.index.match import Effort, Match, Verdict
from earwitness.index.matching.identify import identify
from earwitness.index.matching.verdict import STORED_ACTIVE_S, needed_active_s, verdict
from earwitness.index.names.name_list import NameList
from earwitness.index.statistics.power import Power, power_table
from earwitness.index.store.store_errors import SearchTimeout


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedItem:
    """One item after decoding.

    Attributes
    ----------
    query : Query or None
        None when nothing could be decoded; then `error` is the reason.
    error : EarwitnessError or None
        Also set, beside a query, when the item is truncated or holds too little active audio.
    known : object or None
        What the `known` argument of `ItemDecoder.decode` returned for this audio, which was not decoded then.
    complete : bool
        Whether it was decoded to its end.
    tags : Tags
        Tags of the file; empty unless they were requested.
    """

    item: FindingItem
    query: Query | None
    error: EarwitnessError | None
    complete: bool
    size_bytes: int | None = None
    known: object | None = None
    tags: Tags = NO_TAGS
    same_file: tuple[SameFile, ...] = ()
    """Known datasets that list a file with these bytes."""
    names: tuple[NamedIn, ...] = ()
    """Known datasets that name it, by its tags or its row in a list."""


NO_FILES: Final = KnownFiles([])


def audio_key(item: SourceItem, sha256: str) -> str:
    """Return the key of an item's audio: the sha256 of its bytes, and the part that a manifest selects."""
    return NewItem(path="", sha256=sha256, start_s=item.start_s, end_s=item.end_s).audio_key


class ItemDecoder:
    """Decodes items one after another with one sandboxed decoder; one instance a thread or process.

    Parameters
    ----------
    wants_chromaprint
        Whether audio of this length, in seconds, needs a Chromaprint, which only finds complete copies.
    looks_up_files
        Whether the bytes of items are looked up in the lists of known files.
    decoder
        The decoder, if one was started already; it is closed with this object.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        scheme: str | None = None,
        wants_chromaprint: Callable[[float], bool] = lambda _: True,
        looks_up_files: bool = True,
        decoder: Decoder | None = None,
    ) -> None:
        self._wants_chromaprint = wants_chromaprint
        self._settings, self._known_files = settings, None if looks_up_files else NO_FILES
        self._name_lists: list[NameList] | None = None
        self._decoder = decoder or Decoder(limits=settings.decode_limits(), sandbox=settings.sandbox)
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

    @property
    def known_files(self) -> KnownFiles:
        """The lists of known files; opened when they are first needed."""
        if self._known_files is None:
            self._known_files = open_known_files(self._settings)
        return self._known_files

    @property
    def name_lists(self) -> list[NameList]:
        """The lists of names; opened when they are first needed."""
        if self._name_lists is None:
            self._name_lists = open_names(self._settings)
        return self._name_lists

    def decode(
        self,
        item: SourceItem,
        *,
        known: Callable[[str], object | None] = lambda _: None,
        with_tags: bool = False,
        with_names: bool = False,
    ) -> DecodedItem:
        """Read, hash and decode one item; an error of the item is part of the result, never raised.

        Parameters
        ----------
        known
            Called with the `audio_key` before decoding. If it returns anything but None, the item is not
            decoded, and the returned object is `DecodedItem.known`.
        with_tags
            Whether to read the tags of the file, also where the item is not decoded.
        with_names
            Whether to look the item up in the lists of names, by its tags and its row in a list.
        """
        lists = self.name_lists if with_names else []
        decoded = self._decoded(item, known, with_tags=with_tags or bool(lists))
        if not lists:
            return decoded
        asked = asked_of_item(item.item_id, decoded.tags, item.identifiers)
        return replace(decoded, names=named_in(lists, asked))

    def _decoded(
        self, item: SourceItem, known: Callable[[str], object | None], *, with_tags: bool
    ) -> DecodedItem:
        described = FindingItem(id=item.item_id, path=item.path, sha256=None, duration_s=None)
        size, same_file, known_files = None, tuple[SameFile, ...](), self.known_files
        try:
            with read_item(item, kinds=known_files.digests) as bytes_:
                described, size = replace(described, sha256=bytes_.sha256), bytes_.size_bytes
                same_file = same_files(known_files, bytes_.digests)
                # a result for these bytes is a result for the complete file
                known_result = None if item.partial else known(audio_key(item, bytes_.sha256))
                if known_result is not None:
                    return DecodedItem(
                        item=described,
                        query=None,
                        error=None,
                        complete=False,
                        size_bytes=size,
                        known=known_result,
                        tags=self._tags(bytes_, item) if with_tags else NO_TAGS,
                        same_file=same_file,
                    )
                decoded = self._decoder.decode(bytes_.source, name=item.item_id, with_tags=with_tags)
            with_query = self._with_query(item, decoded, sha256=bytes_.sha256, size_bytes=bytes_.size_bytes)
            return replace(with_query, same_file=same_file)
        except AudioError as error:
            return DecodedItem(
                item=described,
                query=None,
                error=error,
                complete=False,
                size_bytes=size,
                same_file=same_file,
            )

    def _tags(self, bytes_: ItemBytes, item: SourceItem) -> Tags:
        return self._decoder.read_tags(bytes_.source, name=item.item_id)

    def decode_array(self, item: SourceItem, samples: NDArray[Any], *, rate_hz: float) -> DecodedItem:
        """Prepare the samples of an item that is in memory; see `earwitness.fingerprint.decode.array_audio`.

        Raises
        ------
        TypeError, ValueError
            When the array is not audio of a supported shape, type and sample rate.
        """
        from earwitness.fingerprint.decode.array_audio import decode_array  # loads the resampler

        try:
            decoded = decode_array(samples, rate_hz=rate_hz, limits=self._decoder.limits, name=item.item_id)
            return self._with_query(item, decoded)
        except AudioError as error:
            described = FindingItem(id=item.item_id, path=item.path, sha256=None, duration_s=None)
            return DecodedItem(item=described, query=None, error=error, complete=False)

    def fingerprint(self, query: Query) -> Fingerprint:
        """Return the fingerprint that is stored for a query."""
        return self.extractor.fingerprint(query)

    def _with_query(
        self, item: SourceItem, decoded: Decoded, *, sha256: str | None = None, size_bytes: int | None = None
    ) -> DecodedItem:
        part = stretch(decoded, item)
        duration_s, complete = part.waveform.duration_s, part.complete and item.partial is None
        query = self.extractor.query(part.waveform, with_chromaprint=self._wants_chromaprint(duration_s))
        return DecodedItem(
            item=FindingItem(
                id=item.item_id,
                path=item.path,
                sha256=sha256,
                duration_s=duration_s,
                parts=part.parts,
                not_compared_s=part.not_compared_s,
            ),
            query=query,
            error=_audio_error(item.item_id, query, complete=complete, note=decoded.note or item.partial),
            complete=complete,
            size_bytes=size_bytes,
            tags=decoded.tags,
        )


def _audio_error(name: str, query: Query, *, complete: bool, note: str | None) -> AudioError | None:
    if not complete:
        return TruncatedAudio(name=name, decoded_s=query.duration_s, reason=note or "the file ends early")
    if query.active_s < STORED_ACTIVE_S:
        return TooShortOrSilent(name=name, active_s=query.active_s, needed_s=STORED_ACTIVE_S)
    return None


def search_item(
    decoded: DecodedItem,
    library: Library,
    *,
    collections: Sequence[int],
    effort: Effort,
    n_items: int | None = None,
    search: FindingSearch | None = None,
    wall_s: float | None = None,
    itself: int | None = None,
) -> Finding:
    """Search the library for one decoded item.

    Parameters
    ----------
    collections
        Ids of the collections to search; at least one.
    n_items
        Items of the scan, where that is known beforehand (else see `earwitness.api.findings.graded`).
    search
        The search as the finding describes it; by default from `search_scope`, which a scan calls once.
    wall_s
        Seconds that the search may take; an item that takes longer is reported as compared in part.
    itself
        The item's own recording, where it is searched for among its own kind (see `identify`).
    """
    search = search or search_scope(library, collections=collections, effort=effort)
    query = decoded.query
    if query is None:
        return _finding(decoded, Verdict.NOT_READABLE, search, ())
    try:
        matches = identify(
            query, library, collections=collections, effort=effort, wall_s=wall_s, itself=itself
        )
    except SearchTimeout as timeout:
        matches, decoded = timeout.matches, _compared_in_part(decoded, timeout)
    active_s = query.active_s
    judged = verdict(matches, whole=decoded.complete, active_s=active_s, effort=effort, n_items=n_items)
    if judged is Verdict.TOO_SHORT_OR_SILENT:
        error = TooShortOrSilent(name=decoded.item.id, active_s=active_s, needed_s=needed_active_s(effort))
        decoded = replace(decoded, error=error)
    power = _power(library, collections, effort, active_s) if judged is Verdict.NO_MATCH else None
    by_id = {each.id: each for each in library.collections} if matches else {}
    listed = [each for match in matches for each in _finding_matches(match, library, collections, by_id)]
    return replace(_finding(decoded, judged, search, asserted_first(listed)), power=power)


def _power(library: Library, collections: Sequence[int], effort: Effort, active_s: float) -> Power | None:
    """Return how often copies of this length are found at this effort, if the library's scheme was tested."""
    table = power_table()
    if library.scheme != table.scheme:
        return None
    return table.at(effort, active_s=active_s, n_codes=library.n_codes(collections))


def _compared_in_part(decoded: DecodedItem, timeout: SearchTimeout) -> DecodedItem:
    """Return the item as one that was compared only up to the timeout."""
    total_s = decoded.item.duration_s or 0.0
    left_s = decoded.item.not_compared_s + max(total_s - timeout.compared_s, 0.0)
    item = replace(decoded.item, duration_s=min(timeout.compared_s, total_s), not_compared_s=left_s)
    return replace(decoded, item=item, error=timeout, complete=False)


def _finding(
    decoded: DecodedItem, judged: Verdict, search: FindingSearch, matches: tuple[FindingMatch, ...]
) -> Finding:
    error = None if decoded.error is None else FindingError.of(decoded.error)
    return Finding(
        item=decoded.item,
        verdict=judged,
        error=error,
        search=search,
        matches=matches,
        same_file=decoded.same_file,
        names=decoded.names,
    )


def _finding_matches(
    match: Match, library: Library, collections: Sequence[int], by_id: Mapping[int, Collection]
) -> Iterator[FindingMatch]:
    """Yield a match once for every item of these collections that holds its recording."""
    sha256 = library.recording(match.recording).sha256
    for item in library.items(match.recording, collections):
        yield FindingMatch(
            collection=by_id[item.collection].name,
            version=by_id[item.collection].version,
            recording=FindingRecording(
                id=sha256, path=item.path, **{name: getattr(item, name) for name in TEXTS}
            ),
            kind=str(match.kind),
            e_value=float(match.e_value),
            e_checked_to=float(match.e_checked_to),
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
