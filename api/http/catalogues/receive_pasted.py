"""From the form of the first page to a list of works: pasted lines, a pasted table, or a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from earwitness.api.http.catalogues.catalogue_schemas import MAX_WORKS
from earwitness.api.http.catalogues.list_errors import EmptyList, ListTooLarge, TwoLists
from earwitness.api.http.catalogues.receive_catalogue import (
    ReceivedList,
    form_of,
    most_bytes,
    reader_of,
    written_list,
)
from earwitness.api.http.http_errors import TooManyWorks, UploadTooLarge
from earwitness.api.http.service import Service
from earwitness.api.shelf.pasted_lines import PastedLines, pasted_lines
from earwitness.api.shelf.shelf_errors import NotACatalogue

PASTED: Final = "works"
"""The field with the pasted list."""
_PASTED_NAME: Final = "the pasted list"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastedList:
    """A list of works on the disk, and the lines that were pasted; None for a table."""

    received: ReceivedList
    lines: PastedLines | None


@asynccontextmanager
async def pasted_list(request: Request, service: Service) -> AsyncIterator[PastedList]:
    """Receive the form; the slot of the upload is held, and the list lies on the disk, in the block.

    Raises
    ------
    ClientTooBusy, UploadsBusy, ListTooLarge, UploadTooSlow, NotAForm, BadForm, EmptyList, TwoLists,
    TooManyWorks, NotACatalogue, NoRoom, DiskFull
    """
    with service.slots.taken(request.state.client):
        name, data = await _read(request, most_bytes(service))
        lines = None if reader_of(name) != "csv" else _lines_in(data)
        reader = reader_of(name)
        if lines is not None:
            if not lines.works:
                raise NotACatalogue(path=name, reason="no line has a link, an ISRC, or artist and title")
            if len(lines.works) > MAX_WORKS:
                raise TooManyWorks(limit=MAX_WORKS)
            data, reader = json.dumps(lines.works).encode(), "json"
        async with written_list(data, service, shown_as=name, reader=reader) as received:
            yield PastedList(received=received, lines=lines)


async def _read(request: Request, limit_bytes: int) -> tuple[str, bytes]:
    """Return the name and the bytes of what was sent: the text of the field, or else the file."""
    try:
        form, file = await form_of(request, limit_bytes, with_text=True)
    except UploadTooLarge as error:
        raise ListTooLarge(limit_bytes=limit_bytes) from error
    pasted = "\n".join(form.fields.get(PASTED, ()))
    if pasted.strip() and file.strip():
        raise TwoLists
    if file.strip():
        return form.file_name or "upload", file
    if not pasted.strip():
        raise EmptyList
    return _PASTED_NAME, pasted.encode()


def _lines_in(data: bytes) -> PastedLines | None:
    try:
        return pasted_lines(data.decode("utf-8-sig"))
    except UnicodeDecodeError:  # tables have further encodings, which their reader knows
        return None
