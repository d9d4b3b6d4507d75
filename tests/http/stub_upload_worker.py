"""A process for tests in place of `upload_worker`: the upload's name selects what it does."""

from __future__ import annotations

import os
import struct
import sys
import time
from multiprocessing.connection import Connection

from earwitness.api.findings import FindingItem
from earwitness.api.http.uploads.upload_process import Ask, Begin, Rest
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.worker_messages import Broken, Ready
from earwitness.fingerprint.errors import SandboxMissing


def main() -> None:
    """Serve the socket whose number is the first argument."""
    connection = Connection(int(sys.argv[1]))
    begin: Begin = connection.recv()
    if begin.scheme == "missing":
        connection.send(Broken(error=SandboxMissing(reason="none here")))
        return
    if begin.scheme == "dies":
        os._exit(5)
    connection.send(Ready())
    while True:
        try:
            message: Ask | Rest = connection.recv()
        except EOFError:
            return
        if isinstance(message, Ask):
            if message.name == "poison":
                os._exit(9)
            if message.name == "half":
                os.write(connection.fileno(), struct.pack("!i", 1_000) + b"the beginning of an answer")
                os._exit(9)
            if message.name == "endless":
                time.sleep(600)
            number = str(os.getpid())
            connection.send(
                ItemResult(item=FindingItem(id=message.name, path=number, sha256=None, duration_s=1.0))
            )
