"""Many slow clients are limited, and nobody else waits for them."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
import uvicorn
from uvicorn.server import ServerState

from earwitness.api.http.http_errors import ClientTooBusy, UploadsBusy
from earwitness.api.http.protection.api_keys import client_of, mint
from earwitness.api.http.protection.connection_slots import UploadSlots
from earwitness.api.http.server import HeaderTimeoutProtocol
from tests.http.conftest import Serve

HEAD = (
    b"POST /v1/works HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n"
    b"Content-Type: multipart/form-data; boundary=xx\r\n\r\n--xx\r\n"
    b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nsome'
)


def test_uploads_are_limited_for_each_client_and_in_all() -> None:
    """A place is free again however its upload ends, and clients have places of their own."""
    slots = UploadSlots(a_client=2, in_all=3)
    with ExitStack() as held:
        held.enter_context(slots.taken("a"))
        held.enter_context(slots.taken("a"))
        with pytest.raises(ClientTooBusy), slots.taken("a"):
            raise AssertionError("a third place")
        held.enter_context(slots.taken("b"))
        with pytest.raises(UploadsBusy), slots.taken("c"):
            raise AssertionError("a fourth place")
    with pytest.raises(KeyError), slots.taken("a"):
        raise KeyError
    with slots.taken("a"), slots.taken("a"), slots.taken("c"):
        assert not slots._taken["b"]


def test_clients_differ_by_key_or_else_by_address() -> None:
    """Keys behind one address are different clients; without keys the address is the client."""
    key, record = mint()
    assert client_of(f"Bearer {key}", "192.0.2.1") == f"key {record.prefix}"
    assert client_of(None, "192.0.2.1") == "address 192.0.2.1"


def test_a_client_with_too_many_uploads_gets_429(serve: Serve) -> None:
    """429 comes before the body is read, with the time to wait; later the upload is accepted."""
    with serve(uploads_per_client=1) as client:
        slots = client.app.state.service.slots
        with slots.taken("address testclient"):
            answer = client.post("/v1/works", files={"file": b"sound"})
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_uploads")
            assert answer.headers["Retry-After"] and answer.headers["Connection"] == "close"
        assert client.post("/v1/works", files={"file": b"sound"}).status_code == 202


def test_slow_uploads_keep_nobody_from_health_and_jobs(serve: Serve) -> None:
    """With the most unfinished uploads, and idle connections above the limit, both answer."""

    async def attack(config: uvicorn.Config) -> list[bytes]:
        loop = asyncio.get_running_loop()
        state = ServerState()
        server = await loop.create_server(lambda: HeaderTimeoutProtocol(config, state, {}), "127.0.0.1", 0)
        async with server:
            address = server.sockets[0].getsockname()[:2]
            held = [await asyncio.open_connection(*address) for _ in range(80)]
            for _, writer in held[:60]:
                writer.write(HEAD)
            await asyncio.sleep(0.3)
            answers = []
            for path in (b"/livez", b"/readyz", b"/v1/jobs/0000"):
                reader, writer = await asyncio.open_connection(*address)
                request = b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
                writer.write(request)
                answers.append(await asyncio.wait_for(reader.read(), 10))
                writer.close()
            for _, writer in held:
                writer.close()
        return answers

    with serve() as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr("earwitness.api.http.server.MAX_CONNECTIONS", 70)
        config = uvicorn.Config(
            client.app, http=HeaderTimeoutProtocol, ws="none", log_config=None, lifespan="off"
        )
        config.load()
        answers = asyncio.run(asyncio.wait_for(attack(config), 60))
    assert [answer.split(b" ", 2)[1] for answer in answers] == [b"200", b"200", b"404"]
