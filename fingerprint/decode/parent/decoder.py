"""`Decoder`: sends items to the decode worker, enforces limits, and restarts the worker when it fails."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, Self

from earwitness.fingerprint.decode import protocol
from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.parent.input_file import open_input
from earwitness.fingerprint.decode.parent.response import WorkerResponse
from earwitness.fingerprint.decode.parent.sandbox import (
    EXIT_TIMEOUT_S,
    RECYCLE_AFTER,
    Sandbox,
    StartFailed,
    StartingWorker,
    WorkerProcess,
    begin,
    start,
)
from earwitness.fingerprint.decode.parent.tag_texts import tags_of
from earwitness.fingerprint.errors import (
    AudioTooLarge,
    BrokenAudio,
    DecoderDied,
    DecodeTimeout,
    SandboxMissing,
)
from earwitness.fingerprint.types import NO_TAGS, Decoded, Tags

TAGS_WALL_S: Final = 5.0
"""Seconds that reading the tags of one file may take; it takes a few milliseconds."""


Requested = Literal["auto", "bwrap", "rlimits"]


class SandboxWarning(UserWarning):
    """Audio is decoded without bubblewrap."""


class Decoder:
    """Decodes untrusted files in a sandboxed process that is reused. Not thread-safe: use one per thread.

    Parameters
    ----------
    limits : Limits
    sandbox : "auto", "bwrap" or "rlimits"
        "auto" uses bubblewrap if it works; otherwise it warns (`SandboxWarning`) and uses resource limits and
        the system call filter.
    wait : bool
        Whether to wait until the worker is ready; otherwise the first use of the decoder waits, and raises.

    Raises
    ------
    SandboxMissing
        No worker can be started in the requested sandbox.
    """

    def __init__(
        self, *, limits: Limits | None = None, sandbox: Requested = "auto", wait: bool = True
    ) -> None:
        self.limits, self._requested = limits or Limits(), sandbox
        self._worker: WorkerProcess | None = None
        self._chosen: tuple[Sandbox, str | None] | None = None
        self._starting = _begin(sandbox, self.limits)
        if wait:
            self._choose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the worker; closing twice does nothing."""
        if self._starting is not None:
            self._starting.stop()
            self._starting = None
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox that is used."""
        return self._choose()[0]

    @property
    def reason(self) -> str | None:
        """Why bubblewrap is not used, if it was requested."""
        return self._choose()[1]

    @property
    def calls_filtered(self) -> bool:
        """Whether the worker filters system calls (Linux on x86-64 and arm64)."""
        return self._ready().calls_filtered

    def decode(self, source: Path | bytes | BinaryIO, *, name: str, with_tags: bool = False) -> Decoded:
        """Decode one item.

        Parameters
        ----------
        source
            A regular file, its bytes, or an open binary file, which is read from its current position.
        name : str
            Name of the item in errors.
        with_tags : bool
            Whether to read the tags too; tags that cannot be read are empty and no error.

        Raises
        ------
        AudioError
            EmptyFile, NotAudio, BrokenAudio, AudioTooLarge, DecodeTimeout or DecoderDied.
        """
        with open_input(source, max_bytes=self.limits.max_bytes, name=name) as fd:
            decoded = self._request(fd, name)
            return replace(decoded, tags=self._tags(fd)) if with_tags else decoded

    def read_tags(self, source: Path | bytes | BinaryIO, *, name: str) -> Tags:
        """Read the tags of one item without decoding it; empty where they cannot be read.

        Raises
        ------
        AudioError
            The item cannot be opened, or has too many bytes.
        """
        with open_input(source, max_bytes=self.limits.max_bytes, name=name) as fd:
            return self._tags(fd)

    def probe(self, *, home: Path, scratch: Path) -> dict[str, str]:
        """Try forbidden actions in the worker; return action -> name of the error, or "allowed"."""
        worker = self._ready()
        worker.channel.send_json(protocol.PROBE, {"home": str(home), "scratch": str(scratch)})
        _, payload = worker.channel.receive(deadline=time.monotonic() + self.limits.wall_s)
        return {str(action): str(result) for action, result in protocol.read_json(payload).items()}

    def _choose(self) -> tuple[Sandbox, str | None]:
        """Wait for the first worker; returns its sandbox and why it is not in bubblewrap."""
        if self._chosen is None:
            starting, self._starting = self._starting, None
            self._worker, sandbox, reason = _first_worker(self._requested, self.limits, starting)
            self._chosen = (sandbox, reason)
        return self._chosen

    def _ready(self) -> WorkerProcess:
        """The worker; a new one after `RECYCLE_AFTER` files, or if it ended between two items."""
        self._choose()
        worker = self._worker
        if worker is not None and (worker.n_decoded >= RECYCLE_AFTER or worker.process.poll() is not None):
            worker.stop()
            worker = None
        if worker is None:
            try:
                worker = _start(self.sandbox, self.limits)
            except StartFailed as error:
                raise SandboxMissing(reason=str(error)) from error
        self._worker = worker
        return worker

    def _request(self, fd: int, name: str) -> Decoded:
        """Decode an item, and once more in a new worker if the first one dies: it may have been killed."""
        deadline = time.monotonic() + self.limits.wall_s
        try:
            return self._request_once(fd, name, deadline)
        except DecoderDied:
            return self._request_once(fd, name, deadline)

    def _request_once(self, fd: int, name: str, deadline: float) -> Decoded:
        worker = self._ready()
        try:
            worker.channel.send_json(protocol.DECODE, {"name": name[:200]}, fd=fd)
            decoded = WorkerResponse(name=name, limits=self.limits).read(worker.channel, deadline)
        except TimeoutError as error:
            self._stop_worker()
            raise DecodeTimeout(name=name, limit_s=self.limits.wall_s) from error
        except (OSError, UnicodeError) as error:
            raise DecoderDied(
                name=name, reason=f"{error}; {self._stop_worker(timeout_s=EXIT_TIMEOUT_S)}"
            ) from error
        except (BrokenAudio, AudioTooLarge):
            self._stop_worker()  # a codec has read damaged bytes: do not reuse its process
            raise
        worker.n_decoded += 1
        return decoded

    def _tags(self, fd: int) -> Tags:
        """Read tags by a request of their own, so that they cannot fail what was decoded."""
        worker = self._ready()
        try:
            worker.channel.send_json(protocol.TAGS, {}, fd=fd)
            kind, payload = worker.channel.receive(deadline=time.monotonic() + TAGS_WALL_S)
            if kind != protocol.TAGS:
                raise protocol.ProtocolError("the worker sent no tags")
            return tags_of(protocol.read_json(payload))
        except (OSError, UnicodeError):  # a TimeoutError is an OSError
            self._stop_worker()
            return NO_TAGS

    def _stop_worker(self, *, timeout_s: float = 0.0) -> str:
        worker, self._worker = self._worker, None
        return worker.stop(timeout_s=timeout_s) if worker is not None else "no worker"


def _begin(sandbox: Requested, limits: Limits) -> StartingWorker | None:
    """Start the worker that is preferred; None where that fails, which `_first_worker` reports."""
    try:
        return begin("rlimits" if sandbox == "rlimits" else "bwrap", limits)
    except StartFailed:
        return None


def _start(sandbox: Sandbox, limits: Limits, starting: StartingWorker | None = None) -> WorkerProcess:
    """Start a worker, and once more if it ends before it is ready: it may have been killed."""
    try:
        return starting.ready() if starting else start(sandbox, limits)
    except StartFailed:
        return start(sandbox, limits)


def _first_worker(
    sandbox: Requested, limits: Limits, starting: StartingWorker | None
) -> tuple[WorkerProcess, Sandbox, str | None]:
    reason = None
    if sandbox != "rlimits":
        try:
            return _start("bwrap", limits, starting), "bwrap", None
        except StartFailed as error:
            reason = str(error)
            if sandbox == "bwrap":
                raise SandboxMissing(reason=reason) from error
            warnings.warn(
                f"AUDIO IS DECODED WITHOUT BUBBLEWRAP ({reason}): only resource limits and a system call "
                "filter stand between a hostile file and this account",
                SandboxWarning,
                stacklevel=4,
            )
        starting = None
    try:
        return _start("rlimits", limits, starting), "rlimits", reason
    except StartFailed as error:
        raise SandboxMissing(reason=str(error)) from error
