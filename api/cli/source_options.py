"""The options of the commands that read one source: how it is read, and what a manifest may fetch."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from earwitness.api.cli.options import Root

if TYPE_CHECKING:
    from earwitness.api.cli.source_arguments import SourceOpener

OpenReader: TypeAlias = "SourceOpener"

ReaderName: TypeAlias = Annotated[
    str | None, typer.Option("--reader", help="Format of the source, if it is detected wrongly")
]
AudioColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of a table that holds the audio or its path")
]
AllowRemote: TypeAlias = Annotated[
    bool, typer.Option("--allow-remote", help="Download files that a local manifest names by URL")
]
AllowPrivate: TypeAlias = Annotated[
    bool, typer.Option("--allow-private", help="Connect to private and loopback addresses too")
]

_OPTIONS: Final[dict[str, tuple[Any, object]]] = {
    "reader": (ReaderName, None),
    "audio_column": (AudioColumn, None),
    "root": (Root, None),
    "allow_remote": (AllowRemote, False),
    "allow_private": (AllowPrivate, False),
}


def reads_source(command: Callable[..., None]) -> Callable[..., None]:
    """Replace a command's parameter `open_reader` by the options above.

    The command is called with an opener of its source.
    """

    @functools.wraps(command)
    def run(*, source: str, **arguments: Any) -> None:
        from earwitness.api.cli.source_arguments import SourceOpener

        chosen = {name: arguments.pop(name) for name in _OPTIONS}
        command(source=source, open_reader=SourceOpener(source=source, **chosen), **arguments)

    parameters: list[inspect.Parameter] = []
    own = inspect.signature(command, eval_str=True)
    for each in own.parameters.values():
        if each.name != "open_reader":
            parameters.append(each)
            continue
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in _OPTIONS.items()
        ]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def one_of(paths: Sequence[str] | None, catalogue: Path | None) -> Path | None:
    """Return the list of works, where it is given in place of audio; one of the two must be given."""
    if bool(paths) == (catalogue is not None):
        raise typer.BadParameter("give audio files or folders, or a list of works with --catalogue")
    return catalogue
