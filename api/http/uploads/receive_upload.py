"""From a request's stream to a spooled file, with limits on its length and time, in small blocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from anyio import to_thread
from starlette.requests import Request

from earwitness.api.http.http_errors import UploadTooLarge, UploadTooSlow
from earwitness.api.http.protection.connection_slots import UploadSlots
from earwitness.api.http.uploads.multipart import MAX_FIELD_BYTES, MAX_FIELDS, Form
from earwitness.api.http.uploads.spool import Spool, Spooled, seal_all

WRITE_BYTES: Final = 2**20
"""Bytes gathered before a thread writes them; starting a thread for each chunk would be slower."""
SILENCE_S: Final = 30.0
SLOWEST_BYTES_PER_S: Final = 8_192
"""On average, after the first `SILENCE_S` seconds."""
FRAMING_BYTES: Final = MAX_FIELDS * (MAX_FIELD_BYTES + 8_192)
"""What boundaries, part headers and text fields may add to the file's own bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A form whose files are in the spool; there is at least one."""

    files: tuple[Spooled, ...]
    fields: dict[str, list[str]]

    @property
    def file(self) -> Spooled:
        """The first file."""
        return self.files[0]


async def receive(request: Request, spool: Spool, slots: UploadSlots, *, max_files: int = 1) -> Received:
    """Stream a request's form into the spool and fsync it.

    Parameters
    ----------
    max_files : int
        Most files of the form; all of them together are held to the limit on one upload.

    Raises
    ------
    ClientTooBusy, UploadsBusy, UploadTooLarge, UploadTooSlow, NotAForm, BadForm, NoRoom, DiskFull, EmptyFile
        Then nothing of the upload is left on the disk.
    """
    with slots.taken(request.state.client):
        refuse_early(request, limit_bytes=spool.max_bytes)
        form = Form(request.headers.get("content-type", ""), max_files=max_files)
        return await _receive(request, spool, slots, form)


async def _receive(request: Request, spool: Spool, slots: UploadSlots, form: Form) -> Received:
    in_thread = partial(to_thread.run_sync, limiter=slots.threads)
    with ExitStack() as stack:
        uploads = [stack.enter_context(await in_thread(spool.begin))]
        gathered, current = bytearray(), 0
        async for chunk in paced(request, limit_bytes=spool.max_bytes):
            form.feed(chunk)
            for number, data in form.take_all():
                if number != current or len(gathered) >= WRITE_BYTES:
                    await in_thread(uploads[current].write, bytes(gathered))
                    gathered.clear()
                while len(uploads) <= number:
                    uploads.append(stack.enter_context(await in_thread(spool.begin)))
                current = number
                gathered += data
        form.close()
        await in_thread(uploads[current].write, bytes(gathered))
        while len(uploads) < len(form.files):  # empty ones at the end, which are refused
            uploads.append(stack.enter_context(await in_thread(spool.begin)))
        names = [each.name for each in form.files]
        files = await in_thread(lambda: seal_all(uploads, names))
    return Received(files=files, fields=form.fields)


def refuse_early(request: Request, *, limit_bytes: int) -> None:
    """Refuse a body by its Content-Length, before a byte of it is read."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes + FRAMING_BYTES:
        raise UploadTooLarge(limit_bytes=limit_bytes)


async def paced(request: Request, *, limit_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body's chunks within the limits on its length and time, whatever length it declared."""
    start, received = time.monotonic(), 0
    chunks = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise UploadTooSlow(received_bytes=received, waited_s=time.monotonic() - start) from None
        if chunk is None:
            return
        received += len(chunk)
        waited_s = time.monotonic() - start
        if received > limit_bytes + FRAMING_BYTES:
            raise UploadTooLarge(limit_bytes=limit_bytes)
        if waited_s > SILENCE_S and received < waited_s * SLOWEST_BYTES_PER_S:
            raise UploadTooSlow(received_bytes=received, waited_s=waited_s)
        yield chunk
