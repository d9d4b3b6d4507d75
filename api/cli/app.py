"""The commands, gathered, and what their exit status means.

0 clean or done; 1 something was found (`check`, `scan`) or is wrong (`verify`, `doctor`, `selftest`); 2 it
could not be done as asked; 3 some items could not be read; 70 a defect of the program; 130 interrupted.
"""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated, TypeAlias

import typer

from earwitness.api.cli.command_guard import Quiet, Verbose, choose_loudness, guarded
from earwitness.api.cli.commands import (
    check,
    collections,
    dedup,
    doctor,
    home,
    index,
    keys,
    register,
    remove,
    scan,
    schema,
    serve,
)
from earwitness.api.cli.console import Loudness, set_loudness
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.options import Home, choose_home

app = typer.Typer(
    name="earwitness",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def say_version(wanted: bool) -> None:
    """Print the program's version, and end."""
    if wanted:
        print(f"earwitness {version_of('earwitness')}")
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool, typer.Option("--version", callback=say_version, is_eager=True, help="Say which version this is")
]


@app.callback()
def earwitness(
    home: Home = None, quiet: Quiet = False, verbose: Verbose = False, version: Version = False
) -> None:
    """Tell whether audio is inside a dataset, and which items of a dataset hold a registered work."""
    assert not version  # its callback has ended the program
    choose_home(home)
    set_loudness(Loudness.NORMAL)
    choose_loudness(quiet=quiet, verbose=verbose)


for command in (
    register.register,
    index.index,
    check.check,
    scan.scan,
    dedup.dedup,
    collections.collections,
    remove.remove,
    home.rebuild,
    home.verify,
    home.backup,
    home.restore,
    doctor.doctor,
    doctor.selftest,
    schema.schema,
    serve.serve,
):
    app.command(epilog=epilog(command.__name__))(guarded(command))

app.add_typer(keys.keys, name="keys")
