"""An item's bytes, had once: hashed and counted on the way, in memory while they are few."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from earwitness.api.datasets.isolated.sealed_memory import is_sealed
from earwitness.api.datasets.item_errors import NoSound
from earwitness.api.datasets.items import SourceItem

HELD_BYTES: Final = 32 << 20
"""An item up to this size is held in memory; a larger one is read from its file or an unlinked copy."""
BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBytes:
    """An item's bytes, had once: ready for the decoder, hashed and counted."""

    source: Path | bytes | BinaryIO
    sha256: str
    size_bytes: int


@contextmanager
def taken(recording: SourceItem, *, held_bytes: int = HELD_BYTES) -> Iterator[ItemBytes]:
    """Read an item's bytes once, hashing them on the way; nothing of them is left on disk afterwards.

    Raises
    ------
    ItemRefused
        When the bytes cannot be had.
    """
    if recording.open is None:
        raise NoSound(name=recording.item_id)
    with recording.open() as stream, ExitStack() as afterwards:
        if is_sealed(stream):
            digest, size = hashlib.file_digest(stream, "sha256"), stream.tell()
            stream.seek(0)
            yield ItemBytes(source=stream, sha256=digest.hexdigest(), size_bytes=size)
            return
        head = read_up_to(stream, held_bytes + 1)
        digest = hashlib.sha256(head)
        if len(head) <= held_bytes:
            yield ItemBytes(source=head, sha256=digest.hexdigest(), size_bytes=len(head))
            return
        spool, size = afterwards.enter_context(tempfile.TemporaryFile()), len(head)
        keep = recording.file is None
        if keep:
            spool.write(head)
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            if keep:
                spool.write(block)
        spool.seek(0)
        yield ItemBytes(source=recording.file or spool, sha256=digest.hexdigest(), size_bytes=size)


def read_up_to(stream: BinaryIO, n_bytes: int) -> bytes:
    """Read up to `n_bytes`, fewer only at the stream's end."""
    blocks = io.BytesIO()
    while blocks.tell() < n_bytes and (block := stream.read(min(BLOCK_BYTES, n_bytes - blocks.tell()))):
        blocks.write(block)
    return blocks.getvalue()
