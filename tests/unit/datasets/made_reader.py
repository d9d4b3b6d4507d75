"""A reading process for tests: it dies, hangs, raises or lies at members of a zip that are called so."""

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
"""What a member's name makes this process do, when the member is listed, or (``late-``) when it is read."""


def main() -> None:
    """Read zips as the real process does, but for these members."""
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
    "ready": {"say": "ready", "format": 7, "shards": "x", "passed_over": []},
    "item": {"say": "item", "item": {"id": 7, "path": ["x"], "file": "../x"}},
    "end": {"say": "end", "passed_over": {"txt": -1}},
}


def lie() -> None:
    """Say nonsense in place of the message that the source is called after."""
    send, receive = Channel.send, Channel.receive
    about: list[str] = []

    def listening(channel: Channel) -> Message:
        message = receive(channel)
        if request := message.header.get("request"):
            about.append(Path(request["source"]).stem)
        return message

    def lying(channel: Channel, header: Mapping[str, object], *payload: bytes, **more: Any) -> None:
        instead = NONSENSE[about[0]] if header.get("say") == about[0] else header
        send(channel, instead, *payload, **more)

    Channel.send, Channel.receive = lying, listening  # type: ignore[method-assign, assignment]
    worker.main()


if __name__ == "__main__":
    main()
