"""The findings of a scan while it runs: a file beside its output that a kill at any moment leaves usable.

One line of header says what was asked; then comes one finding a line, in the source's order. So the number of
whole lines is all that a resumed scan must know, and the same scan always ends with the same bytes.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from api.errors import CannotWrite, ScanBusy, ScanChanged, ScanUnfinished
from api.findings import Finding, from_json, to_line
from index.disk import fsync_folder, room_for

SYNC_ITEMS: Final = 200
SYNC_S: Final = 2.0


def partial_of(out: Path) -> Path:
    """Name the file that holds a scan's findings until it has ended."""
    return out.with_name(out.name + ".partial")


class Checkpoint:
    """An open, locked file of findings so far.

    Attributes
    ----------
    header : mapping
        What the scan was begun with.
    n_done : int
        Findings in it.
    """

    def __init__(self, path: Path, file: BinaryIO, header: Mapping[str, Any], n_done: int) -> None:
        self.path, self.header, self.n_done = path, header, n_done
        self._file = file
        self._unsynced, self._synced_at = 0, time.monotonic()

    @classmethod
    def open(cls, out: Path, *, header: Mapping[str, Any], resume: bool) -> Self:
        """Begin, or go on with, the findings that will be `out`.

        Parameters
        ----------
        header
            What was asked, in JSON's types; a scan that goes on must ask the same, but for the key
            ``search``, which only says it again and of which the first wording stands.

        Raises
        ------
        ScanUnfinished
            When there are findings of a scan that was cut off, and `resume` is false.
        ScanChanged
            When those were the answer to another question.
        ScanBusy
            When another process is writing them.
        CannotWrite
        """
        path = partial_of(out)
        file = _locked(path)
        try:
            began = _header(file)
            if began is None:
                _begin(path, file, header)
                return cls(path, file, header, 0)
            if not resume:
                raise ScanUnfinished(partial=str(path))
            _compare(path, began, header)
            return cls(path, file, began, _go_on(file))
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with room_for(self.path), self._file:  # on a full disk, closing fails as well
            self.sync()

    def append(self, finding: Finding) -> None:
        """Add one finding; it is on the disk within `SYNC_S` seconds or `SYNC_ITEMS` items."""
        with room_for(self.path):
            self._file.write(to_line(finding).encode())
        self.n_done += 1
        self._unsynced += 1
        if self._unsynced >= SYNC_ITEMS or time.monotonic() - self._synced_at >= SYNC_S:
            self.sync()

    def sync(self) -> None:
        """Bring everything added so far to the disk."""
        with room_for(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
        self._unsynced, self._synced_at = 0, time.monotonic()

    def findings(self) -> Iterator[Finding]:
        """Yield the findings so far, in order."""
        self.sync()
        return findings_so_far(self.path)


def findings_so_far(path: Path) -> Iterator[Finding]:
    """Yield the findings of an unfinished scan, in order."""
    with path.open("rb") as lines:
        next(lines)
        for line in lines:
            yield from_json(json.loads(line))


def _locked(path: Path) -> BinaryIO:
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
    except OSError as error:
        raise CannotWrite(path=str(path), reason=error.strerror or str(error)) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise ScanBusy(partial=str(path)) from error
    return file


def _header(file: BinaryIO) -> dict[str, Any] | None:
    """Read what an earlier scan was begun with; None where none ever began."""
    first = file.readline()
    if not first.endswith(b"\n"):
        return None
    began: dict[str, Any] = json.loads(first)
    return began


def _compare(path: Path, began: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    for what, now in header.items():
        if what != "search" and began.get(what) != now:
            raise ScanChanged(partial=str(path), what=what, was=str(began.get(what)), now=str(now))


def _go_on(file: BinaryIO) -> int:
    """Count the findings, and cut off a line that was not finished."""
    n_done, end = 0, file.tell()
    for line in file:
        if not line.endswith(b"\n"):
            break
        n_done, end = n_done + 1, end + len(line)
    file.seek(end)
    file.truncate()
    return n_done


def _begin(path: Path, file: BinaryIO, header: Mapping[str, Any]) -> None:
    file.seek(0)
    file.truncate()
    with room_for(path):
        file.write(json.dumps(header).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
        fsync_folder(path.parent)
