"""Read an item's bytes once, hashing and counting them; large items are spooled to disk."""

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
    """The bytes of one item, ready for the decoder, with their sha256 and their number."""

    source: Path | bytes | BinaryIO
    sha256: str
    size_bytes: int


@contextmanager
def read_item(item: SourceItem, *, held_bytes: int = HELD_BYTES) -> Iterator[ItemBytes]:
    """Read an item's bytes once and hash them; no copy stays on disk afterwards.

    Raises
    ------
    ItemRefused
        When the bytes cannot be read.
    """
    if item.open is None:
        raise NoSound(name=item.item_id)
    with item.open() as stream, ExitStack() as stack:
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
        spool, size = stack.enter_context(tempfile.TemporaryFile()), len(head)
        needs_copy = item.file is None
        if needs_copy:
            spool.write(head)
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            if needs_copy:
                spool.write(block)
        spool.seek(0)
        yield ItemBytes(source=item.file or spool, sha256=digest.hexdigest(), size_bytes=size)


def read_up_to(stream: BinaryIO, n_bytes: int) -> bytes:
    """Read up to `n_bytes`, fewer only at the stream's end."""
    blocks = io.BytesIO()
    while blocks.tell() < n_bytes and (block := stream.read(min(BLOCK_BYTES, n_bytes - blocks.tell()))):
        blocks.write(block)
    return blocks.getvalue()
