"""Messages between a reading process and its parent: JSON, bytes, an open file.

Nothing is unpickled: a hostile source may have taken over the reading process, so the parent accepts lengths,
JSON and regular files from it, and checks each.
"""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from earwitness.api.datasets.isolated.sealed_memory import open_received

_LENGTHS: Final = struct.Struct("!II?")
MAX_HEADER_BYTES: Final = 16 << 20
MAX_PAYLOAD_BYTES: Final = 16 << 20


class BadMessage(Exception):
    """The other process sent an invalid message; nothing more is read from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.

    Attributes
    ----------
    header : mapping
        A JSON object, not yet checked.
    payload : bytes
        Bytes that follow it.
    descriptor : int or None
        A regular file, open for reading; the receiver closes it.
    """

    header: Mapping[str, Any]
    payload: bytes = b""
    descriptor: int | None = None

    def stream(self) -> BinaryIO:
        """Open the payload or the received file for reading."""
        return io.BytesIO(self.payload) if self.descriptor is None else open_received(self.descriptor)


class Channel:
    """Sends and receives messages over one socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, header: Mapping[str, Any], payload: bytes = b"", *, descriptor: int | None = None) -> None:
        """Send one message; `OSError` when the other process has ended, `BadMessage` when it is too long."""
        text = json.dumps(header).encode()
        if len(text) > MAX_HEADER_BYTES or len(payload) > MAX_PAYLOAD_BYTES:
            raise BadMessage(f"a message of {len(text) + len(payload):,} bytes")
        self._connection.sendall(_LENGTHS.pack(len(text), len(payload), descriptor is not None) + text)
        if payload:
            self._connection.sendall(payload)
        if descriptor is not None:
            socket.send_fds(self._connection, [b"\0"], [descriptor])

    def receive(self) -> Message:
        """Receive one message.

        Raises
        ------
        EOFError, OSError
            The other process has ended; `TimeoutError` after the socket's time limit.
        BadMessage
        """
        n_header, n_payload, has_descriptor = _LENGTHS.unpack(self._exactly(_LENGTHS.size))
        if n_header > MAX_HEADER_BYTES or n_payload > MAX_PAYLOAD_BYTES:
            raise BadMessage(f"a message of {n_header + n_payload:,} bytes")
        header = _object(self._exactly(n_header))
        payload = self._exactly(n_payload)
        return Message(
            header=header, payload=payload, descriptor=self._descriptor() if has_descriptor else None
        )

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()

    def _exactly(self, n_bytes: int) -> bytes:
        data = bytearray(n_bytes)
        view, filled = memoryview(data), 0
        while filled < n_bytes:
            n_more = self._connection.recv_into(view[filled:])
            if not n_more:
                raise EOFError
            filled += n_more
        return bytes(data)

    def _descriptor(self) -> int:
        data, descriptors, _, _ = socket.recv_fds(self._connection, 1, 1)
        if not data:
            raise EOFError
        if len(descriptors) != 1:
            raise BadMessage("no open file")
        if not stat.S_ISREG(os.fstat(descriptors[0]).st_mode):
            os.close(descriptors[0])
            raise BadMessage("no regular file")
        return descriptors[0]


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadMessage("no JSON") from error
    if not isinstance(value, dict):
        raise BadMessage("no JSON object")
    return value
