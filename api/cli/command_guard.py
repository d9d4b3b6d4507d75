"""Wrap every command: add the common options, and turn every error into a message and an exit status."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

import typer

from earwitness.api.cli.console import Loudness, keep_stdout_free, print_error, set_loudness
from earwitness.api.cli.json_output import print_json_error, want_json

CANNOT: Final = 2
DEFECT: Final = 70
INTERRUPTED: Final = 130

Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Print only results and errors")]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also print each item and the settings in use")
]
_COMMON: Final = {"quiet": Quiet, "verbose": Verbose}


def choose_loudness(*, quiet: bool, verbose: bool) -> None:
    """Apply ``--quiet`` or ``--verbose``, given before or after the command's name."""
    if quiet or verbose:
        set_loudness(Loudness.QUIET if quiet else Loudness.VERBOSE)


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the common options, which ends with a message and an exit status on any error."""

    @functools.wraps(command)
    def run(*args: Any, quiet: bool = False, verbose: bool = False, **kwargs: Any) -> None:
        choose_loudness(quiet=quiet, verbose=verbose)
        keep_stdout_free(free=False)
        want_json(False)
        try:
            _flushed(command, *args, **kwargs)
        except (typer.Exit, typer.BadParameter):
            raise
        except typer.Abort:
            print_error("earwitness: nothing was done")
            raise typer.Exit(CANNOT) from None
        except KeyboardInterrupt:
            print_error("interrupted; finished items are stored")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # the reader closed the output before its end, so the status must not be 0
            _drop_stdout()
            raise typer.Exit(CANNOT) from None
        except Exception as error:
            raise typer.Exit(report_error(error)) from None

    own = inspect.signature(command, eval_str=True)
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in _COMMON.items()
    ]
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), *common])  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in run.__signature__.parameters.values()}  # type: ignore[attr-defined]
    return run


def _flushed(command: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Run a command and write out what it printed, so that a full disk is noticed before the status."""
    try:
        command(*args, **kwargs)
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def report_error(error: Exception) -> int:
    """Print an error; return the exit status."""
    from earwitness.api.cli.system_errors import explained

    known = explained(error)
    _drop_stdout_if_broken()
    if known is not None:
        print_error(f"earwitness: {known.message}\n  what to do: {known.hint}")
        with contextlib.suppress(OSError):
            print_json_error(known)
        return CANNOT
    print_error("".join(traceback.format_exception(error)).rstrip())
    print_error("earwitness: this is a defect of the program; please report the text above")
    return DEFECT


def _drop_stdout_if_broken() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_stdout()


def _drop_stdout() -> None:
    """Remove stdout, so that the interpreter's last flush cannot fail."""
    sys.stdout = None
