"""The tables of a pack, as Parquet that any reader of it understands.

``files.parquet`` has one row a file: ``path``, ``size_bytes``, and its digests ``md5``, ``sha1``,
``sha256``. ``names.parquet`` has one row an entry that names a recording: ``place`` in its list,
``artists``, ``title``, ``album``, ``duration_s``, and ``ids``, each as ``kind:value``. ``sound.parquet`` has
one row an item: ``path``, ``sha256`` of its bytes, ``size_bytes``, ``start_s`` and ``end_s`` of the part of
the file that is the item, ``metadata`` (JSON), ``error_code`` and its texts where it could not be read, and
``recording``, a number; the first row of a recording has its fingerprint: ``duration_s``, ``active_s``,
``codes``, ``peak_frames``, ``peak_bands``, ``chromaprint``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from earwitness.index.store.dataset_rows import DatasetRow

SOUND_COLUMNS: Final = (
    "path", "sha256", "size_bytes", "start_s", "end_s", "metadata", "error_code", "error_message",
    "error_hint", "recording", "duration_s", "active_s", "codes", "peak_frames", "peak_bands", "chromaprint",
)  # fmt: skip
ROWS_A_GROUP: Final = {"files.parquet": 10_000, "names.parquet": 10_000, "sound.parquet": 64}


def schema_of(part: str) -> Any:
    """Return the Arrow schema of a table."""
    import pyarrow as pa

    text: Any = pa.string()
    number: Any = pa.float64()
    integer: Any = pa.int64()
    if part == "names.parquet":
        several: Any = pa.list_(text)
        named = [("artists", several), ("title", text), ("album", text), ("duration_s", number)]
        return pa.schema([("place", text), *named, ("ids", several)])
    if part == "files.parquet":
        digests: list[Any] = [
            (kind, pa.binary(width)) for kind, width in (("md5", 16), ("sha1", 20), ("sha256", 32))
        ]
        return pa.schema([("path", text), ("size_bytes", integer), *digests])
    types: dict[str, Any] = {
        "sha256": pa.binary(32),
        "size_bytes": integer,
        "start_s": number,
        "end_s": number,
        "recording": integer,
        "duration_s": number,
        "active_s": number,
        "codes": pa.binary(),
        "peak_frames": pa.list_(pa.int32()),
        "peak_bands": pa.list_(pa.uint8()),
        "chromaprint": pa.list_(pa.uint32()),
    }
    return pa.schema([(name, types.get(name, text)) for name in SOUND_COLUMNS])


def write_table(path: Path, part: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the rows of a table and return their number; memory does not grow with it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, n_rows = schema_of(part), 0
    with pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False) as writer:
        unwritten = iter(rows)
        while group := list(islice(unwritten, ROWS_A_GROUP[part])):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            n_rows += len(group)
    return n_rows


def file_rows(rows: Iterable[DatasetRow]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``files.parquet``: items that are whole files, each path once."""
    for row in rows:
        item = row.item
        if item.sha256 is not None and item.start_s is None and item.end_s is None:
            yield {"path": item.path, "size_bytes": row.size_bytes, "sha256": bytes.fromhex(item.sha256)}


def sound_rows(rows: Iterable[DatasetRow], *, with_names: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``sound.parquet``; without names, the metadata of items is left out."""
    for row in rows:
        item, failure, fingerprint = row.item, row.item.failure, row.fingerprint
        fields: dict[str, Any] = {
            "path": item.path,
            "sha256": None if item.sha256 is None else bytes.fromhex(item.sha256),
            "size_bytes": row.size_bytes,
            "start_s": item.start_s,
            "end_s": item.end_s,
            "metadata": json.dumps(dict(item.metadata)) if with_names and item.metadata else None,
            "recording": item.recording,
        }
        if failure is not None:
            fields |= {
                "error_code": failure.code,
                "error_message": failure.message,
                "error_hint": failure.hint,
            }
        if fingerprint is not None:
            fields |= {
                "duration_s": fingerprint.duration_s,
                "active_s": fingerprint.active_s,
                "codes": fingerprint.codes.tobytes(),
                "peak_frames": fingerprint.peaks[:, 0],
                "peak_bands": fingerprint.peaks[:, 1].astype("uint8"),
                "chromaprint": fingerprint.chromaprint,
            }
        yield fields
