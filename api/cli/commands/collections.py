"""``earwitness collections``: list the collections of a home."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stdout

if TYPE_CHECKING:
    from earwitness.api.settings import Settings
    from earwitness.index.database.records import Collection


def collections(
    form: Annotated[Literal["table", "jsonl"], typer.Option("--format", help="Format of the list")] = "table",
    as_json: Json = False,
    home: Home = None,
) -> None:
    """List the registry of works and the indexed datasets."""
    from earwitness.api.pipeline.searched_collections import open_library
    from earwitness.index.store.store_errors import HomeMissing

    want_json(as_json)
    settings = settings_of(home)
    try:
        with open_library(settings) as library:
            stored = library.collections
    except HomeMissing as missing:
        if as_json:
            print_json("collections", home=str(settings.home), collections=[])
        to_stdout().print(f"{missing.message}; {missing.hint}", soft_wrap=True)
        show_names(settings)
        return
    if as_json:
        print_json("collections", home=str(settings.home), collections=[asdict(each) for each in stored])
    elif form == "jsonl":
        for each in stored:
            print(json.dumps(asdict(each)))
    else:
        show(stored)
        show_names(settings)


def show_names(settings: Settings) -> None:
    """Print how much is stored by name only."""
    from earwitness.api.sentences import count
    from earwitness.api.shelf.catalogue import stored_catalogue
    from earwitness.api.shelf.stored_names import open_names

    lists, works = open_names(settings), stored_catalogue(settings)
    if lists or works:
        to_stdout().print(
            f"By name only: {count(len(lists), 'list')} of a dataset (`earwitness shelf`),"
            f" {count(len(works), 'work')}.",
            soft_wrap=True,
        )


def show(stored: tuple[Collection, ...]) -> None:
    """Print collections as a table, one line each, and their number."""
    from earwitness.api.cli.match_tables import fitting, in_columns
    from earwitness.api.printable import shown
    from earwitness.api.sentences import count

    console = to_stdout()
    table = [("kind", "name", "version", "items", "unreadable", "codes", "changed", "")]
    for each in stored:
        numbers = (f"{each.n_items:,}", f"{each.n_unreadable:,}", f"{each.n_codes:,}")
        unfinished = "" if each.complete else "incomplete: index it again to complete it"
        names = (str(each.kind), shown(each.name), shown(each.version))
        table.append((*names, *numbers, each.indexed_at, unfinished))
    widths = fitting(table, console.width if console.is_terminal else None, shorten=(1, 2))
    for line in in_columns(table, widths):
        console.print(line, soft_wrap=True)
    console.print(f"{count(len(stored), 'collection')}.")
