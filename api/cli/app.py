"""All commands, and the meaning of their exit status.

0 no match, or done; 1 matches (`check`, `scan`), copies (`dedup`), overlap (`overlap`) or problems
(`verify`, `doctor`, `selftest`); 2 an error; 3 some items could not be read or compared;
70 a defect of the program; 130 interrupted.
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
    pack,
    pack_key_commands,
    register,
    remove,
    same_file_command,
    scan,
    schema,
    serve,
    shelf,
)
from earwitness.api.cli.comparing import cue, overlap, replicas
from earwitness.api.cli.console import Loudness, set_loudness
from earwitness.api.cli.evidence import evidence_commands
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.options import Home, choose_home
from earwitness.api.cli.watching import watch_commands

app = typer.Typer(
    name="earwitness",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    """Print the program's version and exit."""
    if wanted:
        print(f"earwitness {version_of('earwitness')}")
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit")
]


@app.callback()
def earwitness(
    home: Home = None, quiet: Quiet = False, verbose: Verbose = False, version: Version = False
) -> None:
    """Check whether audio is in a dataset, and find the items of a dataset that hold a registered work."""
    assert not version  # its callback exits
    choose_home(home)
    set_loudness(Loudness.NORMAL)
    choose_loudness(quiet=quiet, verbose=verbose)


for command in (
    register.register,
    index.index,
    check.check,
    scan.scan,
    dedup.dedup,
    overlap.overlap,
    replicas.replicas,
    cue.cue,
    collections.collections,
    shelf.shelf,
    same_file_command.same_file,
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

pack.pack.add_typer(pack_key_commands.pack_keys, name="keys")
app.add_typer(pack.pack, name="pack")
app.add_typer(evidence_commands.evidence, name="evidence")
app.add_typer(watch_commands.watch, name="watch")
app.add_typer(keys.keys, name="keys")
