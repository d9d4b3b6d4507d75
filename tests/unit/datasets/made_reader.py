"""A reading process for tests: names of a zip's members make it die, hang, raise or send nonsense."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from earwitness.api.datasets.archives.zips import ZipReader
from earwitness.api.datasets.isolated import reading_worker as worker
from earwitness.api.datasets.isolated.message_frames import Channel, Message
from earwitness.api.datasets.items import Skipped, SourceItem


def _abort() -> None:
    os.abort()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _leave() -> None:
    os._exit(5)


def _hang() -> None:
    time.sleep(600)


def _raise() -> None:
    raise LookupError("no such thing")


def _recurse() -> None:
    _recurse()


def _eat() -> None:
    bytearray(4 << 30)


ENDS: Final[dict[str, Callable[[], None]]] = {
    "abort": _abort,
    "kill": _kill,
    "leave": _leave,
    "hang": _hang,
    "raise": _raise,
    "recurse": _recurse,
    "eat": _eat,
}
"""What this process does when it lists a member of this name, or (``late-``) when it reads one."""


def main() -> None:
    """Read zips as the real process does, except for these members."""
    plain = ZipReader.__iter__

    def listed(reader: ZipReader) -> Iterator[SourceItem | Skipped]:
        for item in plain(reader):
            name = item.item_id.rpartition("/")[2].partition(".")[0]
            if name in ENDS:
                ENDS[name]()
            yield _late(item, name.removeprefix("late-")) if name.startswith("late-") else item

    ZipReader.__iter__ = listed  # type: ignore[method-assign]
    worker.main()


def _late(item: SourceItem | Skipped, name: str) -> SourceItem | Skipped:
    assert isinstance(item, SourceItem)

    def opened() -> BinaryIO:
        ENDS[name]()
        raise AssertionError("it should have ended")

    return replace(item, open=opened, file=None)


NONSENSE: Final[dict[str, dict[str, object]]] = {
    "ready": {"type": "ready", "format": 7, "shards": "x", "passed_over": []},
    "item": {"type": "item", "item": {"id": 7, "path": ["x"], "file": "../x"}},
    "end": {"type": "end", "passed_over": {"txt": -1}},
}


def send_invalid_messages() -> None:
    """Send nonsense in place of the message that the source's name states."""
    send, receive = Channel.send, Channel.receive
    sources: list[str] = []

    def receive_source(channel: Channel) -> Message:
        message = receive(channel)
        if request := message.header.get("request"):
            sources.append(Path(request["source"]).stem)
        return message

    def send_nonsense(channel: Channel, header: Mapping[str, object], *payload: bytes, **more: Any) -> None:
        instead = NONSENSE[sources[0]] if header.get("type") == sources[0] else header
        send(channel, instead, *payload, **more)

    Channel.send, Channel.receive = send_nonsense, receive_source  # type: ignore[method-assign, assignment]
    worker.main()
