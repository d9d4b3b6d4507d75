"""Makes the items of a row of a manifest or table: one for each value that is audio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from earwitness.api.datasets.entries.embedded_audio import (
    base64_audio,
    stated_rate,
)
from earwitness.api.datasets.entries.entry_items import (
    EntryDetails,
    details_within,
    item_of_bytes,
    item_of_file,
    item_of_path,
)
from earwitness.api.datasets.entries.identifiers import youtube_of
from earwitness.api.datasets.entries.resolve_path import (
    LONGEST_ID,
    LONGEST_NAME,
    Resolver,
    short_id,
)
from earwitness.api.datasets.entries.sampling_rates import own_rate
from earwitness.api.datasets.entries.stretch import WHOLE_FILE
from earwitness.api.datasets.item_errors import BadEntry, ItemMissing, ItemRefused
from earwitness.api.datasets.items import Identifiers, Json, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.manifests.columns import AudioField, audio_fields, stem_of
from earwitness.api.datasets.manifests.json_text import shown_json, text_of
from earwitness.api.datasets.manifests.layouts import Entry, Layout
from earwitness.api.datasets.members import called_like_audio
from earwitness.api.datasets.names import label

_MOST_LEFT_OUT: Final = 100
_PATHS: Final = (
    "path", "file", "filepath", "file_path", "filename", "file_name", "src", "url", "uri"
)  # fmt: skip
"""Fields of an object that name its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowItems:
    """Makes the items of rows.

    Attributes
    ----------
    source : str
        Label of the file that the rows are in.
    shard : str or None
        The same, where the source has several.
    """

    layout: Layout
    source: str
    resolver: Resolver
    limits: SourceLimits
    shard: str | None = None
    left_out: dict[str, None] = field(default_factory=dict)
    """Columns that also name audio, beside the one that was requested; of the rows read so far."""

    def details(self, fields: Mapping[str, Json], entry: Entry) -> EntryDetails:
        """What a row states about its audio."""
        return EntryDetails(
            identifiers=entry.identifiers,
            metadata=shown_json(fields),
            stretch=entry.stretch,
            problem=entry.problem,
            shard=self.shard,
        )

    def items(
        self, fields: Mapping[str, Json], number: str, *, own_id: bool = True
    ) -> Iterator[SourceItem | Skipped]:
        """One item for each column that names or holds audio; else a file of a usual name, or a link.

        Parameters
        ----------
        number : str
            The row's label: the item's id, unless the row has one and ``own_id`` is true.
        """
        entry = self.layout.entry(fields, own_rate=self._own_rate)
        details = self.details(fields, entry)
        if self.layout.path_column is not None:
            self._note_left_out(fields, entry)
        only_id = _own_id(entry, number) if own_id else number
        base = short_id(entry.item_id or number) if own_id else number
        items: list[tuple[AudioField, SourceItem | Skipped]] = []
        for audio in entry.audio:
            item_id = only_id if len(entry.audio) == 1 else f"{base}/{short_id(audio.column)}"
            item = self._item(audio, self._details_of(audio, details), item_id=item_id)
            if item is not None and not is_another_name(audio, item, items):
                items.append((audio, item))
        if not items:
            yield self._guessed(entry, details, item_id=only_id)
        for _, item in items:
            yield replace(item, item_id=only_id) if len(items) == 1 else item

    def _note_left_out(self, fields: Mapping[str, Json], entry: Entry) -> None:
        compared = {each.column for each in entry.audio}
        stems = {stem_of(each.value) for each in entry.audio if isinstance(each.value, str)}
        for each in audio_fields(fields):
            text = each.value if isinstance(each.value, str) else None
            another = text is None or (called_like_audio(text) and stem_of(text) not in stems)
            is_left_out = each.sure and another and each.column not in compared
            if is_left_out and len(self.left_out) < _MOST_LEFT_OUT:
                self.left_out[short_id(each.column)] = None

    def _details_of(self, audio: AudioField, details: EntryDetails) -> EntryDetails:
        stated = {**audio.around, **audio.value} if isinstance(audio.value, dict) else audio.around
        return details_within(stated, details, own_rate=lambda: self._own_rate(audio))

    def _own_rate(self, audio: AudioField) -> float | None:
        path = text_of(audio.value, *_PATHS) if isinstance(audio.value, dict) else audio.value
        try:
            return own_rate(self.resolver.place(path)) if isinstance(path, str) else None
        except ItemRefused:
            return None

    def _item(self, audio: AudioField, details: EntryDetails, *, item_id: str) -> SourceItem | Skipped | None:
        """The item of one value; None where it names no audio (a page of a video)."""
        try:
            return self._of_value(audio.value, details, item_id=item_id)
        except ItemRefused as error:
            return self._skipped(error, item_id)

    def _of_value(self, value: Json, details: EntryDetails, *, item_id: str) -> SourceItem | Skipped | None:
        if isinstance(value, dict):
            return self._of_object(value, details, item_id=item_id)
        if isinstance(value, list):
            return self._of_samples(value, stated_rate(details.metadata), details, item_id=item_id)
        text = text_of({"": value}, "")
        if text is None:
            return self._skipped(BadEntry(name=item_id, detail="it names no audio"), item_id)
        if youtube_of(text[:LONGEST_NAME]):
            return None
        audio_held = base64_audio(text, max_bytes=self.limits.item_bytes)
        if audio_held is not None:
            return item_of_bytes(audio_held, item_id=item_id, path=self.source, details=details)
        # blanks at the ends can be part of the name
        return self._at(value if isinstance(value, str) else text, details, item_id=item_id)

    def _of_samples(
        self, samples: list[Json], rate_hz: float | None, details: EntryDetails, *, item_id: str
    ) -> SourceItem:
        from earwitness.api.datasets.entries.sample_arrays import (
            array_audio,  # loads numpy; few rows hold samples
        )

        audio = array_audio(samples, rate_hz=rate_hz, name=item_id, max_bytes=self.limits.item_bytes)
        return item_of_bytes(audio, item_id=item_id, path=self.source, details=details)

    def _of_object(
        self, value: Mapping[str, Json], details: EntryDetails, *, item_id: str
    ) -> SourceItem | Skipped | None:
        held = value.get("array")
        if isinstance(held, list):
            rate = stated_rate(value) or stated_rate(details.metadata)
            return self._of_samples(held, rate, details, item_id=item_id)
        text = value.get("bytes")
        if isinstance(text, str) and text:
            given = base64_audio(text, max_bytes=self.limits.item_bytes)
            if given is None:
                return self._skipped(
                    BadEntry(name=item_id, detail="its bytes are no base64 of audio"), item_id
                )
            return item_of_bytes(given, item_id=item_id, path=self.source, details=details)
        path = text_of(value, *_PATHS)
        if path is None:
            return self._skipped(BadEntry(name=item_id, detail="neither bytes nor a path"), item_id)
        return None if youtube_of(path[:LONGEST_NAME]) else self._at(path, details, item_id=item_id)

    def _at(self, text: str, details: EntryDetails, *, item_id: str) -> SourceItem | Skipped:
        return item_of_path(
            text, item_id=item_id, resolver=self.resolver, limits=self.limits, details=details
        )

    def _guessed(self, entry: Entry, details: EntryDetails, *, item_id: str) -> SourceItem | Skipped:
        """The file of one of the usual names; without one, a link if the row identifies a recording."""
        try:
            place = self.resolver.guess(entry.guesses)
        except ItemRefused as error:
            return self._skipped(error, item_id)
        if place is not None:
            if stem_of(place.name) not in {
                stem_of(f"{entry.guesses[0]}.x"),
                stem_of(f"Y{entry.guesses[0]}.x"),
            }:
                # its name states the start: the file is the stretch itself
                details = replace(details, stretch=WHOLE_FILE, problem=None)
            return item_of_file(place, item_id=item_id, limits=self.limits, details=details)
        identifiers = entry.identifiers or _linked(entry)
        if not identifiers:
            missing = ItemMissing(name=entry.guesses[0]) if entry.guesses else None
            return self._skipped(missing or BadEntry(name=item_id, detail="it names no audio"), item_id)
        return SourceItem(
            item_id=item_id,
            path=self.source,
            open=None,
            shard=self.shard,
            start_s=details.stretch.start_s,
            end_s=details.stretch.end_s,
            identifiers=identifiers,
            metadata=details.metadata,
        )

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self.source, shard=self.shard)


def _linked(entry: Entry) -> Identifiers | None:
    """The video that the row links to where its audio should be; None where it links to none."""
    for each in entry.audio:
        text = text_of(each.value, *_PATHS) if isinstance(each.value, dict) else each.value
        video = youtube_of(text[:LONGEST_NAME]) if isinstance(text, str) else None
        if video is not None:
            return Identifiers(youtube=video)
    return None


def _own_id(entry: Entry, number: str) -> str:
    """The id of a row that is one item: its own, or its one path where that is short enough to be one."""
    if entry.item_id is not None:
        return short_id(entry.item_id)
    value = entry.audio[0].value if entry.audio else None
    if entry.path is not None:
        value = entry.path
    if isinstance(value, dict):
        value = value.get("path")
    return label(value.strip()) if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_ID else number


def is_another_name(
    audio: AudioField, item: SourceItem | Skipped, earlier: list[tuple[AudioField, SourceItem | Skipped]]
) -> bool:
    """Whether a further column names the file and stretch of an earlier one, or no file that is here."""
    if not earlier:
        return False
    if isinstance(item, SourceItem):
        return any(
            isinstance(each, SourceItem)
            and each.file is not None
            and (each.file, each.start_s, each.end_s) == (item.file, item.start_s, item.end_s)
            for _, each in earlier
        )
    stems = {
        stem_of(each.value)
        for each, _ in earlier
        if isinstance(each.value, str) and (item.code != "bad_entry" or each.around == audio.around)
    }
    return not audio.sure or (isinstance(audio.value, str) and stem_of(audio.value) in stems)
