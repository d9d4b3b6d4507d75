"""The process that reads the tables of a pack: memory is limited, and it ends with its parent.

It gets the open pack and the place of one table in it, and sends the table's rows: texts and numbers as
JSON, arrays as bytes. Its parent checks every row.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sys
from typing import Any, Final

from earwitness.api.child_process import limit_memory
from earwitness.api.datasets.isolated.guarded_lookup import describe_exception
from earwitness.api.datasets.isolated.message_frames import Channel
from earwitness.api.packs.pack_tables import schema_of

ARRAYS: Final = ("codes", "peak_frames", "peak_bands", "chromaprint")
"""Columns that are sent as bytes, in this order."""
ROWS_AT_ONCE: Final = {"files.parquet": 1_000, "names.parquet": 1_000, "sound.parquet": 1}


def main() -> None:
    """Serve the socket whose number is the first argument."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionError):  # the parent has ended
        message = channel.receive()
        assert message.descriptor is not None  # the parent sends the pack with its request
        limit_memory(message.header["memory_bytes"])
        with os.fdopen(message.descriptor, "rb") as pack:
            part = _Slice(pack, message.header["offset"], message.header["size_bytes"])
            try:
                _send_rows(channel, message.header["part"], part)
            except (EOFError, BrokenPipeError, ConnectionError):
                raise
            except Exception as error:  # whatever a library does with hostile bytes is the parent's to report
                channel.send({"type": "failed", "detail": describe_exception(error)})


def _send_rows(channel: Channel, part: str, file: io.RawIOBase) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(pa.PythonFile(file, mode="r"), pre_buffer=False)
    if not table.schema_arrow.equals(schema_of(part)):
        raise ValueError("its columns are not those of a pack")
    for batch in table.iter_batches(batch_size=ROWS_AT_ONCE[part], use_threads=False):
        if part != "sound.parquet":
            channel.send({"type": "rows", "rows": [_plain(row) for row in batch.to_pylist()]})
            continue
        for number in range(len(batch)):
            arrays = [_bytes(batch.column(name)[number]) for name in ARRAYS]
            row = {
                name: batch.column(name)[number].as_py() for name in batch.schema.names if name not in ARRAYS
            }
            sizes = [None if each is None else len(each) for each in arrays]
            payload = b"".join(each for each in arrays if each is not None)
            channel.send({"type": "rows", "rows": [_plain(row)], "sizes": sizes}, payload)
    channel.send({"type": "end"})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}


def _bytes(scalar: Any) -> bytes | None:
    if not scalar.is_valid:
        return None
    if hasattr(scalar, "values"):
        array: bytes = scalar.values.to_numpy(zero_copy_only=False).tobytes()
        return array
    text: bytes = scalar.as_py()
    return text


class _Slice(io.RawIOBase):
    """The bytes of one member of the pack, as a file of its own."""

    def __init__(self, file: Any, offset: int, size_bytes: int) -> None:
        self._file, self._begin, self._size, self._at = file, offset, size_bytes, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._at, 0)
        n_bytes = left if size < 0 else min(size, left)
        data: bytes = os.pread(self._file.fileno(), n_bytes, self._begin + self._at)
        self._at += len(data)
        return data
