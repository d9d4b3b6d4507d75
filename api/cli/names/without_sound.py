"""``check`` and ``scan`` where there is no sound to compare with: bytes and names are looked up."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from earwitness.api.cli.json_output import print_json
from earwitness.api.cli.options import UNREADABLE, to_stderr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from earwitness.api.datasets.items import Skipped, SourceItem
    from earwitness.api.pipeline.pipeline_errors import NothingIndexed, NothingRegistered
    from earwitness.api.settings import Settings
    from earwitness.api.shelf.look_up_files import LookUpTally
    from earwitness.index.names.name_list import NameList


def can_check(settings: Settings) -> bool:
    """Whether a dataset is here that audio can be compared with."""
    from earwitness.api.pipeline.searched_collections import datasets_of, stored_collections

    return bool(datasets_of(stored_collections(settings)))


def can_scan(settings: Settings) -> bool:
    """Whether a work is here that audio can be compared with."""
    from earwitness.api.pipeline.searched_collections import stored_collections, works_of

    return bool(works_of(stored_collections(settings)))


def look_up_only(
    items: Iterable[SourceItem | Skipped],
    settings: Settings,
    *,
    verb: Literal["check", "scan"],
    out: Path | None,
    form: str = "table",
    as_json: bool = False,
    **fields: Any,
) -> int:
    """Look items up by their bytes and names, and say that no sound was compared; return the exit status.

    Parameters
    ----------
    form
        ``table`` prints what was found; ``jsonl`` prints every item as one JSON object a line.
    fields
        Further fields of the JSON.
    """
    from earwitness.api.cli.commands.same_file_command import show
    from earwitness.api.scan.outputs import whole_file
    from earwitness.api.shelf.look_up_files import LookUpTally, look_up
    from earwitness.api.shelf.stored_names import open_names

    lists, tally, every, hints = open_names(settings), LookUpTally(), [], set[str]()
    with ExitStack() as stack:
        file = None if out is None else stack.enter_context(whole_file(out))
        for each in look_up(items, settings, lists=lists):
            tally.count(each)
            if file is not None:
                file.write(json.dumps(each.to_json()).encode() + b"\n")
            if form == "jsonl":
                print(json.dumps(each.to_json()), flush=True)
            else:
                show(each, hints)
            if as_json:
                every.append(each.to_json())
    why = _missing(verb, settings)
    _print_summary(tally, lists, settings, why)
    if as_json:
        print_json(
            verb,
            **fields,
            compared_by_sound=False,
            reason=why.code,
            items=tally.n_items,
            not_readable=tally.n_unread,
            same_file=dict(tally.datasets),
            names=dict(tally.names),
            looked_up=every,
        )
    return UNREADABLE


def _missing(verb: str, settings: Settings) -> NothingIndexed | NothingRegistered:
    from earwitness.api.pipeline.pipeline_errors import NothingIndexed, NothingRegistered

    kind = NothingIndexed if verb == "check" else NothingRegistered
    return kind(home=settings.home)


def _print_summary(
    tally: LookUpTally, lists: Sequence[NameList], settings: Settings, why: NothingIndexed | NothingRegistered
) -> None:
    """Print what was compared, how many items the lists hold, and how sound can be compared."""
    from earwitness.api.cli.commands.same_file_command import print_summary
    from earwitness.api.printable import shown
    from earwitness.api.sentences import count
    from earwitness.api.shelf.same_file import open_known_files

    known, console = open_known_files(settings), to_stderr()
    names = ", ".join(f"{each.dataset.name} ({each.dataset.n_entries:,} entries)" for each in lists[:5])
    more = f", and {len(lists) - 5:,} more" if len(lists) > 5 else ""
    compared = f"bytes with the digests of {known.n_files:,} files of {len(known.datasets):,} datasets"
    if lists:
        compared += f"; names with {shown(names)}{more}"
    console.print(f"No sound was compared: {why.reason}.", soft_wrap=True)
    console.print(f"Compared: {compared}.", soft_wrap=True)
    print_summary(tally)
    if tally.names:
        by = ", ".join(f"{number:,} by {shown(name)}" for name, number in tally.names.most_common(5))
        console.print(
            f"By their names, {count(tally.names.total(), 'entry', 'entries')}: {by}.", soft_wrap=True
        )
    console.print(f"To compare sound, {why.remedy}.", soft_wrap=True)
