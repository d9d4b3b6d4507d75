"""``earwitness remove``: forget a dataset, or a work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.api.cli.cli_errors import KeptAsItWas
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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Forget a dataset or a work: its fingerprints are deleted, and nothing finds it any more."""
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home)
    asked = f"Remove {name} from {settings.home}?"
    if not yes and not (sys.stdin.isatty() and typer.confirm(asked, err=True)):
        raise KeptAsItWas(what=f"{name} is kept", option="--yes")
    with Writer.open(settings.home, tenant=settings.tenant, url=settings.database) as writer:
        removed = remove_work(writer, name) if work else remove_dataset(writer, name)
    to_stdout().print(f"Removed {removed.n_items:,} items and {removed.n_recordings:,} fingerprints.")
    if as_json:
        print_json("remove", name=name, items=removed.n_items, fingerprints=removed.n_recordings)


def remove_dataset(writer: Writer, name: str) -> Removed:
    """Remove the one dataset that is called so."""
    from earwitness.api.pipeline.pipeline_errors import NoSuchCollection
    from earwitness.index.database.records import CollectionKind

    datasets = [each for each in writer.collections if each.kind is CollectionKind.DATASET]
    called = [each for each in datasets if name in {each.name, f"{each.name}:{each.version}"}]
    if len(called) != 1:
        known = tuple(f"{each.name}:{each.version}" for each in called or datasets)
        raise NoSuchCollection(name=name, known=known)
    return writer.remove(called[0].id)


def remove_work(writer: Writer, name: str) -> Removed:
    """Remove every registration of a work, by the path it came under or its sha256."""
    from earwitness.api.pipeline.pipeline_errors import NoSuchCollection
    from earwitness.index.database.records import CollectionKind

    works = next((each for each in writer.collections if each.kind is CollectionKind.WORKS), None)
    items = [] if works is None else writer.find(works.id, name)
    if works is None or not items:
        raise NoSuchCollection(name=name, known=())
    return writer.remove(works.id, items=[each.id for each in items])
