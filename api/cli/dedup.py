"""``earwitness dedup``: groups of items that contain the same audio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import (
    AllowPrivate,
    AllowRemote,
    AudioColumn,
    EffortOption,
    Home,
    ReaderName,
    Workers,
    say_workers,
    set_home_in_use,
    settings_of,
    to_stderr,
    to_stdout,
)


def dedup(
    source: Annotated[str, typer.Argument(help="Folder, archive or manifest of audio", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Write the groups here, one JSON object a line")] = None,
    keep_list: Annotated[
        Path | None, typer.Option(help="Write the ids that leave one item of each group")
    ] = None,
    effort: EffortOption = "fast",
    workers: Workers = 0,
    reader: ReaderName = None,
    audio_column: AudioColumn = None,
    allow_remote: AllowRemote = False,
    allow_private: AllowPrivate = False,
    home: Home = None,
) -> None:
    """Find items of a dataset that contain the same audio. Exit status: 0 none, 1 some, 2 cannot."""
    from api.cli.progress import Watch
    from api.cli.sources import opened
    from api.cli.warmth import make_warm
    from api.scan.dedup import grouped, write_groups, write_keep_list
    from api.wording import count
    from index.match import Effort

    settings = settings_of(home, workers=workers or None)
    set_home_in_use(None)
    console = to_stderr()
    say_workers(settings, console)
    items = opened(
        source,
        settings,
        reader=reader,
        audio_column=audio_column,
        remote=allow_remote,
        private=allow_private,
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
    if out is not None:
        write_groups(alike, out)
    if keep_list is not None:
        write_keep_list(alike, keep_list)
    n_spare = sum(len(group.others) for group in alike.groups)
    console.print(
        f"{count(alike.n_items, 'item')}: {count(len(alike.groups), 'group')} with the same audio,"
        f" {n_spare:,} of them could go; {alike.n_unread:,} could not be read."
    )
    raise typer.Exit(int(bool(alike.groups)))
