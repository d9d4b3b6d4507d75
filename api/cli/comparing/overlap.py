"""``earwitness overlap``: what do two collections, or the splits of one, have in common?"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from earwitness.api.cli.comparing.pair_table import print_pairs
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    EffortOption,
    ExitOn,
    Home,
    Workers,
    print_workers,
    set_home_in_use,
    settings_of,
    to_stderr,
)
from earwitness.api.cli.output_files import Force, prepared_outputs
from earwitness.api.cli.source_options import OpenReader, reads_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from earwitness.api.overlap.overlap_result import Overlap
    from earwitness.api.overlap.sides import Side, Splits
    from earwitness.api.settings import Settings


@reads_source
def overlap(
    source: Annotated[
        str,
        typer.Argument(
            metavar="A", help="Indexed dataset (NAME or NAME:VERSION), or a source", show_default=False
        ),
    ],
    other: Annotated[
        str | None,
        typer.Argument(metavar="B", help="The other one; left out to compare splits", show_default=False),
    ] = None,
    splits: Annotated[
        str, typer.Option(help="Splits of A to compare: folders or beginnings of file names, as train,test")
    ] = "",
    split_column: Annotated[
        str | None, typer.Option(help="Column of a table or manifest that holds the split of each item")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the pairs here (- is stdout)")] = None,
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="Format of the pairs")] = "jsonl",
    exclude_a: Annotated[
        Path | None,
        typer.Option(help="Write the ids of A (the first split) that overlap here; .csv: as a black list"),
    ] = None,
    exclude_b: Annotated[Path | None, typer.Option(help="The same of B (the second split)")] = None,
    report: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page here")] = None,
    force: Force = False,
    as_json: Json = False,
    effort: EffortOption = "standard",
    workers: Workers = 0,
    exit_on: ExitOn = "match",
    strict: Annotated[
        bool, typer.Option(help="Exit 3 where not everything was compared, even when there is overlap")
    ] = False,
    *,
    open_reader: OpenReader,
    home: Home = None,
) -> None:
    """Compare two collections, or the splits of one: by the very file and by sound, in both directions.

    A name of an indexed dataset is that dataset; put ./ before a folder of the same name. Options on how a
    source is read hold for both. Exit status: 0 no overlap, 1 overlap, 2 error, 3 not everything was
    compared.
    """
    from earwitness.api.overlap.overlap_report import write_overlap_report
    from earwitness.api.overlap.overlap_sentences import overlap_summary
    from earwitness.api.overlap.pairs import write_left_out, write_pairs

    want_json(as_json)
    settings = settings_of(home, workers=workers or None)
    print_workers(settings, to_stderr())
    outputs = {"out": out, "exclude_a": exclude_a, "exclude_b": exclude_b, "report": report}
    with prepared_outputs(outputs, force=force, stdout_in_use=as_json) as targets:
        divided = _divided(source, other, split_column, splits, open_reader, settings)
        found = _compare(divided.sides, settings, effort)
        found.unassigned = divided.unassigned
        if (target := targets["out"]) is not None:
            write_pairs(found.pairs, target.path, form=form)
        for name, side in zip(("exclude_a", "exclude_b"), found.sides, strict=False):
            if (target := targets[name]) is not None:
                write_left_out(found.left_out(side), target.path)
        if (target := targets["report"]) is not None:
            write_overlap_report(found, target.path)
    if not as_json and out is None:
        print_pairs(found.pairs, found.column_names)
    to_stderr().print(overlap_summary(found), soft_wrap=True)
    if as_json:
        written = {name: target.named for name, target in targets.items() if target is not None}
        print_json("overlap", written=written, **found.to_json())
    raise typer.Exit(found.exit_code(strict=strict, exit_on=exit_on))


def _divided(
    source: str,
    other: str | None,
    column: str | None,
    splits: str,
    open_reader: OpenReader,
    settings: Settings,
) -> Splits:
    """Return the sets that were named."""
    from earwitness.api.overlap.overlap_errors import NothingToCompareWith, SplitsNeedAudio
    from earwitness.api.overlap.sides import Splits, splits_of

    names = [name.strip() for name in splits.split(",") if name.strip()]
    if other is not None:
        if names or column:
            raise typer.BadParameter("name a second collection or splits, not both")
        sides = [_side(each, open_reader, settings) for each in (source, other)]
        if sides[0].name == sides[1].name:
            sides = [
                replace(side, name=f"{side.name} ({label})") for side, label in zip(sides, "AB", strict=True)
            ]
        return Splits(sides=sides)
    if not (names or column):
        raise NothingToCompareWith(name=source)
    side = _side(source, open_reader, settings)
    if side.reader is None:
        raise SplitsNeedAudio(name=side.name)
    return splits_of(side.reader, column=column, names=names)


def _side(name: str, open_reader: OpenReader, settings: Settings) -> Side:
    """Return the indexed dataset of this name, else the source."""
    from earwitness.api.datasets.names import label
    from earwitness.api.overlap.sides import Side
    from earwitness.api.pipeline.pipeline_errors import NoSuchCollection
    from earwitness.api.pipeline.searched_collections import datasets_of, one_dataset, stored_collections

    stored = stored_collections(settings)
    try:
        datasets_of(stored, [name])
    except NoSuchCollection:
        reader = replace(open_reader, source=name)(settings)
        place = Path(name).resolve() if Path(name).exists() else Path(name)
        return Side(name=label(place.name or name), reader=reader)
    dataset = one_dataset(stored, name)
    shown = f"{dataset.name} (version {dataset.version})"
    to_stderr().print(f"{name}: the indexed dataset {shown}", soft_wrap=True)
    return Side(name=shown, dataset=dataset)


def _compare(sides: Sequence[Side], settings: Settings, effort: str) -> Overlap:
    """Compare the sets, and show the progress."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.overlap.compare_sides import compare
    from earwitness.index.match import Effort

    if not any(side.dataset for side in sides):
        set_home_in_use(None)
    with ExitStack() as stack:
        if any(side.reader for side in sides):
            compile_kernels(to_stderr())
        progress = stack.enter_context(
            ItemProgress(to_stderr(), "comparing", total=_n_steps(sides), counts_matches=False)
        )
        return compare(
            sides,
            settings=settings,
            effort=Effort(effort),
            seen=lambda item: progress.item(duration_s=item.duration_s),
        )


def _n_steps(sides: Sequence[Side]) -> int | None:
    """Return how often an item is indexed or searched for; None where that is not known."""
    totals = [side.reader.total for side in sides if side.reader is not None]
    if None in totals:
        return None
    every = [total for total in totals if total is not None]
    twice = len(every) == len(sides)
    return sum(every[1:]) + sum(every[:-1]) if twice else sum(every)
