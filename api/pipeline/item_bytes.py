"""Read an item's bytes once, hashing and counting them; large items are spooled to disk."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
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
    """The bytes of one item, ready for the decoder, with their digests and their number.

    Attributes
    ----------
    digests : mapping of str to str
        Digests in hexadecimal by kind: the sha256, and those that were requested.
    """

    source: Path | bytes | BinaryIO
    digests: Mapping[str, str]
    size_bytes: int

    @property
    def sha256(self) -> str:
        """The sha256 of the bytes, in hexadecimal."""
        return self.digests["sha256"]


class Digests:
    """Digests of several kinds of the same bytes, computed as the bytes are read."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        self._hashes = {kind: hashlib.new(kind, usedforsecurity=False) for kind in sorted({"sha256", *kinds})}

    def update(self, block: bytes) -> None:
        """Add the bytes that follow."""
        for digest in self._hashes.values():
            digest.update(block)

    def values(self) -> dict[str, str]:
        """Return the digests of the bytes so far, in hexadecimal, by kind."""
        return {kind: digest.hexdigest() for kind, digest in self._hashes.items()}


@contextmanager
def read_item(
    item: SourceItem, *, held_bytes: int = HELD_BYTES, kinds: Iterable[str] = ()
) -> Iterator[ItemBytes]:
    """Read an item's bytes once and hash them; no copy stays on disk afterwards.

    Parameters
    ----------
    kinds
        Kinds of digest besides the sha256: ``md5``, ``sha1``.

    Raises
    ------
    ItemRefused
        When the bytes cannot be read.
    """
    if item.open is None:
        raise NoSound(name=item.item_id)
    digests = Digests(kinds)
    with item.open() as stream, ExitStack() as stack:
        if is_sealed(stream):
            size = _hash(stream, digests)
            stream.seek(0)
            yield ItemBytes(source=stream, digests=digests.values(), size_bytes=size)
            return
        head = read_up_to(stream, held_bytes + 1)
        digests.update(head)
        if len(head) <= held_bytes:
            yield ItemBytes(source=head, digests=digests.values(), size_bytes=len(head))
            return
        spool = stack.enter_context(tempfile.TemporaryFile())
        needs_copy = item.file is None
        if needs_copy:
            spool.write(head)
        size = len(head) + _hash(stream, digests, copy=spool if needs_copy else None)
        spool.seek(0)
        yield ItemBytes(source=item.file or spool, digests=digests.values(), size_bytes=size)


def _hash(stream: BinaryIO, digests: Digests, *, copy: BinaryIO | None = None) -> int:
    """Hash the rest of a stream, and copy it if requested; return the number of bytes."""
    size = 0
    while block := stream.read(BLOCK_BYTES):
        digests.update(block)
        size += len(block)
        if copy is not None:
            copy.write(block)
    return size


def read_up_to(stream: BinaryIO, n_bytes: int) -> bytes:
    """Read up to `n_bytes`, fewer only at the stream's end."""
    blocks = io.BytesIO()
    while blocks.tell() < n_bytes and (block := stream.read(min(BLOCK_BYTES, n_bytes - blocks.tell()))):
        blocks.write(block)
    return blocks.getvalue()
