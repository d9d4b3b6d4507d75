"""Slow clients are waited for, but not for ever; interrupted jobs continue."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator

import pytest
import uvicorn
from starlette.requests import Request
from uvicorn.server import ServerState

from earwitness.api.http.http_errors import UploadTooSlow
from earwitness.api.http.jobs.job_worker import TRIES, persistently
from earwitness.api.http.server import HeaderTimeoutProtocol
from earwitness.api.http.sockets import listen
from earwitness.api.http.uploads.receive_upload import paced
from earwitness.api.scan.worker_errors import LibraryMoved


async def hello(scope: object, receive: object, send: object) -> None:
    """Answer anything."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


async def exchange(*lines: bytes) -> bytes:
    """Send some lines to a server and return its response until it closes the connection."""
    config = uvicorn.Config(
        hello, http=HeaderTimeoutProtocol, ws="none", log_config=None, timeout_keep_alive=1
    )
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: HeaderTimeoutProtocol(config, ServerState(), {}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for line in lines:
            writer.write(line)
            await writer.drain()
            await asyncio.sleep(0)
        response = await reader.read()
        writer.close()
    return response


@pytest.mark.parametrize(
    ("lines", "answers"),
    [
        ((), 0),
        ((b"GET / HT",), 0),
        ((b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-Slow: "), 0),
        ((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost:"), 1),
    ],
    ids=["silent", "half-a-line", "half-a-header", "half-a-second-request"],
)
def test_a_header_that_does_not_end_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, lines: tuple[bytes, ...], answers: int
) -> None:
    """A connection that does not finish its header is closed, also after an answered request."""
    monkeypatch.setattr("earwitness.api.http.server.HEADER_S", 0.05)
    response = asyncio.run(asyncio.wait_for(exchange(*lines), 20))
    assert response.count(b"200 OK") == answers


def test_a_short_answer_is_sent_at_once() -> None:
    """Connections to the server's sockets do not hold back small parts of an answer (Nagle's algorithm)."""

    async def holds_back() -> bool:
        connected = asyncio.get_running_loop().create_future()

        class Noticing(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                taken = transport.get_extra_info("socket")
                connected.set_result(not taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        (listening,) = listen("127.0.0.1", 0)
        async with await asyncio.get_running_loop().create_server(Noticing, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            held = await connected
            writer.close()
        return bool(held)

    assert not asyncio.run(asyncio.wait_for(holds_back(), 20))


class SlowRequest(Request):
    """Sends three bytes and then nothing, or very little for ever."""

    def __init__(self, *, drips: bool) -> None:
        super().__init__({"type": "http", "headers": []})
        self._drips = drips

    async def stream(self) -> AsyncGenerator[bytes, None]:
        yield b"abc"
        while self._drips:
            await asyncio.sleep(0.001)
            yield b"."
        await asyncio.Event().wait()


@pytest.mark.parametrize("drips", [False, True], ids=["stops", "drips"])
def test_a_stalled_upload_is_given_up(monkeypatch: pytest.MonkeyPatch, drips: bool) -> None:
    """Neither a client that stops nor a very slow one blocks an upload's place for ever."""
    monkeypatch.setattr("earwitness.api.http.uploads.receive_upload.SILENCE_S", 0.05)
    monkeypatch.setattr("earwitness.api.http.uploads.receive_upload.SLOWEST_BYTES_PER_S", 10**6)

    async def read_all() -> None:
        async for _ in paced(SlowRequest(drips=drips), limit_bytes=10**6):
            pass

    with pytest.raises(UploadTooSlow):
        asyncio.run(asyncio.wait_for(read_all(), 20))


def test_a_job_is_started_again_when_the_library_changes_during_it() -> None:
    """It is tried a few times; when the library changes again, that is the job's error."""
    runs = list[int]()

    def move(until: int) -> int:
        runs.append(1)
        if len(runs) < until:
            raise LibraryMoved(wanted=1, found=2)
        return len(runs)

    assert persistently(lambda: move(TRIES)) == TRIES
    runs.clear()
    with pytest.raises(LibraryMoved):
        persistently(lambda: move(TRIES + 1))
