"""The process that reads a source, as its parent sees it: asked, waited for, and ended."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from earwitness.api.child_process import command
from earwitness.api.datasets.isolated.item_messages import error_from_message, text, whole_number
from earwitness.api.datasets.isolated.message_frames import BadMessage, Channel, Message
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.reading_errors import SourceReaderFailed
from earwitness.api.datasets.names import label
from earwitness.api.settings import worker_environment
from earwitness.fingerprint.errors import EarwitnessError

MODULE: Final = "earwitness.api.datasets.isolated.reading_worker"
NONSENSE: Final = "the process that read it answered what cannot be: {}"
MAX_BLOCKED: Final = 1_000
"""Files of one source that its reading process may die of before the rest is given up."""
_REASON_CHARS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a file of the source was opened: its name, and how many items, by which ids, came before."""

    place: str
    n_items: int
    digest: str


class ReaderEnded(Exception):
    """The process that reads the source ended, or cannot go on.

    Attributes
    ----------
    reason : str
        Why, in plain words.
    mark : Mark or None
        The file that it had opened last.
    """

    def __init__(self, reason: str, mark: Mark | None = None) -> None:
        self.reason, self.mark = reason, mark
        super().__init__(reason)


class Child:
    """One process that reads one source.

    Parameters
    ----------
    blocked : mapping
        Files of the source that are not to be opened, and why.
    """

    def __init__(self, request: Request, blocked: Mapping[str, str]) -> None:
        limits = request.limits
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command(MODULE, str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # what a library prints as it dies helps nobody
                pass_fds=[theirs.fileno()],
                env=worker_environment() | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
                start_new_session=True,  # an interrupt at the terminal is the parent's to handle
            )
        ours.settimeout(limits.reader_wall_s)
        self._channel, self._wall_s = Channel(ours), limits.reader_wall_s
        self.mark: Mark | None = None
        self._send({
            "request": request.said(),
            "memory_bytes": limits.reader_memory_bytes,
            "blocked": dict(blocked),
        })  # fmt: skip

    def close(self) -> None:
        """End the process."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def ask(self, do: str, **more: Any) -> Message:
        """Ask, and wait for the answer as long as there is progress.

        Raises
        ------
        ReaderEnded
        EarwitnessError
            What was asked is refused.
        """
        self._send({"do": do, **more})
        return self.answer()

    def answer(self) -> Message:
        """Wait for one answer; see `ask`."""
        try:
            while True:
                message = self._channel.receive()
                say = message.header.get("say")
                if say == "refused":
                    raise error_from_message(message.header.get("error"))
                if say == "broke":
                    raise self._ended(text(message.header, "detail"))
                if say == "opened":
                    self._opened(message.header)
                elif say != "progress":
                    return message
        except TimeoutError:
            raise self._ended(f"it made no progress for {self._wall_s:g} s{self._where()}") from None
        except (EOFError, OSError):
            raise self._ended(self._death()) from None
        except BadMessage as error:
            raise self._ended(NONSENSE.format(error)) from error

    def _opened(self, header: Mapping[str, Any]) -> None:
        place, n_items = text(header, "place"), whole_number(header, "at")
        self.mark = Mark(place=place, n_items=n_items, digest=text(header, "digest"))

    def _send(self, header: Mapping[str, Any]) -> None:
        try:
            self._channel.send(header)
        except OSError:
            raise self._ended(self._death()) from None

    def _ended(self, reason: str) -> ReaderEnded:
        self.close()
        return ReaderEnded(label(reason)[:_REASON_CHARS], self.mark)

    def _where(self) -> str:
        return "" if self.mark is None else f" while it read {self.mark.place}"

    def _death(self) -> str:
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return f"the process that read it hung up{self._where()}"
        if status >= 0:
            return f"the process that read it ended with status {status}{self._where()}"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = "unknown"
        return f"the process that read it was ended by signal {-status}, {name},{self._where()}".rstrip(",")


def start(request: Request, blocked: dict[str, str]) -> tuple[Child, Message]:
    """Start a process that opens the source without the files that it dies of: these join ``blocked``."""
    first: ReaderEnded | None = None
    while True:
        child = Child(request, blocked)
        try:
            return child, child.ask("open")
        except ReaderEnded as ended:
            first = first or ended
            if child.mark is None or child.mark.place in blocked or len(blocked) >= MAX_BLOCKED:
                raise SourceReaderFailed(source=label(request.source), reason=first.reason) from ended
            blocked[child.mark.place] = ended.reason
        except EarwitnessError as error:
            child.close()
            if first is None:
                raise
            raise SourceReaderFailed(source=label(request.source), reason=first.reason) from error


def close_all(children: set[Child]) -> None:
    """End processes."""
    for child in children:
        child.close()
