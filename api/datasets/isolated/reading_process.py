"""The parent's side of a reading process: starts it, sends requests, waits for answers, ends it."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from earwitness.api.child_process import command
from earwitness.api.datasets.isolated.item_messages import error_from_message, read_count, read_text
from earwitness.api.datasets.isolated.message_frames import BadMessage, Channel, Message
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.reading_errors import SourceReaderFailed
from earwitness.api.datasets.names import label
from earwitness.api.settings import worker_environment
from earwitness.fingerprint.errors import EarwitnessError

MODULE: Final = "earwitness.api.datasets.isolated.reading_worker"
INVALID_ANSWER: Final = "the reading process sent an invalid answer: {}"
MAX_BLOCKED: Final = 1_000
"""Files of one source over which reading processes may die before the rest is reported as cut off."""
_REASON_CHARS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The file of a source that was opened last, and the number and digest of the items before it."""

    file: str
    n_items: int
    digest: str


class ReaderEnded(Exception):
    """A reading process ended, or cannot continue.

    Attributes
    ----------
    reason : str
        Why, for the report.
    mark : Mark or None
        The file that the process had opened last.
    """

    def __init__(self, reason: str, mark: Mark | None = None) -> None:
        self.reason, self.mark = reason, mark
        super().__init__(reason)


class ReadingProcess:
    """One process that reads one source.

    Parameters
    ----------
    blocked : mapping
        Files of the source that are not to be opened, with the reasons.
    """

    def __init__(self, request: Request, blocked: Mapping[str, str]) -> None:
        limits = request.limits
        parent_end, child_end = socket.socketpair()
        with child_end:
            self._process = subprocess.Popen(
                command(MODULE, str(child_end.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a library's last output would clutter the terminal
                pass_fds=[child_end.fileno()],
                env=worker_environment() | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
                start_new_session=True,  # the parent handles an interrupt at the terminal
            )
        parent_end.settimeout(limits.reader_wall_s)
        self._channel, self._wall_s = Channel(parent_end), limits.reader_wall_s
        self.mark: Mark | None = None
        self._send({
            "request": request.to_message(),
            "memory_bytes": limits.reader_memory_bytes,
            "blocked": dict(blocked),
        })  # fmt: skip

    def close(self) -> None:
        """End the process."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def request(self, command: str, **arguments: Any) -> Message:
        """Send a command and wait for its answer while there is progress.

        Raises
        ------
        ReaderEnded
        EarwitnessError
            The command failed, and the process is ready for the next one.
        """
        self._send({"command": command, **arguments})
        return self.receive()

    def receive(self) -> Message:
        """Wait for one answer; see `request`."""
        try:
            while True:
                message = self._channel.receive()
                kind = message.header.get("type")
                if kind == "error":
                    raise error_from_message(message.header.get("error"))
                if kind == "failed":
                    raise self._ended(read_text(message.header, "detail"))
                if kind == "opened":
                    self._mark(message.header)
                elif kind != "progress":
                    return message
        except TimeoutError:
            raise self._ended(f"it made no progress for {self._wall_s:g} s{self._where()}") from None
        except (EOFError, OSError):
            raise self._ended(self._death()) from None
        except BadMessage as error:
            raise self._ended(INVALID_ANSWER.format(error)) from error

    def _mark(self, header: Mapping[str, Any]) -> None:
        file, n_items = read_text(header, "file"), read_count(header, "at")
        self.mark = Mark(file=file, n_items=n_items, digest=read_text(header, "digest"))

    def _send(self, header: Mapping[str, Any]) -> None:
        try:
            self._channel.send(header)
        except OSError:
            raise self._ended(self._death()) from None

    def _ended(self, reason: str) -> ReaderEnded:
        self.close()
        return ReaderEnded(label(reason)[:_REASON_CHARS], self.mark)

    def _where(self) -> str:
        return "" if self.mark is None else f" while it read {self.mark.file}"

    def _death(self) -> str:
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return f"the reading process closed its connection{self._where()}"
        if status >= 0:
            return f"the reading process ended with status {status}{self._where()}"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = "unknown"
        return f"the reading process was ended by signal {-status}, {name},{self._where()}".rstrip(",")


def start_reading(request: Request, blocked: dict[str, str]) -> tuple[ReadingProcess, Message]:
    """Start a process and let it open the source; files over which it dies are added to ``blocked``."""
    first: ReaderEnded | None = None
    while True:
        process = ReadingProcess(request, blocked)
        try:
            return process, process.request("open")
        except ReaderEnded as ended:
            first = first or ended
            if process.mark is None or process.mark.file in blocked or len(blocked) >= MAX_BLOCKED:
                raise SourceReaderFailed(source=label(request.source), reason=first.reason) from ended
            blocked[process.mark.file] = ended.reason
        except EarwitnessError as error:
            process.close()
            if first is None:
                raise
            raise SourceReaderFailed(source=label(request.source), reason=first.reason) from error


def close_all(processes: set[ReadingProcess]) -> None:
    """End processes."""
    for process in processes:
        process.close()
