"""Where a command's outputs go: files that nobody loses by accident, standard output (``-``), or a device."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from earwitness.api.cli.cli_errors import KeptAsItWas, OutputExists, OutputsClash
from earwitness.api.cli.console import keep_stdout_free
from earwitness.api.scan.scan_errors import CannotWrite

STDOUT: Final = "-"

Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace outputs that exist, without asking")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTarget:
    """One output.

    Attributes
    ----------
    named : str
        What the user called it.
    path : Path
        Where the command writes it.
    streams : bool
        Whether it is copied from there to standard output or to a device when the command has done its work.
    """

    named: str
    path: Path
    streams: bool


@contextmanager
def placed(
    given: Mapping[str, Path | None], *, force: bool, agreed: bool = False, taken: bool = False
) -> Iterator[dict[str, OutputTarget | None]]:
    """Make sure that outputs can be written where they were asked for, before any work is done.

    Parameters
    ----------
    given : mapping
        Output by its name; None where it was not asked for.
    force : bool
        Replace what exists without asking.
    agreed : bool
        The user agreed earlier, to the command that this one goes on with.
    taken : bool
        Standard output is spoken for already.

    Raises
    ------
    OutputExists, OutputsClash, CannotWrite, KeptAsItWas
    """
    wanted = {name: path for name, path in given.items() if path is not None}
    _tell_apart(wanted, taken=taken)
    with ExitStack() as stack:
        places: dict[str, OutputTarget | None] = dict.fromkeys(given)
        for name, path in wanted.items():
            if str(path) == STDOUT or _is_device(path):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="earwitness-out-"))
                places[name] = OutputTarget(
                    named=str(path), path=Path(folder) / (path.name or "out"), streams=True
                )
            else:
                _make_sure(path, ask=not (force or agreed))
                places[name] = OutputTarget(named=str(path), path=path, streams=False)
        if STDOUT in map(str, wanted.values()):
            keep_stdout_free()
        yield places
        for place in places.values():
            if place is not None and place.streams:
                _copy(place)


def _tell_apart(wanted: Mapping[str, Path], *, taken: bool) -> None:
    seen: set[str] = {STDOUT} if taken else set()
    for path in wanted.values():
        place = STDOUT if str(path) == STDOUT else os.path.realpath(path)
        if place in seen and not (place != STDOUT and _is_device(path)):
            raise OutputsClash(where="standard output" if place == STDOUT else str(path))
        seen.add(place)


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _make_sure(path: Path, *, ask: bool) -> None:
    """Look now for what would keep the output from being written after hours of work."""
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise CannotWrite(path=str(path), reason="it is a folder")
    if not place.parent.is_dir():
        raise CannotWrite(path=str(path), reason=f"the folder {place.parent} does not exist")
    if not os.access(place.parent, os.W_OK):
        raise CannotWrite(path=str(path), reason=f"the folder {place.parent} may not be written to")
    if place.exists() and ask:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise OutputExists(path=str(path))
        if not typer.confirm(f"{path} exists already. Replace it?", err=True):
            raise KeptAsItWas(what=str(path), option="--force, or another name")


def _copy(place: OutputTarget) -> None:
    with place.path.open("rb") as done:
        if place.named == STDOUT:
            sys.stdout.flush()
            shutil.copyfileobj(done, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with Path(place.named).open("wb") as device:
                shutil.copyfileobj(done, device)
