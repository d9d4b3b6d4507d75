"""A lookup as AcoustID's clients send it: in the query, or as a form that may be compressed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from earwitness.api.http.acoustid.lookup_errors import (
    BadDuration,
    BadFingerprint,
    BadLookupForm,
    LookupTooLarge,
    ParameterMissing,
    UnknownAnswerFormat,
)
from earwitness.api.http.uploads.receive_upload import paced
from earwitness.fingerprint.chromaprint import NotAChromaprint, unpack_acoustid

MAX_BYTES: Final = 1 << 20
"""Longest form, also unpacked; the fingerprint of 120 s has about 3 kB."""
MAX_FIELDS: Final = 32
LONGEST_S: Final = 86_400.0
"""Longest duration that is believed: a day."""
LEAST_ITEMS: Final = 40
"""Fewest items of a fingerprint, and twice the fewest different ones. Shorter ones, and those of silence or a
steady sound, also have unrelated files. Chosen by hand: 40 items are 7.6 s, about what AcoustID needs."""
MAX_RESULTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What a client asks.

    Attributes
    ----------
    vector : uint32 array, shape (n,)
    duration_s : float
        Length of the whole file.
    meta : frozenset of str
        What the answer shall say of each result.
    """

    vector: NDArray[np.uint32]
    duration_s: float
    meta: frozenset[str]


async def fields_of(request: Request) -> dict[str, str]:
    """Return the parameters of a lookup; those of a form go before those of the query.

    Raises
    ------
    BadLookupForm, LookupTooLarge, UploadTooSlow
    """
    if request.method == "GET":
        return dict(request.query_params)
    body = bytearray()
    async for part in paced(request, limit_bytes=MAX_BYTES):
        body += part
        if len(body) > MAX_BYTES:
            raise LookupTooLarge(limit_bytes=MAX_BYTES)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    return {**request.query_params, **_form(_unpacked(bytes(body), encoding))}


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding in {"", "identity"}:
        return body
    if encoding != "gzip":
        raise BadLookupForm(reason=f"its Content-Encoding is {encoding}, not gzip")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, MAX_BYTES + 1)
    except zlib.error as error:
        raise BadLookupForm(reason="it is no gzip") from error
    if len(unpacked) > MAX_BYTES:
        raise LookupTooLarge(limit_bytes=MAX_BYTES)
    return unpacked


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError as error:
        raise BadLookupForm(reason="it is not of the type application/x-www-form-urlencoded") from error


def lookup_of(fields: Mapping[str, str]) -> Lookup:
    """Read the parameters of a lookup.

    Raises
    ------
    UnknownAnswerFormat, ParameterMissing, BadDuration, BadFingerprint
    """
    if fields.get("format", "json") != "json":
        raise UnknownAnswerFormat
    for name in ("duration", "fingerprint"):
        if not fields.get(name):
            raise ParameterMissing(name=name)
    meta = frozenset(re.split(r"[\s+,]+", fields.get("meta", "").strip().lower()))
    return Lookup(
        vector=_vector(fields["fingerprint"]), duration_s=_duration_s(fields["duration"]), meta=meta
    )


def _duration_s(text: str) -> float:
    try:
        duration_s = float(text)
    except ValueError:
        raise BadDuration from None
    if not 0 < duration_s <= LONGEST_S:
        raise BadDuration
    return duration_s


def _vector(text: str) -> NDArray[np.uint32]:
    try:
        vector = unpack_acoustid(text)
    except NotAChromaprint as error:
        raise BadFingerprint(reason=error.reason) from error
    if len(vector) < LEAST_ITEMS:
        raise BadFingerprint(reason=f"it has {len(vector)} items, and at least {LEAST_ITEMS} are needed")
    if 2 * len(np.unique(vector)) < LEAST_ITEMS:
        raise BadFingerprint(reason="it is that of silence or of a steady sound")
    return vector
