"""What the commands share: options, settings, and how they end when something is wrong."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import typer

from fingerprint.errors import EarwitnessError

if TYPE_CHECKING:
    from rich.console import Console

    from api.settings import Settings

CANNOT: Final = 2
UNREADABLE: Final = 3
DEFECT: Final = 70
INTERRUPTED: Final = 130
PIPE_WIDTH: Final = 160
"""Columns of a table that goes to a file or another program."""

Home: TypeAlias = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the index [EARWITNESS_HOME, else the platform's data folder]"),
]
EffortName: TypeAlias = Literal["fast", "standard", "full"]
EffortOption: TypeAlias = Annotated[
    EffortName,
    typer.Option(
        "--effort",
        help="fast: as it is; standard: common changes of speed, pitch and tempo; full: the whole ladder",
    ),
]
Workers: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Processes; 0 is one a core; never more than cores and free memory allow")
]
ReaderName: TypeAlias = Annotated[
    str | None, typer.Option("--reader", help="Format of the source, where it is recognised wrongly")
]
AudioColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of a table that holds the audio or its path")
]

AllowRemote: TypeAlias = Annotated[
    bool, typer.Option("--allow-remote", help="Fetch what a local manifest names by URL")
]
AllowPrivate: TypeAlias = Annotated[
    bool, typer.Option("--allow-private", help="Connect to private and loopback addresses too")
]

_CHOSEN_HOME: ContextVar[Path | None] = ContextVar("chosen_home", default=None)


def choose_home(home: Path | None) -> None:
    """Keep a ``--home`` that was given before the command."""
    _CHOSEN_HOME.set(home)


def settings_of(home: Path | None = None, **chosen: Any) -> Settings:
    """Return the settings, with what the command line says going before the environment."""
    from api.settings import Settings

    chosen["home"] = home or _CHOSEN_HOME.get()
    return Settings(**{name: value for name, value in chosen.items() if value is not None})


def say_workers(settings: Settings, console: Console) -> None:
    """Say how many worker processes are used where that is fewer than were asked for, and why."""
    from api.machine import allowance

    allowed = allowance(settings.workers)
    if allowed.reason:
        asked = f" of the {settings.workers:,} asked for" if settings.workers else ""
        console.print(f"workers: {allowed.n_workers:,}{asked} are used: {allowed.reason}", soft_wrap=True)


def to_stderr() -> Console:
    """Return a console for progress, notes and summaries; names in it are never taken for markup."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False)


def to_stdout() -> Console:
    """Return a console for results."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(markup=False, highlight=False, width=width, soft_wrap=False)


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end with a message and a status that mean something, whatever happens in it."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except EarwitnessError as error:
            print(f"earwitness: {error.message}\n  what to do: {error.hint}", file=sys.stderr)
            raise typer.Exit(CANNOT) from None
        except KeyboardInterrupt:
            print("interrupted; what was done is kept", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # who read our output has heard enough; the interpreter's last flush must find nothing to do
            sys.stdout = None
            raise typer.Exit(0) from None
        except Exception as error:
            traceback.print_exception(error)
            print("earwitness: this is a defect of the program; please report what is above", file=sys.stderr)
            raise typer.Exit(DEFECT) from None

    return run
