"""``earwitness rebuild``, ``verify``, ``backup``, ``restore``: looking after a home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Home, settings_of, to_stderr, to_stdout


def rebuild(home: Home = None) -> None:
    """Build the search segments again from the stored fingerprints."""
    from index.enroll import Writer

    settings = settings_of(home)
    with (
        Writer.open(settings.home, tenant=settings.tenant, url=settings.database) as writer,
        to_stderr().status("Building segments ..."),
    ):
        epoch = writer.rebuild()
    to_stdout().print(f"Segments were built again; the library is at epoch {epoch}.")


def verify(home: Home = None) -> None:
    """Check all that is stored against its checksums, in use or not. Exit status: 0 sound, 1 not."""
    from index.upkeep import verify_in_use

    settings = settings_of(home)
    with to_stderr().status("Verifying ..."):
        problems = verify_in_use(settings.home, tenant=settings.tenant, url=settings.database)
    console = to_stdout()
    for problem in problems:
        console.print(f"{problem.where}: {problem.what}; {problem.hint}", soft_wrap=True)
    console.print(f"{len(problems):,} problems found." if problems else "Everything stored is sound.")
    raise typer.Exit(int(bool(problems)))


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it", show_default=False)], home: Home = None
) -> None:
    """Write everything that is stored into one file; may be done while other commands run."""
    from index.backup import backup as back_up
    from index.errors import CatalogElsewhere

    settings = settings_of(home)
    if settings.database is not None:
        raise CatalogElsewhere
    with to_stderr().status("Backing up ..."):
        size_bytes = back_up(settings.home, file)
    to_stdout().print(f"{file}: {size_bytes:,} bytes.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote", show_default=False)],
    home: Home = None,
) -> None:
    """Make a new home from a backup."""
    from api.errors import SourceNotFound
    from index.backup import restore as make_again
    from index.errors import CatalogElsewhere

    settings = settings_of(home)
    if settings.database is not None:
        raise CatalogElsewhere
    if not file.is_file():
        raise SourceNotFound(source=str(file))
    with to_stderr().status("Restoring ..."):
        epoch = make_again(file, settings.home)
    to_stdout().print(f"{settings.home} is restored, at epoch {epoch}.")
