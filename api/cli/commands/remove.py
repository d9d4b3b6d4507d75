"""``earwitness remove``: delete a dataset or a work from the home."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.api.cli.cli_errors import NothingChanged
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stdout

if TYPE_CHECKING:
    from earwitness.index.database.records import Removed
    from earwitness.index.writer import Writer


def remove(
    name: Annotated[
        str,
        typer.Argument(help="Dataset (NAME or NAME:VERSION), or a work's path or sha256", show_default=False),
    ],
    work: Annotated[bool, typer.Option("--work", help="NAME is a registered work's path or sha256")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Delete the fingerprints or names of a dataset, or a work; later searches do not find it any more."""
    from earwitness.api.shelf.stored_names import remove_names
    from earwitness.index.database.records import Removed
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home)
    question = f"Remove {name} from {settings.home}?"
    if not yes and not (sys.stdin.isatty() and typer.confirm(question, err=True)):
        raise NothingChanged(what=f"{name} is not removed", option="--yes")
    names = [] if work else remove_names(name, settings)
    removed = Removed(n_items=0, n_recordings=0)
    with Writer.open(settings.home_address) as writer:
        if work:
            removed = remove_work(writer, name)
        elif not names or is_stored(writer, name):
            removed = remove_dataset(writer, name)
    n_names = sum(each.n_entries for each in names)
    listed = f" {n_names:,} names of a list." if names and not removed.n_items else ""
    counts = f" {removed.n_items:,} items and {removed.n_recordings:,} fingerprints."
    to_stdout().print(f"Removed{listed or counts}")
    if as_json:
        print_json(
            "remove",
            name=name,
            items=removed.n_items,
            fingerprints=removed.n_recordings,
            **({"names": n_names} if names else {}),
        )


def is_stored(writer: Writer, name: str) -> bool:
    """Whether audio of a dataset with this name is stored."""
    from earwitness.api.pipeline.pipeline_errors import NoSuchCollection
    from earwitness.api.pipeline.searched_collections import datasets_of

    try:
        return bool(datasets_of(writer.collections, [name]))
    except NoSuchCollection:
        return False


def remove_dataset(writer: Writer, name: str) -> Removed:
    """Remove the only dataset with this name."""
    from earwitness.api.pipeline.searched_collections import one_dataset

    return writer.remove(one_dataset(writer.collections, name).id)


def remove_work(writer: Writer, name: str) -> Removed:
    """Remove every registration of a work, by its path or its sha256."""
    from earwitness.api.pipeline.pipeline_errors import NoSuchCollection
    from earwitness.index.database.records import CollectionKind

    works = next((each for each in writer.collections if each.kind is CollectionKind.WORKS), None)
    items = [] if works is None else writer.find(works.id, name)
    if works is None or not items:
        raise NoSuchCollection(name=name, known=())
    return writer.remove(works.id, items=[each.id for each in items])
