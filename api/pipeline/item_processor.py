"""Process each item of a scan, an index run or a registration: decode, search, fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from earwitness.api.datasets.items import SourceItem
from earwitness.api.evidence.match_pictures import match_pictures
from earwitness.api.evidence.picture_types import MatchPicture
from earwitness.api.evidence.thumbnail import thumbnail
from earwitness.api.findings import Finding, FindingError
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec, stored_failure
from earwitness.api.pipeline.search_item import DecodedItem, ItemDecoder, audio_key, search_item
from earwitness.fingerprint.activity import reference_fitness
from earwitness.fingerprint.errors import EarwitnessError, TooShortOrSilent, UnfitReference
from earwitness.index.changed_copies.make_copies import make_copies
from earwitness.index.database.records import ItemRow, NewItem
from earwitness.index.library import Library

Recall = Callable[[str], Finding | None]


class ItemProcessor:
    """Processes items one after another as a `RunSpec` describes; one instance a process or thread.

    Parameters
    ----------
    recall
        Returns the finding that an earlier run stored for an `audio_key`, or None.
    """

    def __init__(
        self, spec: RunSpec, library: Library | None, decoder: ItemDecoder, recall: Recall | None = None
    ) -> None:
        self._spec, self._library, self._decoder, self._recall = spec, library, decoder, recall

    def process(self, item: SourceItem) -> ItemResult:
        """Decode one item, search for it and fingerprint it."""
        return self.process_decoded(item, self.decode(item))

    def decode(self, item: SourceItem) -> DecodedItem:
        """Decode one item; another thread may do this while the item before it is processed further."""
        return self._decoder.decode(
            item,
            known=lambda key: self._known(item, key),
            with_tags=self._spec.as_works,
            with_names=self._spec.as_works or self._spec.into is None,
        )

    def process_decoded(self, item: SourceItem, decoded: DecodedItem) -> ItemResult:
        """Search for a decoded item and fingerprint it."""
        key = None if decoded.item.sha256 is None else audio_key(item, decoded.item.sha256)
        if isinstance(decoded.known, ItemRow):
            return ItemResult(
                item=decoded.item,
                key=key,
                existing=decoded.known,
                tags=decoded.tags,
                same_file=decoded.same_file,
                names=decoded.names,
            )
        if isinstance(decoded.known, Finding):
            described = replace(
                decoded.known.item, id=decoded.item.id, path=decoded.item.path, sha256=decoded.item.sha256
            )
            recalled = replace(
                decoded.known, item=described, same_file=decoded.same_file, names=decoded.names
            )
            return ItemResult(
                item=described, key=key, finding=recalled, same_file=decoded.same_file, names=decoded.names
            )
        error = self._unfit(decoded) or decoded.error
        finding = self._search(item, decoded)
        return ItemResult(
            item=decoded.item,
            key=key,
            error=None if error is None else FindingError.of(error),
            finding=finding,
            fresh=finding is not None and error is None and finding.error is None,
            new=self._new_item(item, decoded, error),
            tags=decoded.tags,
            same_file=decoded.same_file,
            names=decoded.names,
            pictures=self._pictures(finding, decoded),
        )

    def _pictures(self, finding: Finding | None, decoded: DecodedItem) -> tuple[MatchPicture, ...]:
        if not self._spec.with_pictures or None in (finding, decoded.query, self._library):
            return ()
        assert finding is not None and decoded.query is not None and self._library is not None
        return match_pictures(finding, decoded.query, self._library)

    def _known(self, item: SourceItem, key: str) -> object | None:
        """Return what makes decoding needless: a finding of an earlier run, or the row of a stored item."""
        if self._recall is not None:
            return self._recall(key)
        library, into = self._library, self._spec.into
        recording = None if library is None or into is None else library.by_sha256(key)
        if library is None or into is None or recording is None:
            return None
        if self._spec.as_works and not library.has_copies(recording.id):
            return None  # a work of an earlier version: decoded again, it gets changed copies
        rows = library.items(recording.id, [into])
        return next((row for row in rows if self._spec.as_works or row.path == item.item_id), None)

    def _search(self, item: SourceItem, decoded: DecodedItem) -> Finding | None:
        spec = self._spec
        if self._library is None or not spec.collections:
            return None
        return search_item(
            decoded,
            self._library,
            collections=spec.collections,
            effort=spec.effort,
            search=spec.search,
            wall_s=spec.settings.search_wall_s,
            itself=self._itself(item, decoded) if spec.among_themselves else None,
        )

    def _itself(self, item: SourceItem, decoded: DecodedItem) -> int | None:
        """The recording of the collection that is this item."""
        if self._library is None or decoded.item.sha256 is None:
            return None
        row = self._library.by_sha256(audio_key(item, decoded.item.sha256))
        return None if row is None else row.id

    def _unfit(self, decoded: DecodedItem) -> EarwitnessError | None:
        if not self._spec.as_works or decoded.query is None:
            return None
        reason = reference_fitness(decoded.query)
        return None if reason is None else UnfitReference(name=decoded.item.id, reason=reason)

    def _new_item(
        self, item: SourceItem, decoded: DecodedItem, error: EarwitnessError | None
    ) -> NewItem | None:
        spec, query = self._spec, decoded.query
        refused = query is None or isinstance(error, UnfitReference | TooShortOrSilent)
        if spec.into is None or (spec.as_works and refused):
            return None
        failure, fingerprint, small, copies = None, None, None, None
        if query is None or isinstance(error, TooShortOrSilent):
            assert error is not None  # an item that was not decoded has an error
            failure = stored_failure(FindingError.of(error))
        else:
            fingerprint = self._decoder.fingerprint(query)
            small = thumbnail(query.spectrogram) if spec.as_works else None
            if spec.with_copies:
                copies = make_copies(query.spectrogram, self._decoder.extractor)
        return NewItem(
            path=item.item_id,
            sha256=decoded.item.sha256,
            fingerprint=fingerprint,
            failure=failure,
            size_bytes=decoded.size_bytes,
            start_s=item.start_s,
            end_s=item.end_s,
            metadata=dict(item.metadata),
            thumbnail=small,
            changed_copies=copies,
        )
