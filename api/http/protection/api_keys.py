"""API keys: 256 random bits that only their owner has; the server keeps a short prefix and a digest.

A key has the form ``ew_PREFIX_SECRET``. Its record in the settings is no key: ``TENANT:PREFIX:SHA256``.
If it has a name, scopes (joined by ``+``) or a last day, ``:NAME:SCOPES:EXPIRES`` follows. A plain SHA-256 is
enough: 256 random bits cannot be guessed, so there is nothing to slow down.
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
from datetime import UTC, date, datetime
from typing import Final

from earwitness.api.http.http_errors import BadKeyRecord, KeyExpired, NotAllowed, ScopeMissing
from earwitness.api.http.protection.scopes import ALL, Needed, Scope

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_RECORD: Final = re.compile(
    r"(?P<tenant>[a-z0-9][a-z0-9-]{0,62}):(?P<prefix>[0-9a-f]{8}):(?P<digest>[0-9a-f]{64})"
    rf"(?::(?P<name>(?:{NAME.pattern})?):(?P<scopes>[a-z+]*):(?P<expires>(?:\d{{4}}-\d{{2}}-\d{{2}})?))?"
)
_NO_DIGEST: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What the server stores of a key."""

    tenant: str
    prefix: str
    digest: str
    name: str = ""
    scopes: frozenset[Scope] = ALL
    expires: date | None = None

    def __str__(self) -> str:
        plain = f"{self.tenant}:{self.prefix}:{self.digest}"
        if not self.name and self.scopes == ALL and self.expires is None:
            return plain
        scopes = "" if self.scopes == ALL else "+".join(sorted(self.scopes))
        return f"{plain}:{self.name}:{scopes}:{self.expires or ''}"

    @staticmethod
    def parse(text: str) -> KeyRecord | None:
        """Read a record; None where it is none."""
        fields = _RECORD.fullmatch(text.strip())
        if fields is None:
            return None
        try:
            scopes = frozenset(map(Scope, (fields["scopes"] or "").split("+"))) if fields["scopes"] else ALL
            expires = date.fromisoformat(fields["expires"]) if fields["expires"] else None
        except ValueError:
            return None
        return KeyRecord(
            tenant=fields["tenant"],
            prefix=fields["prefix"],
            digest=fields["digest"],
            name=fields["name"] or "",
            scopes=scopes,
            expires=expires,
        )


def mint(
    tenant: str = "local",
    *,
    name: str = "",
    scopes: Iterable[Scope] = ALL,
    expires: date | None = None,
) -> tuple[str, KeyRecord]:
    """Create a key; returns it, to be shown once, and the record to store.

    Parameters
    ----------
    expires
        The last day (UTC) on which it is accepted.
    """
    prefix = secrets.token_hex(4)
    key = f"ew_{prefix}_{secrets.token_urlsafe(32)}"
    return key, KeyRecord(
        tenant=tenant,
        prefix=prefix,
        digest=_digest(key),
        name=name,
        scopes=frozenset(scopes),
        expires=expires,
    )


class KeyRing:
    """The keys that this server accepts; without any, every client is accepted.

    Parameters
    ----------
    records : iterable of str
        As `KeyRecord` writes them; raises BadKeyRecord on anything else.
    tenant : str
        The server's own tenant, whom every client acts for without keys.
    """

    def __init__(self, records: Iterable[str], *, tenant: str = "local") -> None:
        self._tenant = tenant
        self._by_prefix: dict[str, KeyRecord] = {}
        for number, text in enumerate(records, start=1):
            record = KeyRecord.parse(text)
            if record is None or self._by_prefix.get(record.prefix, record).tenant != record.tenant:
                raise BadKeyRecord(number=number)
            self._by_prefix[record.prefix] = record

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants that are served, the server's own first."""
        return tuple(dict.fromkeys([self._tenant, *(each.tenant for each in self._by_prefix.values())]))

    def admit(self, authorization: str | None, needed: Needed) -> str:
        """Return the tenant of the key in an Authorization header (Bearer, or Basic with it as the password).

        Parameters
        ----------
        needed : collection of Scope
            The key must have all of these scopes, or `Scope.ADMIN`.

        Raises
        ------
        NotAllowed
            For a missing, malformed or unknown key; each takes the same time.
        KeyExpired
        ScopeMissing
        """
        if not self:
            return self._tenant
        key = _key_in(authorization or "")
        record = self._by_prefix.get(key[3:11])
        if not hmac.compare_digest(record.digest if record else _NO_DIGEST, _digest(key)) or record is None:
            raise NotAllowed
        if record.expires is not None and datetime.now(UTC).date() > record.expires:
            raise KeyExpired(expired=str(record.expires))
        if Scope.ADMIN not in record.scopes and not record.scopes.issuperset(needed):
            raise ScopeMissing(needed=needed)
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
