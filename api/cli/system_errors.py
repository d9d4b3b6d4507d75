"""Errors of the system and of libraries, put into words a person can act on, for all commands."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from earwitness.api.cli.cli_errors import SystemRefuses
from earwitness.api.cli.options import home_in_use
from earwitness.fingerprint.errors import EarwitnessError

_FREE_SPACE: Final = "free some space there, and run the same command again"
_NO_ROOM: Final = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FREE_SPACE) | {
    errno.EFBIG: "write to a disk that takes larger files, or raise the limit on their size (ulimit -f)"
}
_NOT_ALLOWED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NO_SUCH_PLACE: Final = frozenset({
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EEXIST, errno.ENOTEMPTY,
    errno.ENXIO, errno.ENODEV, errno.EINVAL, errno.EXDEV, errno.ETXTBSY, errno.EBUSY, errno.ESTALE,
})  # fmt: skip
_OTHER: Final = {
    errno.EMFILE: "allow more open files (ulimit -n 4096), and run the command again",
    errno.ENFILE: "close other programs: the machine has no open files left",
    errno.ENOMEM: "give fewer --workers, or run it where more memory is free",
    errno.EAGAIN: "give fewer --workers, or wait until other programs have ended",
    errno.EADDRINUSE: "choose another --port, or stop the program that has this one",
    errno.EADDRNOTAVAIL: "give --host an address of this machine",
    errno.EIO: "look after the disk, and run the command again",
}
LEAST_FREE_BYTES: Final = 1 << 20
"""Where less than this is free, an error of the disk is taken for a full one."""

_WRITABLE: Final = (
    "change its permissions (reading needs them too), or name a copy that you may write to with --home"
)
_DATABASE: Final = (
    ("readonly database", _WRITABLE),
    ("unable to open database", _WRITABLE),
    ("disk is full", _FREE_SPACE),
    ("disk i/o error", "look after that disk, and run the command again"),
    ("locked", "wait until the other command has ended"),
    ("could not parse", "correct EARWITNESS_DATABASE_URL, or unset it"),
    ("can't load plugin", "correct EARWITNESS_DATABASE_URL, or unset it"),
)
"""Words of SQLite and SQLAlchemy, and the way out of each."""


def explained(error: BaseException) -> EarwitnessError | None:
    """Put an error into words; None where it is one that only a defect of this program explains."""
    for each in _chain(error):
        if isinstance(each, EarwitnessError):
            return each
        if isinstance(each, OSError) and (said := _of_system(each)) is not None:
            return said
        if isinstance(each, MemoryError):
            return SystemRefuses(
                what="no memory is left", reason="the system gave none", way_out=_OTHER[errno.ENOMEM]
            )
        if type(each).__module__.partition(".")[0] in {"sqlalchemy", "sqlite3"} and (
            said := _of_database(str(getattr(each, "orig", None) or each))
        ):
            return said
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, the outermost first."""
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__


def _of_system(error: OSError) -> SystemRefuses | None:
    number, name = error.errno, _named(error)
    reason = error.strerror or str(error)
    if number in _NO_ROOM:
        return SystemRefuses(
            what=f"no room left to write {name or 'the output'}", reason=reason, way_out=_NO_ROOM[number]
        )
    if number in _NOT_ALLOWED:
        what = f"{name or 'a file'} may not be written or read"
        return SystemRefuses(
            what=what, reason=reason, way_out="change its permissions, or name another place"
        )
    if number in _NO_SUCH_PLACE and name:
        return SystemRefuses(
            what=f"{name} cannot be used", reason=reason, way_out="name another file or folder"
        )
    if number in _OTHER:
        return SystemRefuses(what=name or "the system refuses", reason=reason, way_out=_OTHER[number])
    return None


def _named(error: OSError) -> str:
    names = [os.fsdecode(each) for each in (error.filename, error.filename2) if isinstance(each, str | bytes)]
    return " or ".join(names)


def _of_database(words: str) -> SystemRefuses | None:
    home, low = home_in_use(), words.lower()
    what = f"the catalogue of {home or 'the home'} cannot be used"
    if "disk i/o error" in low and home is not None and _is_full(home):
        return SystemRefuses(what=f"no room left in {home}", reason=words, way_out=_FREE_SPACE)
    for mark, way_out in _DATABASE:
        if mark in low:
            return SystemRefuses(what=what, reason=words, way_out=way_out)
    return None


def _is_full(folder: Path) -> bool:
    return folder.exists() and shutil.disk_usage(folder).free < LEAST_FREE_BYTES
