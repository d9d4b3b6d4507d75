"""Writes the same items in each format that a scan is measured on, with the format's own library."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.data.scan_items import Item

PER_SHARD: Final = 1_000


def write_folder(items: Sequence[Item], folder: Path, target: Path) -> None:
    """Write a plain folder of hard links to the items."""
    for item in items:
        place = target / item.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.hardlink_to(folder / item.name)


def write_shards(items: Sequence[Item], folder: Path, target: Path) -> None:
    """Write WebDataset shards, with the truth about each item as JSON."""
    from webdataset import ShardWriter

    with ShardWriter(f"{target}/items-%04d.tar", maxcount=PER_SHARD, verbose=0) as shards:
        for item in items:
            audio = (folder / item.name).read_bytes()
            about = {"track": item.track, "start_s": item.start_s}
            shards.write({"__key__": Path(item.name).stem, item.format: audio, "json": about})


def write_parquet(items: Sequence[Item], folder: Path, target: Path) -> None:
    """Write Parquet files with an Audio column, with Hugging Face's library."""
    for number, some in enumerate(_shares(items)):
        _audio_table(some, folder).to_parquet(target / f"train-{number:05d}.parquet")


def _audio_table(items: Sequence[Item], folder: Path) -> Any:  # the library is not typed
    import pyarrow as pa
    from datasets import Audio, Dataset, DatasetInfo, Features, Value

    features = Features({"audio": Audio(decode=False), "track": Value("string")})
    audio = [{"bytes": (folder / item.name).read_bytes(), "path": item.name} for item in items]
    columns: dict[str, Any] = {"audio": audio, "track": [item.track for item in items]}
    return Dataset(pa.table(columns, schema=features.arrow_schema), info=DatasetInfo(features=features))


def _shares(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), PER_SHARD):
        yield items[start : start + PER_SHARD]


PACKINGS: Final[dict[str, Callable[[Sequence[Item], Path, Path], None]]] = {
    "folder": write_folder,
    "tar": write_shards,
    "parquet": write_parquet,
}


def pack(packing: str, items: Sequence[Item], *, folder: Path, target: Path) -> Path:
    """Write the items in `folder` in a packing to `target` unless it exists; return `target`."""
    if not target.exists():
        beside = target.with_name(target.name + ".part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        PACKINGS[packing](items, folder, beside)
        beside.rename(target)
    return target
