"""``earwitness remove``: delete a dataset or a work from the home."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from earwitness.api.cli.cli_errors import NothingChanged
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stdout


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
    from earwitness.api.pipeline.stored_works import RemovedDataset, remove_dataset, remove_works_named
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home)
    question = f"Remove {name} from {settings.home}?"
    if not yes and not (sys.stdin.isatty() and typer.confirm(question, err=True)):
        raise NothingChanged(what=f"{name} is not removed", option="--yes")
    with Writer.open(settings.home_address) as writer:
        if work:
            of_work = remove_works_named(writer, name)
            removed = RemovedDataset(n_items=of_work.n_items, n_fingerprints=of_work.n_recordings)
        else:
            removed = remove_dataset(name, writer=writer, settings=settings)
    listed = f" {removed.n_names:,} names of a list." if removed.n_names and not removed.n_items else ""
    counts = f" {removed.n_items:,} items and {removed.n_fingerprints:,} fingerprints."
    to_stdout().print(f"Removed{listed or counts}")
    if as_json:
        print_json(
            "remove",
            name=name,
            items=removed.n_items,
            fingerprints=removed.n_fingerprints,
            **({"names": removed.n_names} if removed.n_names else {}),
        )
