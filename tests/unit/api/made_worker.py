"""A worker for tests: it decodes nothing, returns the bytes' sha256, and dies of an item called poison."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import time
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path

from earwitness.api.findings import FindingItem
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.worker_errors import LibraryMoved
from earwitness.api.scan.worker_messages import Broken, Ready, Task


def main() -> None:
    """Serve the socket whose number is the first argument."""
    connection = Connection(int(sys.argv[1]))
    spec = connection.recv()
    if spec.state_digest == "moved":
        connection.send(Broken(error=LibraryMoved(wanted=1, found=2)))
        return
    if spec.state_digest == "broken":
        os._exit(5)
    connection.send(Ready())
    if spec.state_digest == "ahead":
        look_ahead(connection)
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return
        connection.send(ItemResult(item=finding_item(task, connection)))


def look_ahead(connection: Connection) -> None:
    """Answer an item only when the next one is there, or none comes: and die of that."""
    tasks: list[Task] = []
    while True:
        if not tasks or connection.poll(0.2):
            try:
                tasks.append(connection.recv())
            except EOFError:
                os._exit(0)
        else:
            connection.send(ItemResult(item=finding_item(tasks.pop(0), connection)))
        if any(task.item_id == "poison" for task in tasks):
            os._exit(9)


def finding_item(task: Task, connection: Connection) -> FindingItem:
    """Hash the task's bytes, however they came."""
    if task.audio is None:
        with os.fdopen(recv_handle(connection), "rb") as spool:
            audio = spool.read()
    else:
        audio = task.audio.read_bytes() if isinstance(task.audio, Path) else task.audio
    if task.item_id == "poison":
        os._exit(9)
    if task.item_id == "half":
        os.write(connection.fileno(), struct.pack("!i", 1_000) + b"the beginning of an answer")
        os._exit(9)
    if task.item_id == "slow":
        time.sleep(0.2)
    if task.item_id == "endless":
        time.sleep(600)
    return FindingItem(
        id=task.item_id, path=task.path, sha256=hashlib.sha256(audio).hexdigest(), duration_s=1.0
    )


if __name__ == "__main__":
    main()
