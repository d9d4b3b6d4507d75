"""Protocol between parent and worker: frames of a kind, a length and a payload (JSON or raw samples)."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from typing import Any, Final

READY: Final = b"R"
DECODE: Final = b"D"
PROBE: Final = b"T"
TAGS: Final = b"G"
"""Both the request for the tags of a file, and its answer."""

HEADER: Final = b"H"
PART: Final = b"P"
SAMPLES: Final = b"S"
END: Final = b"E"
REFUSAL: Final = b"X"
ANSWER: Final = b"A"

MAX_PAYLOAD_BYTES: Final = 1 << 20
"""Longest frame that either side accepts."""

_PREFIX: Final = struct.Struct("!cI")


class ProtocolError(ConnectionError):
    """The other process closed the connection, or sent something that is not in the protocol."""


class Channel:
    """One end of a connected Unix socket. A frame may carry one open file descriptor."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def send(self, kind: bytes, payload: bytes | memoryview = b"", *, fd: int | None = None) -> None:
        """Send one frame."""
        prefix = _PREFIX.pack(kind, len(payload))
        if fd is None:
            self._socket.sendall(prefix)
        else:
            socket.send_fds(self._socket, [prefix], [fd])  # a few bytes, which a socket sends at once
        self._socket.sendall(payload)

    def send_json(self, kind: bytes, value: dict[str, Any], *, fd: int | None = None) -> None:
        """Send one frame that holds a JSON object."""
        self.send(kind, json.dumps(value).encode(), fd=fd)

    def receive(self, *, deadline: float | None = None) -> tuple[bytes, bytes]:
        """Receive one frame, without a descriptor.

        Raises
        ------
        TimeoutError
            ``time.monotonic()`` passed `deadline` first.
        ProtocolError
        """
        kind, length = self._prefix(self._exactly(_PREFIX.size, deadline))
        return kind, self._exactly(length, deadline)

    def receive_with_fd(self) -> tuple[bytes, bytes, int | None]:
        """Receive one frame and its descriptor, which the caller must close."""
        start, fds, _, _ = socket.recv_fds(self._socket, _PREFIX.size, 1)
        if not start:
            raise ProtocolError("the connection was closed")
        kind, length = self._prefix(start + self._exactly(_PREFIX.size - len(start), None))
        for extra in fds[1:]:
            os.close(extra)
        return kind, self._exactly(length, None), fds[0] if fds else None

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _prefix(self, prefix: bytes) -> tuple[bytes, int]:
        kind, length = _PREFIX.unpack(prefix)
        if length > MAX_PAYLOAD_BYTES:
            raise ProtocolError(f"a frame of {length:,} bytes")
        return kind, length

    def _exactly(self, n_bytes: int, deadline: float | None) -> bytes:
        received = bytearray(n_bytes)
        view = memoryview(received)
        while view:
            if (
                deadline is not None
            ):  # the worker has none, and its sandbox does not allow it to change the socket
                self._socket.settimeout(_remaining(deadline))
            n_received = self._socket.recv_into(view)
            if not n_received:
                raise ProtocolError("the connection was closed")
            view = view[n_received:]
        return bytes(received)


def read_json(payload: bytes) -> dict[str, Any]:
    """Parse the JSON object of a frame; raises ProtocolError."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a frame without JSON") from error
    if not isinstance(value, dict):
        raise ProtocolError("a frame without a JSON object")
    return value


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining
