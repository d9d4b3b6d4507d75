"""``earwitness collections``: what is in this home."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import Home, settings_of, to_stdout

if TYPE_CHECKING:
    from index.records import Collection


def collections(
    form: Annotated[Literal["table", "jsonl"], typer.Option("--format", help="How to answer")] = "table",
    home: Home = None,
) -> None:
    """List the registry of works and the indexed datasets."""
    from api.asking import open_library
    from index.errors import HomeMissing

    settings = settings_of(home)
    try:
        with open_library(settings) as library:
            known = library.collections
    except HomeMissing as missing:
        print(f"{missing.message}; {missing.hint}")
        return
    if form == "jsonl":
        for each in known:
            print(json.dumps(asdict(each)))
    else:
        show(known)


def show(known: tuple[Collection, ...]) -> None:
    """Print collections as a table."""
    from rich.table import Table

    table = Table(
        "kind", "name", "version", "items", "unreadable", "codes", "changed", "", box=None, pad_edge=False
    )
    for each in known:
        numbers = (f"{each.n_items:,}", f"{each.n_unreadable:,}", f"{each.n_codes:,}")
        unfinished = "" if each.complete else "incomplete: index it again to go on"
        table.add_row(each.kind, each.name, each.version, *numbers, each.indexed_at, unfinished)
    to_stdout().print(table)
