"""From a request's stream to a list of works in a folder of its own, which is deleted after the answer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anyio import to_thread
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request

from earwitness.api.http.catalogues.catalogue_schemas import CatalogueIn
from earwitness.api.http.http_errors import BadForm, NotAList, UploadTooLarge
from earwitness.api.http.service import Service
from earwitness.api.http.uploads.multipart import MAX_FIELD_BYTES, Form
from earwitness.api.http.uploads.receive_upload import paced
from earwitness.api.http.uploads.spool import demand_room
from earwitness.fingerprint.errors import EmptyFile
from earwitness.index.store.files import convert_write_errors

MAX_BYTES: Final = 4 << 20
"""Longest body; 2,000 works with links have about a tenth of it."""
_IN_PARTS: Final = "send the list in parts, or use `earwitness check --catalogue` where the server runs"
_READERS: Final = {".tsv": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""How a file is read, by the end of its name; all others as CSV."""


def most_bytes(service: Service) -> int:
    """Return the length of the longest body."""
    return min(MAX_BYTES, service.spool.max_bytes)


def reader_of(name: str) -> str:
    """Return how a file of this name is read."""
    return _READERS.get(Path(name).suffix.lower(), "csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedList:
    """A list of works on the disk.

    Attributes
    ----------
    shown_as : str
        The client's name of the file; only a label.
    reader : str
        How it is read.
    """

    path: Path
    shown_as: str
    reader: str


@asynccontextmanager
async def received_list(request: Request, service: Service) -> AsyncIterator[ReceivedList]:
    """Receive a form with a file, or JSON; the slot of the upload is held, and the file there, in the block.

    Raises
    ------
    ClientTooBusy, UploadsBusy, UploadTooLarge, UploadTooSlow, NotAList, BadForm, EmptyFile, NoRoom, DiskFull
    RequestValidationError
        Naming each field of the JSON that is wrong.
    """
    with service.slots.taken(request.state.client):
        name, data = await _read(request, most_bytes(service))
        if not data.strip():
            raise EmptyFile(name=name)
        reader = reader_of(name)
        async with written_list(data, service, shown_as=name, reader=reader) as received:
            yield received


@asynccontextmanager
async def written_list(
    data: bytes, service: Service, *, shown_as: str, reader: str
) -> AsyncIterator[ReceivedList]:
    """Write a list to a folder of its own; the file is there in the block.

    Raises
    ------
    NoRoom, DiskFull
    """
    with _folder(service) as folder:
        path = folder / f"works.{reader}"
        with convert_write_errors(path):
            await to_thread.run_sync(path.write_bytes, data, limiter=service.slots.threads)
        yield ReceivedList(path=path, shown_as=shown_as, reader=reader)


@contextmanager
def _folder(service: Service) -> Iterator[Path]:
    """Make a folder that this account alone may read; one that a kill left is deleted at the next start."""
    demand_room(service.spool.folder)
    with convert_write_errors(service.spool.folder):
        folder = tempfile.TemporaryDirectory(dir=service.spool.folder)
    with folder as path:
        yield Path(path)


async def _read(request: Request, limit_bytes: int) -> tuple[str, bytes]:
    """Return the name and the bytes of the list."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"multipart/form-data", "application/json"}:
        raise NotAList
    if kind == "application/json":
        return "works.json", _as_rows(b"".join([part async for part in _capped(request, limit_bytes)]))
    form, file = await form_of(request, limit_bytes)
    if form.fields:
        raise BadForm(reason=f"it has fields besides the file: {', '.join(map(repr, form.fields))}")
    return form.file_name or "upload", file


async def form_of(request: Request, limit_bytes: int, *, with_text: bool = False) -> tuple[Form, bytes]:
    """Return the fields of a form, and the bytes of its file.

    Parameters
    ----------
    with_text
        Whether a text field may be as long as the file, and stand in its place.

    Raises
    ------
    UploadTooLarge, UploadTooSlow, NotAForm, BadForm
    """
    form = Form(
        request.headers.get("content-type", ""),
        max_field_bytes=limit_bytes if with_text else MAX_FIELD_BYTES,
        needs_file=not with_text,
    )
    file = bytearray()
    async for part in _capped(request, limit_bytes):
        form.feed(part)
        file += form.take()
    form.close()
    return form, bytes(file)


async def _capped(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise UploadTooLarge(limit_bytes=limit_bytes, hint=_IN_PARTS)
    n_bytes = 0
    async for part in paced(request, limit_bytes=limit_bytes):
        n_bytes += len(part)
        if n_bytes > limit_bytes:
            raise UploadTooLarge(limit_bytes=limit_bytes, hint=_IN_PARTS)
        yield part


def _as_rows(body: bytes) -> bytes:
    """Return checked JSON as rows that all have every column: columns are known by the first rows."""
    try:
        works = CatalogueIn.model_validate_json(body).works
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error
    return json.dumps([each.model_dump(mode="json") for each in works]).encode()
