"""Outputs of a command: files (replaced only with consent), standard output (``-``), or a device."""

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

from earwitness.api.cli.cli_errors import NothingChanged, OutputExists, OutputsClash
from earwitness.api.cli.console import keep_stdout_free
from earwitness.api.scan.scan_errors import CannotWrite

STDOUT: Final = "-"

Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace existing outputs without asking")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTarget:
    """One output.

    Attributes
    ----------
    named : str
        The path as the user gave it.
    path : Path
        The file that the command writes.
    streams : bool
        Whether that file is copied to standard output or to a device at the end of the command.
    """

    named: str
    path: Path
    streams: bool


@contextmanager
def prepared_outputs(
    given: Mapping[str, Path | None],
    *,
    force: bool,
    confirmed: bool = False,
    stdout_in_use: bool = False,
) -> Iterator[dict[str, OutputTarget | None]]:
    """Check that outputs can be written, before any work is done; copy streamed outputs at the end.

    Parameters
    ----------
    given : mapping
        Path of each output by its name; None where it was not requested.
    force : bool
        Replace existing files without asking.
    confirmed : bool
        The user gave consent to the earlier command that this one resumes.
    stdout_in_use : bool
        The command itself writes to standard output.

    Raises
    ------
    OutputExists, OutputsClash, CannotWrite, NothingChanged
    """
    wanted = {name: path for name, path in given.items() if path is not None}
    _require_distinct(wanted, stdout_in_use=stdout_in_use)
    with ExitStack() as stack:
        targets: dict[str, OutputTarget | None] = dict.fromkeys(given)
        for name, path in wanted.items():
            if str(path) == STDOUT or _is_device(path):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="earwitness-out-"))
                targets[name] = OutputTarget(
                    named=str(path), path=Path(folder) / (path.name or "out"), streams=True
                )
            else:
                _require_writable(path, ask=not (force or confirmed))
                targets[name] = OutputTarget(named=str(path), path=path, streams=False)
        if STDOUT in map(str, wanted.values()):
            keep_stdout_free()
        yield targets
        for target in targets.values():
            if target is not None and target.streams:
                _copy(target)


def _require_distinct(wanted: Mapping[str, Path], *, stdout_in_use: bool) -> None:
    seen: set[str] = {STDOUT} if stdout_in_use else set()
    for path in wanted.values():
        destination = STDOUT if str(path) == STDOUT else os.path.realpath(path)
        if destination in seen and not (destination != STDOUT and _is_device(path)):
            raise OutputsClash(where="standard output" if destination == STDOUT else str(path))
        seen.add(destination)


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _require_writable(path: Path, *, ask: bool) -> None:
    """Raise now what would otherwise fail after hours of work."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise CannotWrite(path=str(path), reason="it is a folder")
    if not target.parent.is_dir():
        raise CannotWrite(path=str(path), reason=f"the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise CannotWrite(path=str(path), reason=f"the folder {target.parent} may not be written to")
    if target.exists() and ask:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise OutputExists(path=str(path))
        if not typer.confirm(f"{path} exists already. Replace it?", err=True):
            raise NothingChanged(what=str(path), option="--force, or another name")


def _copy(target: OutputTarget) -> None:
    with target.path.open("rb") as file:
        if target.named == STDOUT:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with Path(target.named).open("wb") as device:
                shutil.copyfileobj(file, device)
