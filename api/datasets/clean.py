"""Writes a dataset's manifest again without the entries that are to be left out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from api.datasets.types import Manifest, Reader
from index.disk import write_durably

Keep: TypeAlias = Callable[[bytes], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What became of the entries: ``form`` says in which format the clean manifest is."""

    form: str
    n_kept: int
    n_left_out: int


def write_clean(reader: Reader, exclude_ids: Collection[str], out: Path) -> Cleaned:
    """Write the manifest of what may stay, in the source's own format where it has one.

    CSV, TSV, JSONL, Kaldi and Lhotse manifests keep their header and rows byte for byte (a ``.gz`` name packs
    them); an entry that stands for several items goes when one of them does. WebDataset gives the list of the
    shards that hold nothing excluded, one a line. Any other source gives JSON lines of id, path and shard.

    Parameters
    ----------
    reader : Reader
        Of the source; it is gone through once more.
    exclude_ids : collection of str
        Item ids to leave out.
    out : Path
        Appears whole or not at all.
    """
    excluded = frozenset(exclude_ids)
    form, entries = _entries(reader)
    counts = {True: 0, False: 0}

    def write(keep: Keep) -> None:
        for text, item_ids in entries:
            stays = excluded.isdisjoint(item_ids)
            counts[stays] += bool(item_ids)
            if stays:
                keep(text)

    write_durably(out, _packing(write) if out.suffix == ".gz" else write)
    return Cleaned(form=form, n_kept=counts[True], n_left_out=counts[False])


def _packing(write: Callable[[Keep], None]) -> Callable[[Keep], None]:
    def pack(keep: Keep) -> None:
        packer = gzip.GzipFile(fileobj=_Sink(keep), mode="wb", mtime=0)
        write(packer.write)
        packer.close()

    return pack


class _Sink:
    """A file of which only writing is asked."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def write(self, data: bytes) -> int:
        """Pass the bytes on."""
        return self._keep(bytes(data))

    def flush(self) -> None:
        """Do nothing: the file is flushed when it is whole."""


def _entries(reader: Reader) -> tuple[str, Iterator[tuple[bytes, tuple[str, ...]]]]:
    """The form of the clean manifest, and its entries with the ids that each stands for."""
    if isinstance(reader, Manifest):
        return reader.format, ((entry.text, entry.item_ids) for entry in reader.written())
    if reader.format == "webdataset":
        return "shard list", _shards(reader)
    return "jsonl", _listed(reader)


def _shards(reader: Reader) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    ids: dict[str, list[str]] = {shard: [] for shard in reader.shards}
    for item in reader:
        ids.setdefault(item.shard or item.path, []).append(item.item_id)
    for shard, item_ids in ids.items():
        yield f"{shard}\n".encode(), tuple(item_ids)


def _listed(reader: Reader) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    for item in reader:
        entry = {"id": item.item_id, "path": item.path, "shard": item.shard}
        yield json.dumps(entry).encode() + b"\n", (item.item_id,)
