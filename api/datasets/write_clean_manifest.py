"""Writes a dataset's manifest again without the entries that are to be left out."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeAlias, cast

from earwitness.api.datasets.items import Manifest, Reader, SourceItem
from earwitness.index.store.files import write_durably

Write: TypeAlias = Callable[[bytes], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The numbers of entries that were written and left out.

    Attributes
    ----------
    form : str
        The format of the clean manifest.
    note : str or None
        Why the format differs from the source's, or which items that may stay are left out.
    """

    form: str
    n_kept: int
    n_left_out: int
    note: str | None = None

    @property
    def sentence(self) -> str:
        """A sentence that reports the numbers."""
        counts = f"{self.n_kept:,} stay, {self.n_left_out:,} left out (as {self.form})"
        return f"{counts}; {self.note}" if self.note else counts


def write_clean(reader: Reader, exclude_ids: Collection[str], out: Path) -> Cleaned:
    """Write the manifest without the excluded items, in the source's own format where it has one.

    CSV, TSV, JSON lines, lists, Kaldi and Lhotse manifests keep their header and rows byte for byte; those of
    a JSON array become JSON lines. An entry with several items is left out when one of them is. A name
    that ends in ``.gz``, ``.bz2``, ``.xz`` or ``.zst`` packs them. WebDataset gives the list of the shards
    that hold nothing excluded, one a line; where no shard does, an index of the samples that may stay. Any
    other source gives JSON lines of id, path and shard, with start and end where an item is a stretch.

    Parameters
    ----------
    reader : Reader
        Of the source; it is read once more.
    exclude_ids : collection of str
        Item ids to leave out.
    out : Path
        Written completely or not at all.
    """
    excluded = frozenset(exclude_ids)
    form, note, entries = _entries(reader, excluded)
    counts = {True: 0, False: 0}

    def write(write_bytes: Write) -> None:
        for text, item_ids in entries:
            stays = excluded.isdisjoint(item_ids)
            counts[stays] += bool(item_ids)
            if stays:
                write_bytes(text)

    pack = _PACKERS.get(out.suffix)
    write_durably(out, write if pack is None else _packing(write, pack))
    return Cleaned(form=form, n_kept=counts[True], n_left_out=counts[False], note=note)


class _Packer(Protocol):
    def write(self, data: bytes, /) -> int: ...

    def close(self) -> None: ...


def _zstandard(sink: _Sink) -> _Packer:
    import zstandard

    return cast(_Packer, zstandard.ZstdCompressor().stream_writer(cast(BinaryIO, sink), closefd=False))


_PACKERS: Final[dict[str, Callable[[_Sink], _Packer]]] = {
    ".gz": lambda sink: cast(_Packer, gzip.GzipFile(fileobj=cast(BinaryIO, sink), mode="wb", mtime=0)),
    ".bz2": lambda sink: cast(_Packer, bz2.BZ2File(cast(BinaryIO, sink), "wb")),
    ".xz": lambda sink: cast(_Packer, lzma.LZMAFile(cast(BinaryIO, sink), "wb")),  # noqa: SIM115
    ".zst": _zstandard,
}


def _packing(write: Callable[[Write], None], pack: Callable[[_Sink], _Packer]) -> Callable[[Write], None]:
    def packed(write_bytes: Write) -> None:
        packer = pack(_Sink(write_bytes))
        write(packer.write)
        packer.close()

    return packed


class _Sink:
    """A file that can only be written to."""

    def __init__(self, write_bytes: Write) -> None:
        self._write = write_bytes

    def write(self, data: bytes, /) -> int:
        """Pass the bytes on."""
        self._write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: the file is flushed at its end."""


_Entries: TypeAlias = Iterator[tuple[bytes, tuple[str, ...]]]


def _entries(reader: Reader, excluded: frozenset[str]) -> tuple[str, str | None, _Entries]:
    """The format of the clean manifest, a note, and its entries with their items' ids."""
    if isinstance(reader, Manifest):
        form, note = reader.format, None
        if form == "json":
            form, note = "jsonl", "the entries of a JSON array are written as JSON lines"
        return form, note, ((entry.text, entry.item_ids) for entry in reader.written())
    if reader.format == "webdataset":
        shards = _shards(reader)
        if not shards or any(excluded.isdisjoint(ids) for ids in shards.values()):
            lost = sum(
                len(ids) - len(excluded & ids) for ids in shards.values() if not excluded.isdisjoint(ids)
            )
            note = (
                f"{lost:,} samples that may stay are in excluded shards; --exclude-list names samples"
                if lost
                else None
            )
            return "shard list", note, ((f"{s}\n".encode(), tuple(ids)) for s, ids in shards.items())
        note = "every shard holds something excluded, so this lists samples, not shards"
        return "sample index", note, _listed(reader)
    return "jsonl", f"{reader.format} has no list to write again, so this lists its items", _listed(reader)


def _shards(reader: Reader) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {shard: set() for shard in reader.shards}
    for item in reader:
        ids.setdefault(item.shard or item.path, set()).add(item.item_id)
    return ids


def _listed(reader: Reader) -> _Entries:
    for item in reader:
        entry: dict[str, str | float | None] = {"id": item.item_id, "path": item.path, "shard": item.shard}
        if isinstance(item, SourceItem) and (item.start_s, item.end_s) != (None, None):
            entry |= {"start": item.start_s or 0.0, "end": item.end_s}
        yield json.dumps(entry).encode() + b"\n", (item.item_id,)
