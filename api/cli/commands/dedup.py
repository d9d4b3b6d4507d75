"""``earwitness dedup``: groups of items that contain the same audio."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    UNREADABLE,
    AllowPrivate,
    AllowRemote,
    AudioColumn,
    EffortOption,
    Home,
    ReaderName,
    Root,
    Workers,
    say_workers,
    set_home_in_use,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import Force, placed

RELATED_SHOWN: Final = 20
"""Pairs of related items that are printed; the file has them all."""


def dedup(
    source: Annotated[str, typer.Argument(help="Folder, archive or manifest of audio", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Write the groups here, one JSON object a line (- is stdout)")
    ] = None,
    keep_list: Annotated[
        Path | None, typer.Option(help="Write the ids that leave one item of each group (- is stdout)")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    effort: EffortOption = "fast",
    workers: Workers = 0,
    reader: ReaderName = None,
    audio_column: AudioColumn = None,
    root: Root = None,
    allow_remote: AllowRemote = False,
    allow_private: AllowPrivate = False,
    home: Home = None,
) -> None:
    """Find items of a dataset that are copies of others, or of parts of them.

    An item could go where (nearly) all of its audio lies in one that is kept. Items that only share a part,
    such as a song and a medley, are named and both kept. Exit status: 0 no copies, 1 some, 2 cannot,
    3 none, but some items could not be read.
    """
    from earwitness.api.cli.kernel_warmup import make_warm
    from earwitness.api.cli.progress import Watch
    from earwitness.api.cli.source_arguments import opened
    from earwitness.api.scan.duplicates import grouped, write_groups, write_keep_list
    from earwitness.api.sentences import count
    from earwitness.index.match import Effort

    want_json(as_json)
    settings = settings_of(home, workers=workers or None)
    set_home_in_use(None)
    console = to_stderr()
    say_workers(settings, console)
    with placed({"out": out, "keep_list": keep_list}, force=force, taken=as_json) as places:
        items = opened(
            source,
            settings,
            reader=reader,
            audio_column=audio_column,
            remote=allow_remote,
            private=allow_private,
            root=root,
        )
        make_warm(console)
        total = None if items.total is None else 2 * items.total
        with Watch(console, "comparing", total=total) as watch:
            alike = grouped(
                items,
                settings=settings,
                effort=Effort(effort),
                seen=lambda said: watch.item(duration_s=said.duration_s),
            )
        for group in alike.groups:
            to_stdout().print(f"{group.kept}: same audio in {', '.join(group.others)}", soft_wrap=True)
        for pair in alike.related[:RELATED_SHOWN]:
            one, other = pair.items
            to_stdout().print(
                f"{one} and {other}: {pair.shared_s:.1f} s in common; both kept", soft_wrap=True
            )
        if (place := places["out"]) is not None:
            write_groups(alike, place.path)
        if (place := places["keep_list"]) is not None:
            write_keep_list(alike, place.path)
    n_spare = sum(len(group.others) for group in alike.groups)
    console.print(
        f"{count(alike.n_items, 'item')}: {count(len(alike.groups), 'group')} with the same audio,"
        f" {n_spare:,} of them could go; {alike.n_unread:,} could not be read."
    )
    if alike.related:
        hidden = len(alike.related) - RELATED_SHOWN
        more = f" ({hidden:,} of them not shown here; --out has them all)" if hidden > 0 else ""
        console.print(f"{count(len(alike.related), 'pair')} share audio and are both kept{more}.")
    if as_json:
        print_json(
            "dedup",
            source=source,
            items=alike.n_items,
            not_readable=alike.n_unread,
            could_go=n_spare,
            groups=[asdict(group) for group in alike.groups],
            related=[asdict(pair) for pair in alike.related],
        )
    unread = bool(alike.n_unread) and not alike.groups
    raise typer.Exit(UNREADABLE if unread else int(bool(alike.groups)))
