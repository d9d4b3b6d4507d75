"""``earwitness cue``: what is played in this long recording, and when?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    UNREADABLE,
    EffortOption,
    Home,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import Force, prepared_outputs

if TYPE_CHECKING:
    from earwitness.api.cue.find_plays import PlayList
    from earwitness.api.datasets.items import SourceItem
    from earwitness.api.settings import Settings


def cue(
    recording: Annotated[str, typer.Argument(metavar="FILE", help="One long recording", show_default=False)],
    within: Annotated[
        list[str] | None,
        typer.Option(
            "--in", help="Search this dataset (NAME or NAME:VERSION) in place of the works; may be repeated"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the plays here (- is stdout)")] = None,
    form: Annotated[
        Literal["csv", "json", "cue"], typer.Option("--format", help="Format of the plays; cue: a CUE sheet")
    ] = "csv",
    force: Force = False,
    as_json: Json = False,
    effort: EffortOption = "standard",
    home: Home = None,
) -> None:
    """List what a long recording plays of the registered works, or of datasets (--in): one row a play.

    Exit status: 0 no sure play, 1 sure plays, 2 error, 3 none, and not everything was compared.
    """
    from earwitness.api.cue.find_plays import for_long_recordings
    from earwitness.api.cue.play_sentences import play_summary
    from earwitness.api.cue.write_plays import play_list_json, write_plays

    want_json(as_json)
    settings = for_long_recordings(settings_of(home))
    with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json) as targets:
        found = _search(_one_item(recording, settings), settings, tuple(within or ()), effort)
        if (target := targets["out"]) is not None:
            write_plays(found, target.path, form=form)
    if out is None and not as_json:
        _print_plays(found)
    to_stderr().print(play_summary(found), soft_wrap=True)
    if as_json:
        print_json("cue", **play_list_json(found))
    if found.count("match"):
        raise typer.Exit(1)
    raise typer.Exit(0 if found.all_compared else UNREADABLE)


def _one_item(recording: str, settings: Settings) -> SourceItem:
    """Return the one recording that was named."""
    from itertools import islice

    from earwitness.api.cli.source_arguments import list_items
    from earwitness.api.datasets.items import Skipped

    items = list(islice(list_items([recording], settings), 2))
    if len(items) != 1:
        raise typer.BadParameter(f"{recording} holds several recordings; name one file")
    if isinstance(items[0], Skipped):
        raise typer.BadParameter(f"{items[0].message}. What to do: {items[0].hint}")
    return items[0]


def _search(item: SourceItem, settings: Settings, within: tuple[str, ...], effort: str) -> PlayList:
    """Search the recording, and show the progress."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.cue.find_plays import find_plays
    from earwitness.api.pipeline.searched_collections import open_library, scan_spec
    from earwitness.fingerprint.decode import Decoder
    from earwitness.index.match import Effort

    with (
        open_library(settings) as library,
        Decoder(limits=settings.decode_limits(), sandbox=settings.sandbox) as decoder,
    ):
        spec = scan_spec(settings, library, effort=Effort(effort), within=within)
        compile_kernels(to_stderr())
        with ItemProgress(to_stderr(), "searching parts", total=None, counts_matches=False) as progress:
            return find_plays(
                item,
                spec,
                library,
                decoder,
                begin=progress.expect,
                seen=lambda seconds: progress.item(duration_s=seconds),
            )


def _print_plays(found: PlayList) -> None:
    """Print the plays as a table."""
    from earwitness.api.cli.match_tables import fitting, in_columns
    from earwitness.api.cue.play_sentences import play_cells

    console = to_stdout()
    rows = list(play_cells(found))
    if not rows:
        return
    table = [("start", "end", "verdict", "what", "from", "to", "also", "E-value"), *rows]
    width = console.width if console.is_terminal else None
    for line in in_columns(table, fitting(table, width, shorten=[3])):
        console.print(line, soft_wrap=True)
