"""Convert errors of the operating system and of libraries into errors with a message and a hint."""

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
_DISK_FULL: Final = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FREE_SPACE) | {
    errno.EFBIG: "write to a disk that takes larger files, or raise the limit on their size (ulimit -f)"
}
_NOT_ALLOWED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_UNUSABLE_PATH: Final = frozenset({
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
    errno.EIO: "check the disk, and run the command again",
}
LEAST_FREE_BYTES: Final = 1 << 20
"""If fewer bytes are free, a disk I/O error of the database is reported as a full disk."""

_WRITABLE: Final = (
    "change its permissions (reading needs them too), or name a copy that you may write to with --home"
)
_DATABASE: Final = (
    ("readonly database", _WRITABLE),
    ("unable to open database", _WRITABLE),
    ("disk is full", _FREE_SPACE),
    ("disk i/o error", "check that disk, and run the command again"),
    ("locked", "wait until the other command has ended"),
    ("could not parse", "correct EARWITNESS_DATABASE_URL, or unset it"),
    ("can't load plugin", "correct EARWITNESS_DATABASE_URL, or unset it"),
)
"""Texts in messages of SQLite and SQLAlchemy, and the hint for each."""


def explained(error: BaseException) -> EarwitnessError | None:
    """Convert an error; return None for one that is a defect of this program."""
    for each in _chain(error):
        if isinstance(each, EarwitnessError):
            return each
        if isinstance(each, OSError) and (converted := _of_system(each)) is not None:
            return converted
        if isinstance(each, MemoryError):
            return SystemRefuses(
                what="no memory is left", reason="the system gave none", hint=_OTHER[errno.ENOMEM]
            )
        if type(each).__module__.partition(".")[0] in {"sqlalchemy", "sqlite3"} and (
            converted := _of_database(str(getattr(each, "orig", None) or each))
        ):
            return converted
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, the outermost first."""
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__


def _of_system(error: OSError) -> SystemRefuses | None:
    number, name = error.errno, _named(error)
    reason = error.strerror or str(error)
    if number in _DISK_FULL:
        return SystemRefuses(
            what=f"no space left to write {name or 'the output'}", reason=reason, hint=_DISK_FULL[number]
        )
    if number in _NOT_ALLOWED:
        what = f"{name or 'a file'} may not be written or read"
        return SystemRefuses(what=what, reason=reason, hint="change its permissions, or name another path")
    if number in _UNUSABLE_PATH and name:
        return SystemRefuses(what=f"{name} cannot be used", reason=reason, hint="name another file or folder")
    if number in _OTHER:
        return SystemRefuses(what=name or "the system refuses", reason=reason, hint=_OTHER[number])
    return None


def _named(error: OSError) -> str:
    names = [os.fsdecode(each) for each in (error.filename, error.filename2) if isinstance(each, str | bytes)]
    return " or ".join(names)


def _of_database(message: str) -> SystemRefuses | None:
    home, low = home_in_use(), message.lower()
    what = f"the database of {home or 'the home'} cannot be used"
    if "disk i/o error" in low and home is not None and _is_full(home):
        return SystemRefuses(what=f"no space left in {home}", reason=message, hint=_FREE_SPACE)
    for text, hint in _DATABASE:
        if text in low:
            return SystemRefuses(what=what, reason=message, hint=hint)
    return None


def _is_full(folder: Path) -> bool:
    return folder.exists() and shutil.disk_usage(folder).free < LEAST_FREE_BYTES
