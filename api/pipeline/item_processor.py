"""One item in, one answer out: what a worker does with each item of a scan, an indexing or a registering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from earwitness.api.datasets.items import SourceItem
from earwitness.api.evidence.thumbnail import picture
from earwitness.api.findings import Finding, FindingError
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec, failure_of
from earwitness.api.pipeline.search_item import DecodedItem, ItemDecoder, ask, audio_key
from earwitness.fingerprint.activity import reference_fitness
from earwitness.fingerprint.errors import EarwitnessError, TooShortOrSilent, UnfitReference
from earwitness.fingerprint.types import Fingerprint
from earwitness.index.database.records import Failure, ItemRow, NewItem, Thumbnail
from earwitness.index.library import Library

Recall = Callable[[str], Finding | None]


class ItemProcessor:
    """Answers items one after another; one a process or thread.

    Parameters
    ----------
    recall
        Gives the finding that an earlier run kept of some audio, by its key.
    """

    def __init__(
        self, order: RunSpec, library: Library | None, listener: ItemDecoder, recall: Recall | None = None
    ) -> None:
        self._order, self._library, self._listener, self._recall = order, library, listener, recall

    def answer(self, recording: SourceItem) -> ItemResult:
        """Hear one item, look it up and fingerprint it, as the order says."""
        return self.answered(recording, self.hear(recording))

    def hear(self, recording: SourceItem) -> DecodedItem:
        """Hear one item; may be done in another thread while the item before it is `answered`."""
        return self._listener.hear(recording, known=lambda key: self._known(recording, key))

    def answered(self, recording: SourceItem, heard: DecodedItem) -> ItemResult:
        """Look up and fingerprint what was heard of an item, as the order says."""
        key = None if heard.item.sha256 is None else audio_key(recording, heard.item.sha256)
        if isinstance(heard.known, ItemRow):
            return ItemResult(said=heard.item, key=key, existing=heard.known)
        if isinstance(heard.known, Finding):
            said = replace(heard.known.item, id=heard.item.id, path=heard.item.path, sha256=heard.item.sha256)
            return ItemResult(said=said, key=key, finding=replace(heard.known, item=said))
        error = self._unfit(heard) or heard.error
        finding = self._ask(heard)
        return ItemResult(
            said=heard.item,
            key=key,
            error=None if error is None else FindingError.of(error),
            finding=finding,
            fresh=finding is not None and error is None and finding.error is None,
            new=self._new(recording, heard, error),
        )

    def _known(self, recording: SourceItem, key: str) -> object | None:
        """Find what makes decoding needless: the item is stored already, or its finding is kept."""
        if self._recall is not None:
            return self._recall(key)
        library, into = self._library, self._order.into
        found = None if library is None or into is None else library.by_sha256(key)
        if library is None or into is None or found is None:
            return None
        if self._order.as_works:
            return next(iter(library.items(found.id, [into])), None)
        return next(
            (place for place in library.items(found.id, [into]) if place.path == recording.item_id), None
        )

    def _ask(self, heard: DecodedItem) -> Finding | None:
        order = self._order
        if self._library is None or not order.asked:
            return None
        return ask(
            heard,
            self._library,
            collections=order.asked,
            effort=order.effort,
            search=order.search,
            wall_s=order.settings.search_wall_s,
        )

    def _unfit(self, heard: DecodedItem) -> EarwitnessError | None:
        if not self._order.as_works or heard.query is None:
            return None
        reason = reference_fitness(heard.query)
        return None if reason is None else UnfitReference(name=heard.item.id, reason=reason)

    def _new(
        self, recording: SourceItem, heard: DecodedItem, error: EarwitnessError | None
    ) -> NewItem | None:
        order = self._order
        if order.into is None or (order.as_works and _is_refused(heard, error)):
            return None
        if heard.query is None or isinstance(error, TooShortOrSilent):
            assert error is not None  # what was not heard has its reason
            return _item(recording, heard, failure=failure_of(FindingError.of(error)))
        return _item(
            recording,
            heard,
            fingerprint=self._listener.fingerprint(heard.query),
            kept=picture(heard.query.spectrogram) if order.as_works else None,
        )


def _item(
    recording: SourceItem,
    heard: DecodedItem,
    *,
    fingerprint: Fingerprint | None = None,
    failure: Failure | None = None,
    kept: Thumbnail | None = None,
) -> NewItem:
    return NewItem(
        path=recording.item_id,
        sha256=heard.item.sha256,
        fingerprint=fingerprint,
        failure=failure,
        size_bytes=heard.size_bytes,
        start_s=recording.start_s,
        end_s=recording.end_s,
        metadata=dict(recording.metadata),
        thumbnail=kept,
    )


def _is_refused(heard: DecodedItem, error: EarwitnessError | None) -> bool:
    return heard.query is None or isinstance(error, UnfitReference | TooShortOrSilent)
