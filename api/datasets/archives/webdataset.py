"""WebDataset shards: tars in which members of one basename are a sample; JSON beside audio describes it.

Nothing is unpickled and no shell is run, whatever the name of a member or a shard.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from earwitness.api.datasets.access.byte_streams import Readable, item_stream
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.access.unpack import packing_of
from earwitness.api.datasets.archives.tar_stream import Member, members, open_tar_stream
from earwitness.api.datasets.archives.tars import (
    cut_off,
    member_is_item,
    member_open,
    member_refusal,
    refuse_audio_in_text,
)
from earwitness.api.datasets.entries.identifiers import identifiers_of
from earwitness.api.datasets.file_kinds import PassedOver
from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.api.datasets.items import (
    NO_METADATA,
    Json,
    Skipped,
    SourceItem,
    SourceLimits,
)
from earwitness.api.datasets.manifests.json_text import BadJson, json_object
from earwitness.api.datasets.names import HEAD_BYTES, Names

SAMPLE_BYTES: Final = 256 << 20
"""Bytes of a compressed shard's sample that wait in memory for its JSON; a larger item gets no metadata."""
MAX_SAMPLE: Final = 10_000
"""Most members of one sample; more become several samples."""
_EXTENSION: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


@dataclass(slots=True)
class _Sample:
    """Members of one basename, collected until the next basename begins.

    Names may hold dots ("2.0 (A).mp3"), so one sample of WebDataset may be several: an item is described by
    the JSON whose name is the longest prefix of its own, never by the JSON of another item.
    """

    key: str
    items: list[tuple[str, SourceItem | Skipped]] = field(default_factory=list)
    described: dict[str, dict[str, Json]] = field(default_factory=dict)
    n_bytes: int = 0

    @property
    def must_be_yielded(self) -> bool:
        """Whether the last item is read from the stream: it must be yielded before the next member."""
        last = self.items[-1][1] if self.items else None
        return isinstance(last, SourceItem) and last.sequential

    def is_full(self, n_bytes: int) -> bool:
        """Whether a member of ``n_bytes`` cannot be added."""
        n_members = len(self.items) + len(self.described)
        return n_members >= MAX_SAMPLE or self.n_bytes + n_bytes > SAMPLE_BYTES

    def finished(self) -> Iterator[SourceItem | Skipped]:
        """The items, each with its metadata."""
        used = {self._nearest(stem) for stem, _ in self.items}
        shared = dict[str, Json]()
        for stem, metadata in self.described.items():
            if stem not in used and self._is_extension(stem):
                shared |= metadata
        for stem, item in self.items:
            nearest = self._nearest(stem)
            if nearest is not None:
                own = self.described[nearest]
            else:
                own = shared if self._is_extension(stem) else {}
            if isinstance(item, SourceItem) and own:
                yield replace(item, metadata=own, identifiers=identifiers_of(own))
            else:
                yield item

    def _nearest(self, stem: str) -> str | None:
        """The longest name of a JSON that equals this name, or is its prefix up to a dot."""
        while stem not in self.described:
            stem, dot, _ = stem.rpartition(".")
            if not dot or len(stem) < len(self.key):
                return None
        return stem

    def _is_extension(self, stem: str) -> bool:
        """Whether extensions (``vocals``) follow the key in a name, and not a title (``0 (A)``)."""
        rest = stem[len(self.key) + 1 :]
        return not rest or all(map(_EXTENSION.fullmatch, rest.split(".")))


def sample_key(name: str) -> str:
    """The name that the members of a sample share: up to the first dot of the last part."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _stem(name: str) -> str:
    """A name without its suffix."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last)


class WebDatasetReader:
    """Reads shards in order; an item's id is ``shard.tar/member``, just the member's name in a lone shard."""

    format = "webdataset"

    def __init__(self, places: Sequence[Location], *, limits: SourceLimits) -> None:
        self._places, self._limits = tuple(places), limits
        self._total: int | None = None
        self.shards = tuple(place.name for place in places)
        self.passed_over = PassedOver()

    @property
    def total(self) -> int | None:
        """How many items there are, from the headers; None unless all shards are plain local tars."""
        local = all(place.file is not None for place in self._places)
        if self._total is None and local and all(map(_is_plain, self._places)):
            self._total = sum(1 for _ in self)
        return self._total

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        self.passed_over = PassedOver()
        names = Names()
        for place in self._places:
            yield from self._shard(place, names)

    def _shard(self, place: Location, names: Names) -> Iterator[SourceItem | Skipped]:
        sample = _Sample("")
        try:
            with closing(place.open()) as stream:
                packing = packing_of(place.head(HEAD_BYTES)) or "tar"
                tar = open_tar_stream(stream, packing=packing, name=place.name, limits=self._limits)
                for member in members(tar, name=place.name, limits=self._limits):
                    key, n_bytes = sample_key(member.name), self._n_held(member, packing=packing)
                    if key != sample.key or sample.is_full(n_bytes):
                        yield from sample.finished()
                        sample = _Sample(key)
                    sample.n_bytes += n_bytes
                    self._add(member, sample, place=place, packing=packing, names=names)
                    if sample.must_be_yielded:
                        yield from sample.finished()
                        sample = _Sample(key)
                yield from sample.finished()
        except (ItemRefused, OSError) as error:
            yield from sample.finished()
            yield cut_off(error, place=place, item_id=names.take(f"{place.name}#rest"), shard=place.name)

    def _add(self, member: Member, sample: _Sample, *, place: Location, packing: str, names: Names) -> None:
        item_id = names.take(member.name if len(self._places) == 1 else f"{place.name}/{member.name}")
        refused = member_refusal(member, limits=self._limits)
        if refused is not None:
            skipped = Skipped.of(refused, item_id=item_id, path=member.name, shard=place.name)
            sample.items.append((_stem(member.name), skipped))
        elif member.kind == "file" and member.name.lower().endswith(".json"):
            text = None if member.size > self._limits.metadata_bytes else _read_all(member)
            if text is not None:
                sample.described.setdefault(_stem(member.name), {}).update(_metadata(text))
            body = member.body if text is None else io.BytesIO(text)
            self._pass_over(member, body, sample, item_id=item_id, place=place)
        elif member.kind == "file" and member_is_item(member):
            item = self._item(member, item_id=item_id, place=place, packing=packing)
            sample.items.append((_stem(member.name), item))
        elif member.kind == "file":
            self._pass_over(member, member.body, sample, item_id=item_id, place=place)

    def _pass_over(
        self, member: Member, body: Readable, sample: _Sample, *, item_id: str, place: Location
    ) -> None:
        """Count a member that is no item; report it where it is a text that holds audio."""
        refused = refuse_audio_in_text(member, body, item_id=item_id, shard=place.name)
        if refused is None:
            self.passed_over.add(member.name)
        else:
            sample.items.append((_stem(member.name), refused))

    def _n_held(self, member: Member, *, packing: str) -> int:
        """Bytes of a member that wait in memory with its sample."""
        if member.name.lower().endswith(".json"):
            return min(member.size, self._limits.metadata_bytes)
        return min(member.size, SAMPLE_BYTES) if packing != "tar" else 0

    def _item(self, member: Member, *, item_id: str, place: Location, packing: str) -> SourceItem:
        if packing == "tar":
            open_item = member_open(place, member, packing=packing, limits=self._limits)
        elif member.size > SAMPLE_BYTES:
            open_item = member_open(place, member, packing=packing, limits=self._limits)
            return SourceItem(
                item_id=item_id,
                path=member.name,
                size=member.size,
                open=open_item,
                shard=place.name,
                sequential=True,
            )
        else:
            data = _read_all(member)

            def open_item() -> BinaryIO:
                return io.BytesIO(data)

        return SourceItem(
            item_id=item_id, path=member.name, size=member.size, open=open_item, shard=place.name
        )


def _is_plain(place: Location) -> bool:
    try:
        return packing_of(place.head(HEAD_BYTES)) is None
    except OSError:  # a missing shard is reported as one item
        return True


def _metadata(text: bytes) -> dict[str, Json]:
    try:
        return json_object(text)
    except BadJson:  # the audio beside it is still an item
        return dict(NO_METADATA)


def _read_all(member: Member) -> bytes:
    return item_stream(member.body, name=member.name, max_bytes=member.size).read()
