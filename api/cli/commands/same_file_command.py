"""``earwitness same-file``: which known datasets list these files, by their bytes?"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import UNREADABLE, Home, settings_of, to_stderr, to_stdout
from earwitness.api.cli.output_files import Force, prepared_outputs
from earwitness.api.cli.source_options import OpenReader, reads_source

if TYPE_CHECKING:
    from earwitness.api.shelf.look_up_files import LookedUp, LookUpTally


@reads_source
def same_file(
    source: Annotated[
        str, typer.Argument(help="File, folder, archive or manifest of audio", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write every item here, one JSON object a line (- is stdout)")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    *,
    open_reader: OpenReader,
    home: Home = None,
) -> None:
    """Say which known datasets list these files, by their bytes; nothing is decoded or compared by sound.

    A copy in another format, or with other tags, has other bytes and is not found this way. Exit status: 0 no
    known file, 1 known files, 2 error, 3 no known file, but some items could not be read.
    """
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.scan.outputs import whole_file
    from earwitness.api.shelf.look_up_files import LookUpTally, look_up

    want_json(as_json)
    settings = settings_of(home)
    tally, hints = LookUpTally(), set[str]()
    with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json) as targets:
        target, reader = targets["out"], open_reader(settings)
        with ExitStack() as stack:
            progress = stack.enter_context(ItemProgress(to_stderr(), "looking up", total=reader.total))
            file = None if target is None else stack.enter_context(whole_file(target.path))
            for each in look_up(reader, settings):
                tally.count(each)
                if file is not None:
                    file.write(json.dumps(each.to_json()).encode() + b"\n")
                if target is None or not target.streams:
                    show(each, hints)
                progress.item(duration_s=None, match=None, detail=each.item)
    print_summary(tally)
    if as_json:
        print_json(
            "same-file",
            source=source,
            items=tally.n_items,
            known=tally.n_known,
            not_readable=tally.n_unread,
            datasets=dict(tally.datasets.most_common()),
        )
    raise typer.Exit(1 if tally.n_known else UNREADABLE if tally.n_unread else 0)


def show(looked_up: LookedUp, hints: set[str]) -> None:
    """Print an item that a dataset lists or names, or that could not be read.

    A hint is printed once, and added to `hints`.
    """
    from earwitness.api.printable import shown
    from earwitness.api.shelf.names_evidence import names_sentences
    from earwitness.api.shelf.same_file_evidence import same_file_sentences

    for text in same_file_sentences(looked_up.same_file):
        cards = ", ".join(dict.fromkeys(each.card for each in looked_up.same_file))
        to_stdout().print(shown(f"{looked_up.item}: {text} Cards: {cards}."), soft_wrap=True)
    for text in names_sentences(looked_up.names):
        to_stdout().print(shown(f"{looked_up.item}: {text}"), soft_wrap=True)
    if looked_up.error is not None:
        error = looked_up.error
        to_stdout().print(shown(f"{looked_up.item}: {error.message}."), soft_wrap=True)
        if error.hint not in hints:
            hints.add(error.hint)
            to_stdout().print(shown(f"  What to do: {error.hint}."), soft_wrap=True)


def print_summary(tally: LookUpTally) -> None:
    """Print which known datasets the source is made of."""
    from earwitness.api.sentences import count
    from earwitness.api.shelf.dataset_cards import NOT_PROVEN

    console = to_stderr()
    others = tally.n_items - tally.n_known - tally.n_unread
    console.print(
        f"{count(tally.n_items, 'item')}: {tally.n_known:,} are listed by known datasets, {others:,} by none,"
        f" {tally.n_unread:,} could not be read.",
        soft_wrap=True,
    )
    for name, number in tally.datasets.most_common():
        console.print(f"  {name}: {number:,} of the {tally.in_full[name]:,} files that are listed")
    if tally.n_known:
        console.print(NOT_PROVEN, soft_wrap=True)
    else:
        console.print(
            "That no list holds these bytes says nothing of changed copies."
            " `earwitness shelf` shows the lists.",
            soft_wrap=True,
        )
