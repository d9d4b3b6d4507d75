"""``earwitness rebuild``, ``verify``, ``backup``, ``restore``: maintain a home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr, to_stdout
from earwitness.api.cli.output_files import Force, prepared_outputs


def rebuild(as_json: Json = False, home: Home = None) -> None:
    """Build the index shards again from the stored fingerprints."""
    from earwitness.api.cli.progress import working
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home)
    with (
        Writer.open(settings.home_address) as writer,
        working(to_stderr(), "Building shards"),
    ):
        epoch = writer.rebuild()
    to_stdout().print(f"The shards were built again; the library is at epoch {epoch}.")
    if as_json:
        print_json("rebuild", home=str(settings.home), epoch=epoch)


def verify(as_json: Json = False, home: Home = None) -> None:
    """Check everything stored against its checksums. Exit status: 0 intact, 1 problems."""
    from earwitness.api.cli.progress import working
    from earwitness.api.packs.verify_installed import home_problems

    want_json(as_json)
    settings = settings_of(home)
    with working(to_stderr(), "Verifying"):
        problems = home_problems(settings)
    console = to_stdout()
    for problem in problems:
        console.print(f"{problem.where}: {problem.what}; {problem.hint}", soft_wrap=True)
    console.print(f"{len(problems):,} problems found." if problems else "Everything stored is intact.")
    if as_json:
        listed = [{"where": each.where, "what": each.what, "hint": each.hint} for each in problems]
        print_json("verify", home=str(settings.home), sound=not problems, problems=listed)
    raise typer.Exit(int(bool(problems)))


def backup(
    file: Annotated[Path, typer.Argument(help="File to write", show_default=False)],
    force: Force = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Write everything stored into one file; other commands may run at the same time."""
    from earwitness.api.cli.progress import working
    from earwitness.index.store.backup import backup as back_up

    want_json(as_json)
    settings = settings_of(home)
    with prepared_outputs({"file": file}, force=force, stdout_in_use=as_json) as targets:
        target = targets["file"]
        assert target is not None  # the argument is required
        with working(to_stderr(), "Backing up"):
            size_bytes = back_up(settings.home_address, target.path)
    to_stdout().print(f"{file}: {size_bytes:,} bytes.")
    if as_json:
        print_json("backup", home=str(settings.home), file=str(file), size_bytes=size_bytes)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote", show_default=False)],
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make a new home from a backup."""
    from earwitness.api.cli.progress import working
    from earwitness.api.datasets.source_errors import SourceNotFound
    from earwitness.index.store.backup import restore as make_again

    want_json(as_json)
    settings = settings_of(home)
    if not file.is_file():
        raise SourceNotFound(source=str(file))
    with working(to_stderr(), "Restoring"):
        epoch = make_again(file, settings.home_address)
    at = "; it holds lists of names or packs only" if epoch is None else f", at epoch {epoch}"
    to_stdout().print(f"{settings.home} is restored{at}.")
    if as_json:
        print_json("restore", home=str(settings.home), epoch=epoch)
