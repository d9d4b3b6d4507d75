"""Get a pack from a web address into a file without a name, which no kill leaves behind."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.access.remote import Guard, Remote, check_scheme, is_remote
from earwitness.api.datasets.names import label
from earwitness.api.datasets.source_errors import RemoteFailed
from earwitness.api.packs.installed_packs import packs_folder
from earwitness.api.packs.pack_container import MAX_PART_BYTES
from earwitness.api.packs.pack_errors import NotAPack, PackTooLargeToGet
from earwitness.api.settings import Settings
from earwitness.index.store.files import convert_write_errors

BLOCK_BYTES: Final = 1 << 20
FIRST_BYTES: Final = b"PK\x03\x04"
SLOWEST_BYTES_PER_S: Final = 8_192
"""On average, after the first `PATIENCE_S` seconds."""
PATIENCE_S: Final = 60.0


def is_address(source: str) -> bool:
    """Whether a pack is given by its address.

    Raises
    ------
    UnknownScheme
        When it is an address of a kind that is not read.
    """
    check_scheme(source)
    return is_remote(source)


@contextmanager
def downloaded_pack(
    url: str, settings: Settings, *, max_bytes: int = MAX_PART_BYTES, allow_private: bool = False
) -> Iterator[BinaryIO]:
    """Get a file whose contents are not verified yet; it is gone when the block ends.

    Parameters
    ----------
    max_bytes
        Longest file that is fetched.
    allow_private
        Whether addresses of this machine and of private networks may be asked.

    Raises
    ------
    AddressRefused, SourceNotFound, RemoteFailed, MissingExtra
    NotAPack
        When it does not begin as a pack does.
    PackTooLargeToGet
        When it is longer than `max_bytes`, or than what is free on the disk.
    DiskFull
    """
    place = Remote(Guard(allow_private=allow_private)).place(url)
    folder = next((each for each in (packs_folder(settings), settings.home) if each.is_dir()), None)
    with tempfile.TemporaryFile(dir=folder) as file:
        free_bytes = shutil.disk_usage(folder or tempfile.gettempdir()).free
        try:
            _copy(place, file, url=url, max_bytes=min(max_bytes, free_bytes))
        except OSError as error:  # of the connection: those of the disk have been converted
            raise RemoteFailed(url=label(url), reason=reason(error)) from error
        yield file


def _copy(place: Location, file: BinaryIO, *, url: str, max_bytes: int) -> None:
    if place.size is not None and place.size > max_bytes:
        raise PackTooLargeToGet(path=label(url), limit_bytes=max_bytes)
    n_bytes, began_at = 0, time.monotonic()
    with place.open() as stream:
        while block := stream.read(BLOCK_BYTES):
            if n_bytes == 0 and block[: len(FIRST_BYTES)] != FIRST_BYTES:
                raise NotAPack(path=label(url), reason="it does not begin as a pack does")
            n_bytes += len(block)
            if n_bytes > max_bytes:
                raise PackTooLargeToGet(path=label(url), limit_bytes=max_bytes)
            waited_s = time.monotonic() - began_at
            if waited_s > PATIENCE_S and n_bytes < waited_s * SLOWEST_BYTES_PER_S:
                raise RemoteFailed(url=label(url), reason=f"{n_bytes:,} bytes came in {waited_s:.0f} s")
            with convert_write_errors(Path(str(file.name))):
                file.write(block)
    file.flush()
    file.seek(0)
