"""A reading process for tests: it dies, hangs, raises or lies at members of a zip that are called so."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from api.datasets.isolated import worker
from api.datasets.isolated.frames import Channel
from api.datasets.types import Recording, Skipped
from api.datasets.zips import ZipReader


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

    def listed(reader: ZipReader) -> Iterator[Recording | Skipped]:
        for item in plain(reader):
            name = item.item_id.rpartition("/")[2].partition(".")[0]
            if name in ENDS:
                ENDS[name]()
            yield _late(item, name.removeprefix("late-")) if name.startswith("late-") else item

    ZipReader.__iter__ = listed  # type: ignore[method-assign]
    worker.main()


def _late(item: Recording | Skipped, name: str) -> Recording | Skipped:
    assert isinstance(item, Recording)

    def opened() -> BinaryIO:
        ENDS[name]()
        raise AssertionError("it should have ended")

    return replace(item, open=opened, file=None)


def lie() -> None:
    """Say the first thing that comes to mind."""
    send: Callable[..., None] = Channel.send

    def lying(channel: Channel, header: dict[str, object], payload: bytes = b"", **more: object) -> None:
        if header.get("say") == "item":
            header = {"say": "item", "item": {"id": 7, "path": ["x"], "file": "../x"}}
        send(channel, header, payload, **more)

    Channel.send = lying  # type: ignore[assignment, method-assign]
    worker.main()


if __name__ == "__main__":
    main()
