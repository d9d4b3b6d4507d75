"""Answers single uploads in a process, which is ended when one takes too long or is cancelled."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from earwitness.api.child_process import command
from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.api.datasets.items import Skipped
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec, refused_result
from earwitness.api.scan.worker_errors import ItemTimeout, WorkerDied, WorkersFail
from earwitness.api.scan.worker_messages import Broken, Ready
from earwitness.api.settings import Settings, worker_environment

START_S: Final = 120.0
"""Longest time that the process may take to start, in seconds; kernels may have to be compiled first."""
WATCH_S: Final = 0.2
ATTEMPTS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first message to the process."""

    settings: Settings
    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One upload, the search to do in its tenant's library, and the newest epochs at that time.

    Attributes
    ----------
    epoch, home_epoch : int
        Of the tenant, and of all tenants together.
    """

    order: RunSpec
    epoch: int
    home_epoch: int
    file: Path
    name: str
    n_bytes: int

    @property
    def tenant(self) -> str:
        """Whose upload it is."""
        return self.order.settings.tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Asks the process to close every library that was opened at another epoch of the home."""

    home_epoch: int


class UploadWorker:
    """One process; used by one thread. It is started with this object, and again when it has ended.

    Parameters
    ----------
    module
        The module that the process runs; tests pass another.

    Raises
    ------
    WorkersFail
        When it does not start.
    EarwitnessError
        When it cannot work, such as without a sandbox.
    """

    def __init__(
        self, settings: Settings, *, scheme: str, module: str = "earwitness.api.http.uploads.upload_worker"
    ) -> None:
        self._settings, self._scheme, self._module = settings, scheme, module
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._start(lambda: None)

    def close(self) -> None:
        """End the process."""
        self._end()

    def rest(self, home_epoch: int) -> None:
        """Make the process close every library that was opened at another epoch of the home."""
        if self._connection is not None:
            try:
                self._connection.send(Rest(home_epoch=home_epoch))
            except OSError:  # it has ended by itself: the next upload starts another
                self._end()

    def answer(self, ask: Ask, *, watch: Callable[[], None]) -> ItemResult:
        """Answer one upload.

        Parameters
        ----------
        watch
            Called several times a second; what it raises ends the process and is passed on.

        Raises
        ------
        EarwitnessError
            When no upload can be answered, such as after a change of the library.
        """
        ends_at = time.monotonic() + self._settings.item_wall_s
        status: int | None = None
        for _ in range(ATTEMPTS):
            try:
                reply = self._ask(ask, watch, ends_at)
            except (EOFError, ConnectionError):
                status = self._end()
            except TimeoutError:
                self._end()
                return _refused(ask.order, ItemTimeout(name=ask.name, limit_s=self._settings.item_wall_s))
            except BaseException:
                self._end()
                raise
            else:
                if isinstance(reply, Broken):
                    raise reply.error
                return reply
        return _refused(ask.order, WorkerDied(name=ask.name, detail=f"status {status}"))

    def _ask(self, ask: Ask, watch: Callable[[], None], ends_at: float) -> ItemResult | Broken:
        if self._connection is None:
            self._start(watch)
        assert self._connection is not None  # it has just been started
        self._connection.send(ask)
        reply: ItemResult | Broken = self._receive(watch, ends_at)
        return reply

    def _receive(self, watch: Callable[[], None], ends_at: float) -> Any:
        assert self._connection is not None  # the caller has started the process
        while not self._connection.poll(WATCH_S):
            watch()
            if time.monotonic() >= ends_at:
                raise TimeoutError
        try:
            return self._connection.recv()
        except OSError as error:
            raise EOFError("the process ended in the middle of a message") from error

    def _start(self, watch: Callable[[], None]) -> None:
        parent_end, child_end = Pipe(duplex=True)
        with child_end:
            self._process = subprocess.Popen(
                command(self._module, str(child_end.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=[child_end.fileno()],
                env=worker_environment(),
                start_new_session=True,  # an interrupt at the terminal is the server's to handle
            )
        self._connection = parent_end
        try:
            parent_end.send(Begin(settings=self._settings, scheme=self._scheme))
            ready = self._receive(watch, time.monotonic() + START_S)
        except (OSError, EOFError) as error:
            raise WorkersFail(status=self._end()) from error
        except BaseException:
            self._end()
            raise
        if not isinstance(ready, Ready):
            self._end()
            raise ready.error

    def _end(self) -> int | None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is None:
            return None
        process.kill()
        return process.wait()


def _refused(order: RunSpec, error: ItemRefused) -> ItemResult:
    return refused_result(order, Skipped.of(error, item_id=error.name, path=error.name, shard=None))
