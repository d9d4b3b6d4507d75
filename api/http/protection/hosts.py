"""Host names that a server accepts. A name that only resolves to this machine is refused (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Final

from earwitness.api.http.http_errors import BadHost, UnknownHost

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
WILDCARDS: Final = frozenset({"", "0.0.0.0", "::", "*"})  # noqa: S104  # compared here, not bound

_AUTHORITY: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._~-]+)?\]|[A-Za-z0-9._~-]+)(?::(?P<port>[0-9]{0,5}))?"
)


def parse(authority: str) -> str:
    """Read the host out of ``HOST``, ``HOST:PORT`` or ``[ADDRESS]:PORT``, in one spelling for each host.

    Raises
    ------
    BadHost
        For anything else.
    """
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or int(parts["port"] or 0) > 65_535:
        raise BadHost
    host = parts["host"]
    if not host.startswith("["):
        return plain(host)
    try:
        return plain(str(ipaddress.IPv6Address(host[1:-1].partition("%")[0])))
    except ValueError:
        raise BadHost from None


def plain(host: str) -> str:
    """Spell a name or address in one way: lower case, no final dot, IPv6 at its shortest, IPv4 as IPv4."""
    host = host.strip("[]").partition("%")[0].lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.removesuffix(".")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


class OwnNames:
    """The names and addresses that this server accepts.

    Parameters
    ----------
    bound : str
        The host that it listens on. Where that means every address of this machine, the address that a client
        connected to is accepted too.
    others : collection of str
        More names that it accepts; ``*`` accepts all.
    """

    def __init__(self, bound: str, others: Collection[str] = ()) -> None:
        self._names = LOOPBACK_NAMES | {plain(bound), *map(plain, others)}
        self._takes_all = "*" in others
        self._is_wildcard = bound in WILDCARDS

    def demand(self, host: str, *, reached_at: str | None) -> None:
        """Raise UnknownHost unless `host`, as `parse` returns it, is accepted.

        Parameters
        ----------
        reached_at : str or None
            The address of this machine that the client connected to.
        """
        if self._takes_all or host in self._names:
            return
        if self._is_wildcard and reached_at is not None and host == plain(reached_at):
            return
        raise UnknownHost(host=host)
