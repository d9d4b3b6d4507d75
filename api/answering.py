"""One item in, one answer out: what a worker does with each item of a scan, an indexing or a registering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from api.datasets.types import Recording, Skipped
from api.evidence.picture import picture
from api.findings import ErrorSaid, Finding, ItemSaid, SearchSaid
from api.pipeline import Heard, Listener, ask, audio_key, unheard
from api.settings import Settings
from fingerprint.activity import reference_fitness
from fingerprint.errors import EarwitnessError, TooShortOrSilent, UnfitReference
from fingerprint.types import Fingerprint
from index.library import Library
from index.match import Effort
from index.records import Failure, ItemRow, NewItem, Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done with every item of a run; the same for all of its workers.

    Attributes
    ----------
    asked : tuple of int
        Collections that each item is looked up in; without any, it is only fingerprinted.
    knowledge : str
        `Library.knowledge` of those, so that no worker asks another library than the rest.
    search : SearchSaid or None
        What findings say was searched; None where nothing is.
    into : int or None
        Collection that the items go into: what lies there is not decoded again, the rest is fingerprinted.
    remembers : bool
        Findings of earlier runs may be used.
    as_works : bool
        Items go into the registry: they must be fit for it, and keep a small spectrogram.
    """

    settings: Settings
    effort: Effort
    asked: tuple[int, ...]
    knowledge: str
    search: SearchSaid | None
    into: int | None = None
    as_works: bool = False
    remembers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one item.

    Attributes
    ----------
    key : str or None
        Names its audio (see `api.pipeline.audio_key`); None where no bytes could be had.
    error : ErrorSaid or None
        Why it could not be heard, or not to its end, or is not fit to be a work.
    finding : Finding or None
        None where nothing was asked.
    fresh : bool
        The finding was worked out now, of audio without fault: it may be remembered.
    new : NewItem or None
        What is to be stored, where something is.
    existing : ItemRow or None
        The collection holds this item already; of works, this audio.
    """

    said: ItemSaid
    key: str | None = None
    error: ErrorSaid | None = None
    finding: Finding | None = None
    fresh: bool = False
    new: NewItem | None = None
    existing: ItemRow | None = None


Recall = Callable[[str], Finding | None]


class Answerer:
    """Answers items one after another; one a process or thread.

    Parameters
    ----------
    recall
        Gives the finding that an earlier run kept of some audio, by its key.
    """

    def __init__(
        self, order: Order, library: Library | None, listener: Listener, recall: Recall | None = None
    ) -> None:
        self._order, self._library, self._listener, self._recall = order, library, listener, recall

    def answer(self, recording: Recording) -> Answer:
        """Hear one item, look it up and fingerprint it, as the order says."""
        heard = self._listener.hear(recording, known=lambda key: self._known(recording, key))
        key = None if heard.item.sha256 is None else audio_key(recording, heard.item.sha256)
        if isinstance(heard.known, ItemRow):
            return Answer(said=heard.item, key=key, existing=heard.known)
        if isinstance(heard.known, Finding):
            said = replace(heard.item, duration_s=heard.known.item.duration_s)
            return Answer(said=said, key=key, finding=replace(heard.known, item=said))
        error = self._unfit(heard) or heard.error
        finding = self._ask(heard)
        return Answer(
            said=heard.item,
            key=key,
            error=None if error is None else ErrorSaid.of(error),
            finding=finding,
            fresh=finding is not None and error is None,
            new=self._new(recording, heard, error),
        )

    def _known(self, recording: Recording, key: str) -> object | None:
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

    def _ask(self, heard: Heard) -> Finding | None:
        order = self._order
        if self._library is None or not order.asked:
            return None
        return ask(heard, self._library, collections=order.asked, effort=order.effort, search=order.search)

    def _unfit(self, heard: Heard) -> EarwitnessError | None:
        if not self._order.as_works or heard.query is None:
            return None
        reason = reference_fitness(heard.query)
        return None if reason is None else UnfitReference(name=heard.item.id, reason=reason)

    def _new(self, recording: Recording, heard: Heard, error: EarwitnessError | None) -> NewItem | None:
        order = self._order
        if order.into is None or (order.as_works and _is_refused(heard, error)):
            return None
        if heard.query is None or isinstance(error, TooShortOrSilent):
            assert error is not None  # what was not heard has its reason
            return _item(recording, heard, failure=failure_of(ErrorSaid.of(error)))
        return _item(
            recording,
            heard,
            fingerprint=self._listener.fingerprint(heard.query),
            kept=picture(heard.query.spectrogram) if order.as_works else None,
        )


def _item(
    recording: Recording,
    heard: Heard,
    *,
    fingerprint: Fingerprint | None = None,
    failure: Failure | None = None,
    kept: Picture | None = None,
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
        picture=kept,
    )


def _is_refused(heard: Heard, error: EarwitnessError | None) -> bool:
    return heard.query is None or isinstance(error, UnfitReference | TooShortOrSilent)


def refusal(order: Order, skipped: Skipped) -> Answer:
    """Account for an item that its reader would not hand out."""
    error = ErrorSaid(code=skipped.code, message=skipped.message, hint=skipped.hint)
    return Answer(
        said=ItemSaid(id=skipped.item_id, path=skipped.path, sha256=None, duration_s=None),
        error=error,
        finding=None if order.search is None else unheard(skipped, order.search),
        new=None
        if order.into is None or order.as_works
        else NewItem(path=skipped.item_id, sha256=None, failure=failure_of(error)),
    )


def failure_of(error: ErrorSaid) -> Failure:
    """Say an error in the store's words."""
    return Failure(code=error.code, message=error.message, hint=error.hint)
