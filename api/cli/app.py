"""The commands, gathered, and what their exit status means.

0 clean or done; 1 something was found (`check`, `scan`) or is wrong (`verify`, `doctor`, `selftest`); 2 it
could not be done as asked; 3 some items could not be read; 70 a defect of the program; 130 interrupted.
"""

from __future__ import annotations

import typer

from api.cli import (
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
from api.cli.options import Home, choose_home, guarded

app = typer.Typer(
    name="earwitness",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def earwitness(home: Home = None) -> None:
    """Tell whether audio is inside a dataset, and which items of a dataset hold a registered work."""
    choose_home(home)


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
    app.command()(guarded(command))

app.add_typer(keys.keys, name="keys")
