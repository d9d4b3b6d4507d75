"""From a request's stream to a spooled file, with limits on its length and time, in small blocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from anyio import to_thread
from starlette.requests import Request

from earwitness.api.http.http_errors import UploadTooLarge, UploadTooSlow
from earwitness.api.http.protection.connection_slots import UploadSlots
from earwitness.api.http.uploads.multipart import MAX_FIELD_BYTES, MAX_FIELDS, Form
from earwitness.api.http.uploads.spool import Spool, Spooled

WRITE_BYTES: Final = 2**20
"""Bytes gathered before a thread writes them; starting a thread for each chunk would be slower."""
SILENCE_S: Final = 30.0
SLOWEST_BYTES_PER_S: Final = 8_192
"""On average, after the first `SILENCE_S` seconds."""
FRAMING_BYTES: Final = MAX_FIELDS * (MAX_FIELD_BYTES + 8_192)
"""What boundaries, part headers and text fields may add to the file's own bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A form whose file is in the spool."""

    file: Spooled
    fields: dict[str, list[str]]


async def receive(request: Request, spool: Spool, slots: UploadSlots) -> Received:
    """Stream a request's form into the spool and fsync it.

    Raises
    ------
    ClientTooBusy, UploadsBusy, UploadTooLarge, UploadTooSlow, NotAForm, BadForm, NoRoom, DiskFull, EmptyFile
        Then nothing of the upload is left on the disk.
    """
    with slots.taken(request.state.client):
        refuse_early(request, limit_bytes=spool.max_bytes)
        return await _receive(request, spool, slots)


async def _receive(request: Request, spool: Spool, slots: UploadSlots) -> Received:
    form = Form(request.headers.get("content-type", ""))
    in_thread = partial(to_thread.run_sync, limiter=slots.threads)
    with await in_thread(spool.begin) as upload:
        gathered = bytearray()
        async for chunk in paced(request, limit_bytes=spool.max_bytes):
            form.feed(chunk)
            gathered += form.take()
            if len(gathered) >= WRITE_BYTES:
                await in_thread(upload.write, bytes(gathered))
                gathered.clear()
        form.close()
        await in_thread(upload.write, bytes(gathered))
        spooled = await in_thread(lambda: upload.seal(name=form.file_name or "upload"))
    return Received(file=spooled, fields=form.fields)


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
