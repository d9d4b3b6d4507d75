"""``earwitness replicas``: how many outputs of a generator hold sound of its training set?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from earwitness.api.cli.comparing.pair_table import print_pairs
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    EffortOption,
    Home,
    Workers,
    print_workers,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import Force, prepared_outputs
from earwitness.api.cli.source_options import OpenReader, reads_source

if TYPE_CHECKING:
    from earwitness.api.datasets.items import Reader
    from earwitness.api.overlap.replica_shares import Replicas
    from earwitness.api.settings import Settings


@reads_source
def replicas(
    source: Annotated[
        str,
        typer.Argument(
            metavar="GENERATED",
            help="Folder, archive or manifest of a generator's outputs",
            show_default=False,
        ),
    ],
    within: Annotated[
        list[str],
        typer.Option("--in", help="Training set (NAME or NAME:VERSION), indexed here; may be repeated"),
    ],
    seconds: Annotated[
        str,
        typer.Option(help="Lengths in seconds: an output holds at least so many of one recording"),
    ] = "3,5,10,15,30",
    out: Annotated[
        Path | None, typer.Option(help="Write the pairs to listen to here, longest first (- is stdout)")
    ] = None,
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="Format of the pairs")] = "jsonl",
    force: Force = False,
    as_json: Json = False,
    effort: EffortOption = "standard",
    workers: Workers = 0,
    strict: Annotated[
        bool, typer.Option(help="Exit 3 for unreadable outputs even when others hold training sound")
    ] = False,
    *,
    open_reader: OpenReader,
    home: Home = None,
) -> None:
    """Count the outputs of a generator that hold at least so many seconds of one training recording.

    Exit status: 0 none, 1 some hold the fewest seconds counted, 2 error, 3 none, but some could not be read.
    """
    from earwitness.api.overlap.pairs import write_pairs
    from earwitness.api.overlap.replica_shares import replicas_sentences
    from earwitness.api.sentences import audit_warning
    from earwitness.index.match import Effort

    want_json(as_json)
    lengths = _lengths(seconds)
    settings = settings_of(home, workers=workers or None)
    print_workers(settings, to_stderr())
    with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json) as targets:
        found = _scan(source, open_reader(settings), tuple(within), settings, effort)
        if (target := targets["out"]) is not None:
            write_pairs(found.pairs, target.path, form=form)
    if not found.tally.claims_supported:
        to_stderr().print(audit_warning(found.tally.audit), soft_wrap=True)
    if as_json:
        print_json("replicas", source=source, training=within, **found.to_json(lengths))
    else:
        _print_shares(found, lengths)
    to_stderr().print(" ".join(replicas_sentences(found, effort=Effort(effort))), soft_wrap=True)
    raise typer.Exit(found.exit_code(strict=strict, seconds=lengths))


def _lengths(text: str) -> list[float]:
    """Parse lengths in seconds; shortest first."""
    try:
        lengths = sorted({float(word) for word in text.split(",")})
    except ValueError:
        lengths = []
    if not lengths or not 0 < lengths[0] <= lengths[-1] < float("inf"):
        raise typer.BadParameter(f"--seconds {text}: give lengths in seconds, such as 3,5,10")
    return lengths


def _scan(source: str, items: Reader, within: tuple[str, ...], settings: Settings, effort: str) -> Replicas:
    """Scan the outputs, and show the progress."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.overlap.replica_shares import find_replicas
    from earwitness.api.sentences import sentence
    from earwitness.index.match import Effort, Verdict

    compile_kernels(to_stderr())
    with ItemProgress(to_stderr(), "scanning", total=items.total) as progress:
        return find_replicas(
            source,
            items,
            within=within,
            settings=settings,
            effort=Effort(effort),
            seen=lambda finding: progress.item(
                duration_s=finding.item.duration_s,
                match=sentence(finding) if finding.verdict is Verdict.MATCH else None,
            ),
        )


def _print_shares(found: Replicas, lengths: list[float]) -> None:
    """Print the shares by length, then the pairs."""
    from earwitness.api.cli.match_tables import fitting, in_columns
    from earwitness.api.overlap.overlap_sentences import percent

    console = to_stdout()
    shares = [(f"{each:g} s", found.share(each)) for each in lengths]
    table = [("at least", "outputs", "of", "share, 95 % interval")]
    table += [(name, f"{share.part:,.0f}", f"{share.whole:,.0f}", percent(share)) for name, share in shares]
    for line in in_columns(table, fitting(table, None, shorten=[0])):
        console.print(line, soft_wrap=True)
    if found.pairs:
        console.print("")
    print_pairs(found.pairs, ("output", "training"))
