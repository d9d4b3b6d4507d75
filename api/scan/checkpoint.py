"""Checkpoint of a scan: a file of findings beside its output that stays usable after a kill at any moment.

The first line is a header that describes the scan; then one finding a line, in the source's order. A resumed
scan needs only the number of complete lines, and the same scan always ends with the same bytes. Each line
begins with a checksum of itself and all lines before it, so that damaged lines are never read as findings.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from earwitness.api.finding_json import from_json, to_line
from earwitness.api.findings import Finding
from earwitness.api.scan.scan_errors import CannotWrite, PartialDamaged, ScanBusy, ScanChanged, ScanUnfinished
from earwitness.index.store.files import convert_write_errors, fsync_folder

SYNC_ITEMS: Final = 200
SYNC_S: Final = 2.0
CHECKSUM: Final = 16
"""Hexadecimal digits of a line's checksum."""


def partial_path(out: Path) -> Path:
    """Return the path of a scan's checkpoint, which is deleted when the scan has ended."""
    return out.with_name(out.name + ".partial")


class Checkpoint:
    """An open, locked file of findings so far.

    Attributes
    ----------
    header : mapping
        The description of the scan when it began.
    n_done : int
        Number of findings in it.
    """

    def __init__(
        self, path: Path, file: BinaryIO, header: Mapping[str, Any], n_done: int, chain: bytes = b""
    ) -> None:
        self.path, self.header, self.n_done = path, header, n_done
        self._file, self._chain = file, chain
        self._unsynced, self._synced_at = 0, time.monotonic()

    @classmethod
    def open(cls, out: Path, *, header: Mapping[str, Any], resume: bool) -> Self:
        """Begin or resume the checkpoint of the scan whose output is `out`.

        Parameters
        ----------
        header
            Description of the scan, in JSON types. A resumed scan must have the same, except for the key
            ``search``, which follows from the others; the first one stays.

        Raises
        ------
        ScanUnfinished
            When there are findings of an interrupted scan, and `resume` is false.
        ScanChanged
            When the interrupted scan had another header.
        ScanBusy
            When another process is writing the checkpoint.
        PartialDamaged
            When the header is damaged. A damaged finding is computed again: the scan resumes after the
            findings before it, and a message on stderr names the line.
        CannotWrite, DiskFull
        """
        path = partial_path(out)
        file = _locked(path)
        try:
            first_line = _read_header(path, file)
            if first_line is None:
                return cls(path, file, header, 0, _begin(path, file, header))
            if not resume:
                raise ScanUnfinished(partial=str(path))
            began, chain = first_line
            _compare(path, began, header)
            return cls(path, file, began, *_resume(path, file, chain))
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with convert_write_errors(self.path), self._file:  # on a full disk, closing fails as well
            self.sync()

    def append(self, finding: Finding) -> None:
        """Add one finding; it is on disk within `SYNC_S` seconds or `SYNC_ITEMS` items."""
        line = _chained(self._chain, to_line(finding).encode())
        with convert_write_errors(self.path):
            self._file.write(line)
        self._chain = line[:CHECKSUM]
        self.n_done += 1
        self._unsynced += 1
        if self._unsynced >= SYNC_ITEMS or time.monotonic() - self._synced_at >= SYNC_S:
            self.sync()

    def sync(self) -> None:
        """Write everything added so far to disk."""
        with convert_write_errors(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
        self._unsynced, self._synced_at = 0, time.monotonic()

    def findings(self) -> Iterator[Finding]:
        """Yield the findings so far, in order."""
        self.sync()
        return findings_so_far(self.path)


def findings_so_far(path: Path) -> Iterator[Finding]:
    """Yield the findings of an unfinished scan, in order.

    Raises
    ------
    PartialDamaged
        At a line whose bytes changed.
    """
    chain = b""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line != _chained(chain, line[CHECKSUM + 1 :]):
                raise PartialDamaged(partial=str(path), line=number)
            chain = line[:CHECKSUM]
            if number > 1:
                yield from_json(json.loads(line[CHECKSUM + 1 :]))


def _chained(chain: bytes, line: bytes) -> bytes:
    """Return a line with its checksum before it; `chain` is the checksum of the line before."""
    return blake2b(chain + line, digest_size=CHECKSUM // 2).hexdigest().encode() + b" " + line


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


def _read_header(path: Path, file: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Return the header and its checksum; None where no complete header was written."""
    first = file.readline()
    if not first.endswith(b"\n"):
        return None
    if first != _chained(b"", first[CHECKSUM + 1 :]):
        raise PartialDamaged(partial=str(path), line=1)
    began: dict[str, Any] = json.loads(first[CHECKSUM + 1 :])
    return began, first[:CHECKSUM]


def _compare(path: Path, began: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    for what, now in header.items():
        if what != "search" and began.get(what) != now:
            raise ScanChanged(partial=str(path), what=what, was=str(began.get(what)), now=str(now))


def _resume(path: Path, file: BinaryIO, chain: bytes) -> tuple[int, bytes]:
    """Count the findings; remove an incomplete or damaged line and all lines after it."""
    n_done, end = 0, file.tell()
    for line in file:
        if not line.endswith(b"\n"):
            break
        if line != _chained(chain, line[CHECKSUM + 1 :]):
            damage = PartialDamaged(partial=str(path), line=n_done + 2)
            print(f"{damage.message}; resuming after the {n_done} findings before it", file=sys.stderr)
            break
        n_done, end, chain = n_done + 1, end + len(line), line[:CHECKSUM]
    with convert_write_errors(path):
        file.seek(end)
        file.truncate()
    return n_done, chain


def _begin(path: Path, file: BinaryIO, header: Mapping[str, Any]) -> bytes:
    line = _chained(b"", json.dumps(header).encode() + b"\n")
    with convert_write_errors(path):
        file.seek(0)
        file.truncate()
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        fsync_folder(path.parent)
    return line[:CHECKSUM]
