"""Payloads and results of jobs as they are stored: JSON after the checksum of the job and the text."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, Final

from earwitness.index.store.store_errors import CatalogDamaged

SEAL: Final = "sealed:"
"""Prefix of a stored payload or result, before its checksum and a colon. Older ones have no prefix."""
_DIGITS: Final = 16


def sealed(job: str, text: str) -> str:
    """Put the checksum of a text and its job before the text."""
    digest = blake2b(f"{job}:{text}".encode(), digest_size=_DIGITS // 2).hexdigest()
    return f"{SEAL}{digest}:{text}"


def unsealed(job: str, stored: str) -> Any:
    """Return a stored payload or result after checking its checksum.

    Raises
    ------
    CatalogDamaged
    """
    text = stored[len(SEAL) + _DIGITS + 1 :] if stored.startswith(SEAL) else stored
    if text is not stored and stored != sealed(job, text):
        raise damaged_job(job, "its values do not have the checksum stored with them")
    try:
        return json.loads(text)
    except ValueError as error:
        raise damaged_job(job, str(error)) from error


def damaged_job(job: str, reason: str) -> CatalogDamaged:
    """Return the error of a row that is not as it was stored."""
    return CatalogDamaged(where=f"the catalog's row of job {job}", reason=reason)


def storable(text: str) -> str:
    """Replace lone surrogates, which no database stores; file names that are not UTF-8 hold them."""
    return text.encode("utf-8", "replace").decode("utf-8")
