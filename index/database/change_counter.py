"""How many changes a catalog went through, kept beside it: so that changes that are lost are noticed.

SQLite drops the end of a log whose bytes changed, without a word. The number of the last change is therefore
kept in a file of its own, which is written after each change is on the disk: a catalog that is behind it has
lost something. The file has two slots that are written in turn, each with its checksum, so that a crash
while it is written leaves the number before.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import Final

from earwitness.index.store.files import convert_write_errors, fsync_folder
from earwitness.index.store.store_errors import DiskFailed

COUNTER_FILE: Final = "catalog.counter"
SLOT_BYTES: Final = 64


def write_number(path: Path, number: int) -> None:
    """Keep the number of a change; it is on the disk when this returns."""
    with convert_write_errors(path):
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.pwrite(descriptor, _slot(number), number % 2 * SLOT_BYTES)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            fsync_folder(path.parent)


def last_number(path: Path) -> int:
    """The number of the last change that was noted; 0 where none was."""
    return max((number for number in _slots(path) if number is not None), default=0)


def is_intact(path: Path) -> bool:
    """Whether every slot is as it was written."""
    return None not in _slots(path)


def _slot(number: int) -> bytes:
    text = f"{number:020d}"
    checksum = blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text} {checksum}".ljust(SLOT_BYTES - 1).encode() + b"\n"


def _slots(path: Path) -> list[int | None]:
    """The numbers in the slots that were ever written; None for one whose bytes changed."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DiskFailed(path=str(path), reason=error.strerror or str(error)) from error
    slots = [stored[start : start + SLOT_BYTES] for start in range(0, len(stored), SLOT_BYTES)]
    return [_number(slot) for slot in slots if slot.strip(b"\0")]


def _number(slot: bytes) -> int | None:
    digits = slot[:20]
    number = int(digits) if digits.isdigit() else -1
    return number if number >= 0 and slot == _slot(number) else None
