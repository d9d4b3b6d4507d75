"""Turns one understood row, of a manifest or a table, into its items: one for each value that is audio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from earwitness.api.datasets.entries.embedded_audio import (
    array_audio,
    base64_audio,
    rate_named,
)
from earwitness.api.datasets.entries.entry_items import (
    About,
    held_item,
    named_item,
    placed_item,
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
from earwitness.api.datasets.items import Json, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.manifests.columns import Named, named_audio, stem_of
from earwitness.api.datasets.manifests.json_text import shown_json, text_of
from earwitness.api.datasets.manifests.presets import Entry, Layout
from earwitness.api.datasets.members import called_like_audio
from earwitness.api.datasets.names import label

_MOST_LEFT_OUT: Final = 100


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
    """Columns that name audio, too, where another one was asked for; as far as rows were gone through."""

    def about(self, fields: Mapping[str, Json], entry: Entry) -> About:
        """What a row says of its audio, wherever that lies."""
        return About(
            identifiers=entry.identifiers,
            metadata=shown_json(fields),
            stretch=entry.stretch,
            problem=entry.problem,
            shard=self.shard,
        )

    def items(
        self, fields: Mapping[str, Json], number: str, *, own_id: bool = True
    ) -> Iterator[SourceItem | Skipped]:
        """One item for each column that names or holds audio; else a guess, or a link.

        Parameters
        ----------
        number : str
            Where the row is: the item's id, unless the row has one and ``own_id`` is true.
        """
        entry = self.layout.entry(fields, own_rate=self._own_rate)
        about = self.about(fields, entry)
        if self.layout.path_column is not None:
            self._note_left_out(fields, entry)
        own = _own_id(entry, number) if own_id else number
        base = short_id(entry.item_id or number) if own_id else number
        found: list[tuple[Named, SourceItem | Skipped]] = []
        for named in entry.named:
            item_id = own if len(entry.named) == 1 else f"{base}/{short_id(named.column)}"
            item = self._found(named, about, item_id=item_id)
            if item is not None and not is_another_name(named, item, found):
                found.append((named, item))
        if not found:
            yield self._guessed(entry, about, item_id=own)
        for _, item in found:
            yield replace(item, item_id=own) if len(found) == 1 else item

    def _note_left_out(self, fields: Mapping[str, Json], entry: Entry) -> None:
        taken = {each.column for each in entry.named}
        stems = {stem_of(each.value) for each in entry.named if isinstance(each.value, str)}
        for each in named_audio(fields):
            text = each.value if isinstance(each.value, str) else None
            another = text is None or (called_like_audio(text) and stem_of(text) not in stems)
            if each.sure and another and each.column not in taken and len(self.left_out) < _MOST_LEFT_OUT:
                self.left_out[short_id(each.column)] = None

    def _own_rate(self, named: Named) -> float | None:
        try:
            return own_rate(self.resolver.place(named.value)) if isinstance(named.value, str) else None
        except ItemRefused:
            return None

    def _found(self, named: Named, about: About, *, item_id: str) -> SourceItem | Skipped | None:
        """The item of one value; None where it names no audio (a page of a video)."""
        try:
            return self._of_value(named.value, about, item_id=item_id)
        except ItemRefused as error:
            return self._skipped(error, item_id)

    def _of_value(self, value: Json, about: About, *, item_id: str) -> SourceItem | Skipped | None:
        if isinstance(value, dict):
            return self._of_object(value, about, item_id=item_id)
        if isinstance(value, list):
            audio = array_audio(
                value, rate_hz=rate_named(about.metadata), name=item_id, max_bytes=self.limits.item_bytes
            )
            return held_item(audio, item_id=item_id, path=self.source, about=about)
        text = text_of({"": value}, "")
        if text is None:
            return self._skipped(BadEntry(name=item_id, detail="it names no audio"), item_id)
        if youtube_of(text[:LONGEST_NAME]):
            return None
        audio_held = base64_audio(text, max_bytes=self.limits.item_bytes)
        if audio_held is not None:
            return held_item(audio_held, item_id=item_id, path=self.source, about=about)
        # blanks at the ends of a name can be a part of it
        return self._at(value if isinstance(value, str) else text, about, item_id=item_id)

    def _of_object(
        self, value: Mapping[str, Json], about: About, *, item_id: str
    ) -> SourceItem | Skipped | None:
        held = value.get("array")
        if isinstance(held, list):
            rate = rate_named(value) or rate_named(about.metadata)
            audio = array_audio(held, rate_hz=rate, name=item_id, max_bytes=self.limits.item_bytes)
            return held_item(audio, item_id=item_id, path=self.source, about=about)
        text = value.get("bytes")
        if isinstance(text, str) and text:
            given = base64_audio(text, max_bytes=self.limits.item_bytes)
            if given is None:
                return self._skipped(
                    BadEntry(name=item_id, detail="its bytes are no base64 of audio"), item_id
                )
            return held_item(given, item_id=item_id, path=self.source, about=about)
        path = text_of(
            value, "path", "file", "filepath", "file_path", "filename", "file_name", "src", "url", "uri"
        )
        if path is None:
            return self._skipped(BadEntry(name=item_id, detail="neither bytes nor a path"), item_id)
        return None if youtube_of(path[:LONGEST_NAME]) else self._at(path, about, item_id=item_id)

    def _at(self, text: str, about: About, *, item_id: str) -> SourceItem | Skipped:
        return named_item(text, item_id=item_id, resolver=self.resolver, limits=self.limits, about=about)

    def _guessed(self, entry: Entry, about: About, *, item_id: str) -> SourceItem | Skipped:
        """The file under one of the usual names; a link where none is there and a recording is identified."""
        try:
            place = self.resolver.guess(entry.guesses)
        except ItemRefused as error:
            return self._skipped(error, item_id)
        if place is not None:
            if stem_of(place.name) not in {
                stem_of(f"{entry.guesses[0]}.x"),
                stem_of(f"Y{entry.guesses[0]}.x"),
            }:
                # the name says from where to where: the file is the stretch
                about = replace(about, stretch=WHOLE_FILE, problem=None)
            return placed_item(place, item_id=item_id, limits=self.limits, about=about)
        if not entry.identifiers:
            missing = ItemMissing(name=entry.guesses[0]) if entry.guesses else None
            return self._skipped(missing or BadEntry(name=item_id, detail="it names no audio"), item_id)
        return SourceItem(
            item_id=item_id,
            path=self.source,
            open=None,
            shard=self.shard,
            start_s=about.stretch.start_s,
            end_s=about.stretch.end_s,
            identifiers=entry.identifiers,
            metadata=about.metadata,
        )

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self.source, shard=self.shard)


def _own_id(entry: Entry, number: str) -> str:
    """The id of a row that is one item: its own, or its one path where that is short enough to be one."""
    if entry.item_id is not None:
        return short_id(entry.item_id)
    value = entry.named[0].value if entry.named else None
    if entry.path is not None:
        value = entry.path
    if isinstance(value, dict):
        value = value.get("path")
    return label(value.strip()) if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_ID else number


def is_another_name(
    named: Named, item: SourceItem | Skipped, found: list[tuple[Named, SourceItem | Skipped]]
) -> bool:
    """Whether a further column only names again what an earlier one does, or names no file of this place."""
    if not found:
        return False
    if isinstance(item, SourceItem):
        return any(
            isinstance(each, SourceItem) and each.file is not None and each.file == item.file
            for _, each in found
        )
    stems = {stem_of(each.value) for each, _ in found if isinstance(each.value, str)}
    return not named.sure or (isinstance(named.value, str) and stem_of(named.value) in stems)
