"""Send one notice to an address: signed as Standard Webhooks define it, to public addresses only.

The address of the connection is checked when its socket is made, as for remote sources. No redirect is
followed, and of the answer only its status counts.
"""

from __future__ import annotations

import base64
import http.client
import secrets
import socket
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import SplitResult, urlsplit

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.remote import Guard
from earwitness.api.datasets.names import label
from earwitness.api.watch.watch_errors import BadWebhook

SECRET_BYTES: Final = 32
CONNECT_S: Final = 10.0
ANSWER_S: Final = 20.0
"""Seconds for a connection, and for everything after it."""
GONE: Final = 410
LONGEST_URL: Final = 2_000


class DeliveryFailed(Exception):
    """An attempt to deliver a notice failed; `gone` is whether the receiver wants no more of them."""

    def __init__(self, why: str, *, gone: bool = False) -> None:
        self.gone = gone
        super().__init__(why)


def new_secret() -> str:
    """Return a new secret in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def checked_url(url: str, *, allow_private: bool) -> str:
    """Return an address that notices may be sent to.

    Raises
    ------
    BadWebhook
    """
    shown = label(url)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadWebhook(url=shown, reason=str(error)) from error
    if len(url) > LONGEST_URL or not url.isascii() or any(sign <= " " for sign in url):
        raise BadWebhook(url=shown, reason="it is too long, or holds signs that an address has not")
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise BadWebhook(url=shown, reason="it does not begin with https://")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise BadWebhook(url=shown, reason="it has no host, or a user, a password or a fragment")
    return url


def signed_headers(message_id: str, body: bytes, *, secret: str, moment: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a body that is sent at a moment."""
    from standardwebhooks import Webhook  # only deliveries need it

    signature = Webhook(secret).sign(msg_id=message_id, timestamp=moment, data=body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
    }


def send(url: str, body: bytes, *, message_id: str, secret: str, allow_private: bool) -> None:
    """Send a notice once.

    Raises
    ------
    DeliveryFailed
        When it cannot be sent, or the answer is not of the kind 2xx.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "earwitness",
        **signed_headers(message_id, body, secret=secret, moment=datetime.now(UTC)),
    }
    guard = Guard(allow_private=allow_private)
    try:
        status = _post(urlsplit(checked_url(url, allow_private=allow_private)), body, headers, guard)
    except BadWebhook as error:
        raise DeliveryFailed(error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if guard.refused is not None:
            raise DeliveryFailed(f"{guard.refused} is not a public address") from error
        raise DeliveryFailed(reason(error)) from error
    if 300 <= status < 400:
        raise DeliveryFailed(f"it answers {status}, and redirects are not followed")
    if not 200 <= status < 300:
        raise DeliveryFailed(f"it answers {status}", gone=status == GONE)


def _post(url: SplitResult, body: bytes, headers: Mapping[str, str], guard: Guard) -> int:
    """Return the status of the answer."""
    host, is_tls = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if is_tls else 80)
    kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    connection = kind(host, port, timeout=CONNECT_S)
    connection.auto_open = 0  # it has no way to connect but the guarded one
    connection.sock = _connected(host, port, guard)
    limit = threading.Timer(ANSWER_S, lambda: _shut(connection.sock))
    limit.daemon = True
    limit.start()
    try:
        if is_tls:
            connection.sock = ssl.create_default_context().wrap_socket(
                connection.sock, server_hostname=host, do_handshake_on_connect=False
            )
            connection.sock.do_handshake()
        target = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
        connection.request("POST", target, body=body, headers=dict(headers))
        return connection.getresponse().status
    finally:
        limit.cancel()
        connection.close()


def _connected(host: str, port: int, guard: Guard) -> socket.socket:
    """Return a socket that is connected to one of the host's addresses, each checked by the guard."""
    failure: OSError = OSError(f"{host} has no address")
    for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            made = guard.socket(info)
        except PermissionError as error:
            failure = error
            continue
        try:
            made.settimeout(CONNECT_S)
            made.connect(info[4])
        except OSError as error:
            made.close()
            failure = error
        else:
            return made
    raise failure


def _shut(open_socket: socket.socket | None) -> None:
    """End a connection that takes too long; a thread that reads from it gets an error."""
    if open_socket is None:
        return
    try:
        open_socket.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended meanwhile
        return
