"""The options and settings that the commands share."""

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
        help="fast: unchanged audio; standard: common changes of speed, pitch and tempo; full: all changes",
    ),
]
Workers: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Processes; 0: one for each core; limited by cores and free memory")
]
ExitOn: TypeAlias = Annotated[
    Literal["match", "possible", "shared_material"],
    typer.Option(
        "--exit-on", help="Exit 1 only for a match, for a possible match too, or for shared material besides"
    ),
]
Root: TypeAlias = Annotated[
    str | None, typer.Option("--root", help="Folder of the files that a manifest names, if not its own")
]

_CHOSEN_HOME: ContextVar[Path | None] = ContextVar("chosen_home", default=None)

_HOME_IN_USE: ContextVar[Path | None] = ContextVar("home_in_use", default=None)


def set_home_in_use(home: Path | None) -> None:
    """Set the home that error messages name; None where a command uses a temporary one."""
    _HOME_IN_USE.set(home)


def home_in_use() -> Path | None:
    """Return the home that error messages name."""
    return _HOME_IN_USE.get()


def choose_home(home: Path | None) -> None:
    """Store a ``--home`` that was given before the command's name."""
    _CHOSEN_HOME.set(home)


def settings_of(home: Path | None = None, **chosen: Any) -> Settings:
    """Return the settings; options of the command line take precedence over the environment.

    Raises
    ------
    BadSetting
        When a value cannot be used.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from earwitness.api.settings import FILE_VARIABLE, Settings, settings_file

    chosen["home"] = home or _CHOSEN_HOME.get()
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise _bad_setting(error, given) from None
    except SettingsError as error:
        name = FILE_VARIABLE if settings_file() else "an EARWITNESS_ variable"
        raise BadSetting(name=name, value=None, reason=str(error), default="") from None
    set_home_in_use(settings.home)
    if loudness() is Loudness.VERBOSE:
        values = settings.model_dump(mode="json", exclude={"api_keys", "database_url"})
        to_stderr().print("settings: " + ", ".join(f"{key}={value}" for key, value in values.items()))
    return settings


def _bad_setting(error: ValidationError, given: dict[str, Any]) -> BadSetting:
    from earwitness.api.settings import Settings, where_set

    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    name = f"--{field.replace('_', '-')}" if field in given else where_set(field)
    info = Settings.model_fields.get(field)
    secret = field in {"database_url", "api_keys"}
    default = "" if info is None or secret or info.default_factory is not None else str(info.default)
    reason = first["msg"][:1].lower() + first["msg"][1:]
    return BadSetting(
        name=name, value=None if secret else str(first["input"]), reason=reason, default=default
    )


def print_workers(settings: Settings, console: Console) -> None:
    """Print the number of worker processes where it is lower than requested, and why."""
    from earwitness.api.machine import allowance

    allowed = allowance(settings.workers)
    if allowed.reason:
        requested = f" of {settings.workers:,} requested" if settings.workers else ""
        console.print(f"workers: {allowed.n_workers:,}{requested} are used: {allowed.reason}", soft_wrap=True)
