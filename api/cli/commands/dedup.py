"""``earwitness dedup``: groups of items that contain the same audio."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    UNREADABLE,
    EffortName,
    EffortOption,
    Home,
    Workers,
    print_workers,
    set_home_in_use,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import Force, prepared_outputs
from earwitness.api.cli.source_options import OpenReader, reads_source

if TYPE_CHECKING:
    from earwitness.api.datasets.items import Reader
    from earwitness.api.scan.duplicates import Duplicates
    from earwitness.api.settings import Settings

RELATED_SHOWN: Final = 20
"""Pairs of related items that are printed; the file has them all."""


@reads_source
def dedup(
    source: Annotated[str, typer.Argument(help="Folder, archive or manifest of audio", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Write the groups here, one JSON object a line (- is stdout)")
    ] = None,
    keep_list: Annotated[
        Path | None, typer.Option(help="Write the ids to keep, one item of each group (- is stdout)")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    effort: EffortOption = "fast",
    workers: Workers = 0,
    *,
    open_reader: OpenReader,
    home: Home = None,
) -> None:
    """Find items of a dataset that are copies of others, or of parts of them.

    A copy is an item of which (nearly) all audio is in another item, which is kept. Items that only share a
    part, such as a song and a medley, are listed, and both are kept. Exit status: 0 no copies, 1 copies,
    2 error, 3 no copies, but some items could not be read.
    """
    from earwitness.api.scan.duplicates import write_groups, write_keep_list

    want_json(as_json)
    settings = settings_of(home, workers=workers or None)
    set_home_in_use(None)
    print_workers(settings, to_stderr())
    outputs = {"out": out, "keep_list": keep_list}
    with prepared_outputs(outputs, force=force, stdout_in_use=as_json) as targets:
        duplicates = compare(open_reader(settings), settings, effort)
        print_groups(duplicates)
        if (target := targets["out"]) is not None:
            write_groups(duplicates, target.path)
        if (target := targets["keep_list"]) is not None:
            write_keep_list(duplicates, target.path)
    print_summary(duplicates)
    if as_json:
        print_json("dedup", source=source, **duplicates_json(duplicates))
    unread = bool(duplicates.n_unread) and not duplicates.groups
    raise typer.Exit(UNREADABLE if unread else int(bool(duplicates.groups)))


def compare(items: Reader, settings: Settings, effort: EffortName) -> Duplicates:
    """Compare the items of a source with each other, and show the progress."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.scan.duplicates import find_duplicates
    from earwitness.index.match import Effort

    compile_kernels(to_stderr())
    total = None if items.total is None else 2 * items.total
    with ItemProgress(to_stderr(), "comparing", total=total, counts_matches=False) as progress:
        return find_duplicates(
            items,
            settings=settings,
            effort=Effort(effort),
            seen=lambda item: progress.item(duration_s=item.duration_s),
        )


def print_groups(duplicates: Duplicates) -> None:
    """Print the groups, and the first pairs of related items."""
    console = to_stdout()
    for group in duplicates.groups:
        console.print(f"{group.keeper}: same audio in {', '.join(group.others)}", soft_wrap=True)
    for pair in duplicates.related[:RELATED_SHOWN]:
        one, other = pair.items
        console.print(f"{one} and {other}: {pair.shared_s:.1f} s in common; keep both", soft_wrap=True)


def print_summary(duplicates: Duplicates) -> None:
    """Print the numbers of items, groups and related pairs."""
    from earwitness.api.sentences import audit_warning, count

    console = to_stderr()
    if not duplicates.audit.claims_supported:
        console.print(audit_warning(duplicates.audit), soft_wrap=True)
    console.print(
        f"{count(duplicates.n_items, 'item')}: {count(len(duplicates.groups), 'group')} with the same audio,"
        f" {_n_copies(duplicates):,} of them could be removed; {duplicates.n_unread:,} could not be read."
    )
    if duplicates.related:
        hidden = len(duplicates.related) - RELATED_SHOWN
        more = f" ({hidden:,} of them not shown here; --out writes them all)" if hidden > 0 else ""
        console.print(f"{count(len(duplicates.related), 'pair')} share audio, and both are to be kept{more}.")
    if duplicates.possible:
        console.print(
            f"{count(len(duplicates.possible), 'pair')} may share audio, by E-values that cannot be"
            " relied on here; --out writes them all."
        )
    if duplicates.n_shared:
        console.print(
            f"{count(duplicates.n_shared, 'pair')} only share material, such as a loop, with several items;"
            " that makes no copy."
        )


def duplicates_json(duplicates: Duplicates) -> dict[str, Any]:
    """Return the result for ``--json``."""
    return {
        "items": duplicates.n_items,
        "not_readable": duplicates.n_unread,
        "could_go": _n_copies(duplicates),
        "groups": [
            {"kept": group.keeper, "others": group.others, "kinds": group.kinds}
            for group in duplicates.groups
        ],
        "related": [asdict(pair) for pair in duplicates.related],
        "possible": [asdict(pair) for pair in duplicates.possible],
        "shared_material_pairs": duplicates.n_shared,
        "claims_supported": duplicates.audit.claims_supported,
        "audit": duplicates.audit.to_json(),
    }


def _n_copies(duplicates: Duplicates) -> int:
    return sum(len(group.others) for group in duplicates.groups)
