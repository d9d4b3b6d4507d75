"""Open a pack, verify every byte of it, and read its tables in a process of their own."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from earwitness.api.child_process import command
from earwitness.api.datasets.isolated.message_frames import BadMessage, Channel, Message
from earwitness.api.datasets.names import label
from earwitness.api.packs.pack_container import Member, member_blocks, opened_container
from earwitness.api.packs.pack_errors import NotAPack, PackDamaged
from earwitness.api.packs.pack_manifest import MAX_MANIFEST_BYTES, PackManifest, manifest_of
from earwitness.api.packs.pack_signature import MAX_SIGNATURE_BYTES, signer_of
from earwitness.api.settings import Settings, worker_environment
from earwitness.api.shelf.dataset_cards import Card, card_of

MODULE: Final = "earwitness.api.packs.pack_worker"
_CARD_TEXT_CHARS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRow:
    """One row of a table as the reading process sent it, not yet checked, with the bytes of its arrays."""

    fields: Mapping[str, Any]
    arrays: tuple[bytes | None, ...] = ()


class Pack:
    """A pack whose bytes are all verified; made by `opened_pack`.

    Attributes
    ----------
    path : str
        What messages call it.
    signer : str or None
        Fingerprint of the key that signed it; None where nobody did.
    sha256 : str
        Digest of the manifest, which names the digests of all parts.
    """

    def __init__(self, path: str, file: BinaryIO, members: Mapping[str, Member], settings: Settings) -> None:
        self.path, self._file, self._members, self._settings = path, file, members, settings
        text = self._small("manifest.json", MAX_MANIFEST_BYTES)
        self.manifest: PackManifest = manifest_of(text, path=path)
        self.manifest_bytes, self.sha256 = text, hashlib.sha256(text).hexdigest()
        self.signature: bytes | None = None
        self.signer: str | None = None
        if "manifest.jws" in members:
            self.signature = self._small("manifest.jws", MAX_SIGNATURE_BYTES)
            self.signer = signer_of(self.signature, text, path=path)
        self._verify_parts()
        self.card_bytes = self._small("card.json", MAX_MANIFEST_BYTES)
        self.card: Card = self._card()

    def _small(self, name: str, limit: int) -> bytes:
        member = self._members.get(name)
        if member is None:
            raise PackDamaged(path=self.path, part=name, reason="is missing")
        if member.size_bytes > limit:
            raise PackDamaged(path=self.path, part=name, reason=f"is larger than {limit:,} bytes")
        return b"".join(member_blocks(self._file, member, path=self.path))

    def _verify_parts(self) -> None:
        stated, here = self.manifest.parts, self._members.keys() - {"manifest.json", "manifest.jws"}
        for name in sorted(stated.keys() ^ here):
            reason = "is missing" if name in stated else "is not in the manifest"
            raise PackDamaged(path=self.path, part=name, reason=reason)
        for name, part in stated.items():
            digest = hashlib.sha256()
            for block in member_blocks(self._file, self._members[name], path=self.path):
                digest.update(block)
            if digest.hexdigest() != part.sha256 or self._members[name].size_bytes != part.size_bytes:
                raise PackDamaged(path=self.path, part=name, reason="is not what the manifest states")

    def _card(self) -> Card:
        try:
            card = card_of(json.loads(self.card_bytes))
            texts = [
                card.id,
                card.name,
                *(text for each in card.statements.values() for text in _texts(each)),
            ]
            if any(type(text) is not str or len(text) > _CARD_TEXT_CHARS for text in texts):
                raise ValueError("a text is too long")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"is no card ({label(str(error))[:100]})"
            raise PackDamaged(path=self.path, part="card.json", reason=reason) from error
        return card

    def rows(self, part: str) -> Iterator[PackRow]:
        """Yield the rows of a table, read in a process of its own.

        Raises
        ------
        PackDamaged
            When the table is not as the manifest states, or the process dies over it.
        """
        n_rows = 0
        for row in self._sent(part):
            n_rows += 1
            if n_rows > self.manifest.parts[part].rows:
                raise self.damaged(part, "has more rows than the manifest states")
            yield row
        if n_rows != self.manifest.parts[part].rows:
            raise self.damaged(part, "has fewer rows than the manifest states")

    def damaged(self, part: str, reason: str) -> PackDamaged:
        """Return the error that names a part of this pack."""
        return PackDamaged(path=self.path, part=part, reason=reason)

    def _sent(self, part: str) -> Iterator[PackRow]:
        member, settings = self._members[part], self._settings
        with _worker(settings.reader_wall_s) as channel:
            try:
                request = {
                    "part": part,
                    "offset": member.offset,
                    "size_bytes": member.size_bytes,
                    "memory_bytes": settings.reader_memory_bytes,
                }
                channel.send(request, descriptor=self._file.fileno())
                while (message := channel.receive()).header.get("type") == "rows":
                    yield from _rows(message)
            except (OSError, EOFError) as error:
                raise self.damaged(part, "could not be read: the process that read it ended") from error
            except BadMessage as error:
                raise self.damaged(part, "could not be read: its rows were sent in no valid form") from error
            if message.header.get("type") != "end":
                detail = label(str(message.header.get("detail")))[:200]
                raise self.damaged(part, f"could not be read: {detail}")


@contextmanager
def _worker(wall_s: float) -> Iterator[Channel]:
    parent_end, child_end = socket.socketpair()
    with child_end:
        process = subprocess.Popen(
            command(MODULE, str(child_end.fileno())),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[child_end.fileno()],
            env=worker_environment() | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
            start_new_session=True,
        )
    parent_end.settimeout(wall_s)
    channel = Channel(parent_end)
    try:
        yield channel
    finally:
        channel.close()
        process.kill()
        process.wait()


def _rows(message: Message) -> Iterator[PackRow]:
    rows, sizes = message.header.get("rows"), message.header.get("sizes")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadMessage("no rows")
    if sizes is None:
        yield from (PackRow(fields=row) for row in rows)
        return
    arrays, at = list[bytes | None](), 0
    for size in sizes if isinstance(sizes, list) else ():
        if size is not None and (type(size) is not int or not 0 <= size <= len(message.payload) - at):
            raise BadMessage("no sizes")
        arrays.append(None if size is None else message.payload[at : at + size])
        at += size or 0
    if len(rows) != 1:
        raise BadMessage("not one row")
    yield PackRow(fields=rows[0], arrays=tuple(arrays))


def _texts(statement: Any) -> Iterator[object]:
    yield from (statement.source, statement.date)
    if isinstance(statement.value, list):
        yield from statement.value
    elif not isinstance(statement.value, int):
        yield statement.value


@contextmanager
def opened_pack(
    source: Path | BinaryIO, settings: Settings, *, shown_as: str | None = None
) -> Iterator[Pack]:
    """Open a pack and verify all of its bytes, its signature included; whose key it is, is for the caller.

    Parameters
    ----------
    source
        A path, or an open file that can be read at any place.
    shown_as
        What messages call it; by default, its path.

    Raises
    ------
    NotAPack, PackDamaged, PackTooNew, PackSignatureWrong
    """
    path = shown_as or str(source)
    with opened_container(source, shown_as=path) as (file, members):
        if "card.json" not in members:
            raise NotAPack(path=path, reason="it has no card")
        yield Pack(path, file, members, settings)
