"""What the commands share: options, and settings."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import typer

from earwitness.api.cli.cli_errors import BadSetting
from earwitness.api.cli.console import Loudness, loudness, to_stderr, to_stdout

if TYPE_CHECKING:
    from pydantic import ValidationError
    from rich.console import Console

    from earwitness.api.settings import Settings

__all__ = ["to_stderr", "to_stdout"]

UNREADABLE: Final = 3

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
ExitOn: TypeAlias = Annotated[
    Literal["match", "possible"],
    typer.Option("--exit-on", help="Exit 1 for a match alone, or for a possible match too"),
]
ReaderName: TypeAlias = Annotated[
    str | None, typer.Option("--reader", help="Format of the source, where it is recognised wrongly")
]
AudioColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of a table that holds the audio or its path")
]

Root: TypeAlias = Annotated[
    str | None, typer.Option("--root", help="Folder that holds what a manifest names, where it is another")
]

AllowRemote: TypeAlias = Annotated[
    bool, typer.Option("--allow-remote", help="Fetch what a local manifest names by URL")
]
AllowPrivate: TypeAlias = Annotated[
    bool, typer.Option("--allow-private", help="Connect to private and loopback addresses too")
]

_CHOSEN_HOME: ContextVar[Path | None] = ContextVar("chosen_home", default=None)

_HOME_IN_USE: ContextVar[Path | None] = ContextVar("home_in_use", default=None)


def set_home_in_use(home: Path | None) -> None:
    """Say which home messages may name; None where a command makes one of its own."""
    _HOME_IN_USE.set(home)


def home_in_use() -> Path | None:
    """Return the home of the last settings that were made, for messages."""
    return _HOME_IN_USE.get()


def choose_home(home: Path | None) -> None:
    """Keep a ``--home`` that was given before the command."""
    _CHOSEN_HOME.set(home)


def settings_of(home: Path | None = None, **chosen: Any) -> Settings:
    """Return the settings, with what the command line says going before the environment.

    Raises
    ------
    BadSetting
        When a value cannot be used.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from earwitness.api.settings import Settings

    chosen["home"] = home or _CHOSEN_HOME.get()
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise _bad_setting(error, given) from None
    except SettingsError as error:
        raise BadSetting(name="an EARWITNESS_ variable", value=None, reason=str(error), default="") from None
    set_home_in_use(settings.home)
    if loudness() is Loudness.VERBOSE:
        said = settings.model_dump(mode="json", exclude={"api_keys", "database_url"})
        to_stderr().print("settings: " + ", ".join(f"{key}={value}" for key, value in said.items()))
    return settings


def _bad_setting(error: ValidationError, given: dict[str, Any]) -> BadSetting:
    from earwitness.api.settings import Settings, variable_of

    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    name = f"--{field.replace('_', '-')}" if field in given else variable_of(field)
    known = Settings.model_fields.get(field)
    secret = field in {"database_url", "api_keys"}
    default = "" if known is None or secret or known.default_factory is not None else str(known.default)
    reason = first["msg"][:1].lower() + first["msg"][1:]
    return BadSetting(
        name=name, value=None if secret else str(first["input"]), reason=reason, default=default
    )


def say_workers(settings: Settings, console: Console) -> None:
    """Say how many worker processes are used where that is fewer than were asked for, and why."""
    from earwitness.api.machine import allowance

    allowed = allowance(settings.workers)
    if allowed.reason:
        asked = f" of the {settings.workers:,} asked for" if settings.workers else ""
        console.print(f"workers: {allowed.n_workers:,}{asked} are used: {allowed.reason}", soft_wrap=True)
