"""API keys: 256 random bits that only their owner has; the server keeps a short prefix and a digest.

A key has the form ``ew_PREFIX_SECRET``. Its record in the settings has the form ``TENANT:PREFIX:SHA256`` and
is no key. A plain SHA-256 is enough: 256 random bits cannot be guessed, so there is nothing to slow down.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from earwitness.api.http.http_errors import BadKeyRecord, NotAllowed

_RECORD: Final = re.compile(
    r"(?P<tenant>[a-z0-9][a-z0-9-]{0,62}):(?P<prefix>[0-9a-f]{8}):(?P<digest>[0-9a-f]{64})"
)
_NO_DIGEST: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What the server stores of a key."""

    tenant: str
    prefix: str
    digest: str

    def __str__(self) -> str:
        return f"{self.tenant}:{self.prefix}:{self.digest}"


def mint(tenant: str = "local") -> tuple[str, KeyRecord]:
    """Create a key; returns it, to be shown once, and the record to store."""
    prefix = secrets.token_hex(4)
    key = f"ew_{prefix}_{secrets.token_urlsafe(32)}"
    return key, KeyRecord(tenant=tenant, prefix=prefix, digest=_digest(key))


class KeyRing:
    """The keys that this server accepts; without any, every client is accepted.

    Parameters
    ----------
    records : iterable of str
        ``TENANT:PREFIX:SHA256`` each; raises BadKeyRecord on anything else.
    tenant : str
        The tenant whose home is served; a key of another tenant is refused at the start.
    """

    def __init__(self, records: Iterable[str], *, tenant: str = "local") -> None:
        self._tenant = tenant
        self._by_prefix: dict[str, KeyRecord] = {}
        for number, text in enumerate(records, start=1):
            fields = _RECORD.fullmatch(text.strip())
            if fields is None or fields["tenant"] != tenant:
                raise BadKeyRecord(number=number, tenant=tenant)
            self._by_prefix[fields["prefix"]] = KeyRecord(**fields.groupdict())

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    def tenant(self, authorization: str | None) -> str:
        """Return the tenant of the key in an Authorization header (Bearer, or Basic with it as the password).

        Raises
        ------
        NotAllowed
            For a missing, malformed or unknown key; each takes the same time.
        """
        if not self:
            return self._tenant
        key = _key_in(authorization or "")
        record = self._by_prefix.get(key[3:11])
        if not hmac.compare_digest(record.digest if record else _NO_DIGEST, _digest(key)) or record is None:
            raise NotAllowed
        return record.tenant


def client_of(authorization: str | None, address: str) -> str:
    """Return a name for a client: the prefix of its accepted key, or else its address."""
    prefix = _key_in(authorization or "")[3:11]
    return f"key {prefix}" if prefix else f"address {address}"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _key_in(authorization: str) -> str:
    kind, _, credentials = authorization.strip().partition(" ")
    if kind.lower() != "basic":
        return credentials.strip() if kind.lower() == "bearer" else ""
    try:
        return base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
