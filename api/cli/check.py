"""``earwitness check``: is this audio in any indexed dataset?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import UNREADABLE, EffortOption, Home, settings_of, to_stderr, to_stdout

if TYPE_CHECKING:
    from api.datasets.types import Recording, Skipped
    from api.findings import Finding
    from api.orders import Order
    from index.library import Library


def check(
    audio: Annotated[list[str], typer.Argument(help="Audio files, or folders of them", show_default=False)],
    within: Annotated[
        list[str] | None,
        typer.Option("--in", help="Only this dataset (NAME or NAME:VERSION); may be repeated"),
    ] = None,
    effort: EffortOption = "standard",
    form: Annotated[
        Literal["table", "jsonl", "csv"], typer.Option("--format", help="How to answer")
    ] = "table",
    strict: Annotated[
        bool, typer.Option(help="Exit 3 for unreadable files even when there are findings")
    ] = False,
    home: Home = None,
) -> None:
    """Say whether audio is in an indexed dataset. Exit status: 0 no, 1 match, 2 cannot, 3 unreadable."""
    from api.asking import check_order, open_library
    from api.cli.sources import gathered
    from api.cli.warmth import make_warm
    from index.match import Effort

    settings = settings_of(home)
    with open_library(settings) as library:
        order = check_order(settings, library, names=within or (), effort=Effort(effort))
        make_warm(to_stderr())
        findings = show(answered(gathered(audio, settings), order, library), form)
    raise typer.Exit(exit_code(findings, strict=strict))


def answered(items: Iterable[Recording | Skipped], order: Order, library: Library) -> Iterator[Finding]:
    """Answer one item after another in this process: what starts quickly is right for a few files."""
    from api.answering import Answerer
    from api.datasets.types import Skipped
    from api.orders import refusal
    from api.pipeline import Listener

    with Listener(settings=order.settings, scheme=library.scheme) as listener:
        answerer = Answerer(order, library, listener)
        for item in items:
            answer = refusal(order, item) if isinstance(item, Skipped) else answerer.answer(item)
            assert answer.finding is not None  # a check always asks
            yield answer.finding


def show(findings: Iterator[Finding], form: str) -> list[Finding]:
    """Print findings as they come; returns them all."""
    from api.findings import to_line
    from api.scan.outputs import write_csv

    shown = []
    if form == "csv":
        shown = list(findings)
        write_csv(shown, sys.stdout.buffer)
    for finding in findings:
        shown.append(finding)
        if form == "jsonl":
            print(to_line(finding), end="", flush=True)
        else:
            show_one(finding)
    return shown


def show_one(finding: Finding) -> None:
    """Print one finding: a clear sentence, then its matches."""
    from api.cli.tables import print_matches
    from api.wording import sentence

    console = to_stdout()
    console.print(sentence(finding), soft_wrap=True)
    if finding.matches:
        print_matches([finding], console)


def exit_code(findings: list[Finding], *, strict: bool) -> int:
    """Return 0 where nothing was found, 1 where something was, 3 where something could not be read."""
    from index.match import Verdict

    verdicts = {finding.verdict for finding in findings}
    found = Verdict.MATCH in verdicts
    if Verdict.NOT_READABLE in verdicts and (strict or not found):
        return UNREADABLE
    return int(found)
