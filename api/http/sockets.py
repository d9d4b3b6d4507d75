"""The sockets that the server listens on, bound before anything else is opened."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from earwitness.api.http.http_errors import CannotListen


def listen(host: str, port: int) -> list[socket.socket]:
    """Bind every address of `host`.

    Raises
    ------
    CannotListen
        When the name is unknown, the address is not this machine's, or the port is taken.
    """
    bound = list[socket.socket]()
    try:
        resolved = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in resolved):
            if bound and port == 0:
                address = (address[0], bound[0].getsockname()[1], *address[2:])  # one port for all addresses
            bound.append(_bound(family, address, alone=len(resolved) == 1))
    except (OSError, UnicodeError) as error:
        for each in bound:
            each.close()
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CannotListen(host=host, port=port, reason=reason) from error
    return bound


def _bound(family: int, address: tuple[object, ...], *, alone: bool) -> socket.socket:
    # asyncio sends small answers at once only where the protocol is named: else each waits 40 ms (Nagle)
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not alone:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.set_inheritable(False)
    except BaseException:
        bound.close()
        raise
    return bound


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """Return the URLs of the server."""
    names = [each.getsockname()[:2] for each in sockets]
    return [f"http://{f'[{host}]' if ':' in host else host}:{port}/" for host, port in names]
