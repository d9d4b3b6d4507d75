"""What every command is wrapped in: its common options, and an end that means something whatever happens."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

import typer

from earwitness.api.cli.console import Loudness, keep_stdout_free, say_error, set_loudness
from earwitness.api.cli.json_output import print_json_error, want_json

CANNOT: Final = 2
DEFECT: Final = 70
INTERRUPTED: Final = 130

Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors")]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say each item and the settings in use, too")
]
_COMMON: Final = {"quiet": Quiet, "verbose": Verbose}


def choose_loudness(*, quiet: bool, verbose: bool) -> None:
    """Take what was chosen before or after the command's name."""
    if quiet or verbose:
        set_loudness(Loudness.QUIET if quiet else Loudness.VERBOSE)


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options, and let it end with a message and a status, whatever happens."""

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
            say_error("earwitness: nothing was done")
            raise typer.Exit(CANNOT) from None
        except KeyboardInterrupt:
            say_error("interrupted; what was done is kept")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # who read our output has closed it: not all was said, so the status must not read as "clean"
            _drop_stdout()
            raise typer.Exit(CANNOT) from None
        except Exception as error:
            raise typer.Exit(told(error)) from None

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


def told(error: Exception) -> int:
    """Say an error; returns the exit status."""
    from earwitness.api.cli.system_errors import explained

    known = explained(error)
    _drop_stdout_if_broken()
    if known is not None:
        say_error(f"earwitness: {known.message}\n  what to do: {known.hint}")
        with contextlib.suppress(OSError):
            print_json_error(known)
        return CANNOT
    say_error("".join(traceback.format_exception(error)).rstrip())
    say_error("earwitness: this is a defect of the program; please report what is above")
    return DEFECT


def _drop_stdout_if_broken() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_stdout()


def _drop_stdout() -> None:
    """Let the interpreter's last flush find nothing to do."""
    sys.stdout = None
