"""``earwitness check``: is this audio in any indexed dataset?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    UNREADABLE,
    EffortOption,
    ExitOn,
    Home,
    Root,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import Force, placed

if TYPE_CHECKING:
    from earwitness.api.datasets.items import Skipped, SourceItem
    from earwitness.api.findings import Finding
    from earwitness.api.pipeline.run_spec import RunSpec
    from earwitness.index.library import Library


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
    as_json: Json = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the findings here, one JSON object a line (- is stdout)")
    ] = None,
    force: Force = False,
    root: Root = None,
    exit_on: ExitOn = "match",
    strict: Annotated[
        bool, typer.Option(help="Exit 3 for unreadable files even when there are findings")
    ] = False,
    home: Home = None,
) -> None:
    """Say whether audio is in an indexed dataset. Exit status: 0 no, 1 match, 2 cannot, 3 unreadable."""
    from earwitness.api.cli.kernel_warmup import make_warm
    from earwitness.api.cli.source_arguments import gathered
    from earwitness.api.findings import to_json
    from earwitness.api.pipeline.searched_collections import check_spec, open_library
    from earwitness.api.scan.outputs import write_findings
    from earwitness.api.sentences import counted
    from earwitness.index.match import Effort

    want_json(as_json)
    settings = settings_of(home)
    with (
        open_library(settings) as library,
        placed({"out": out}, force=force, taken=as_json or form != "table") as places,
    ):
        order = check_spec(settings, library, names=within or (), effort=Effort(effort))
        make_warm(to_stderr())
        answers = answered(gathered(audio, settings, root=root), order, library)
        findings = list(answers) if as_json else show(answers, form)
        if (place := places["out"]) is not None:
            write_findings(findings, place.path, form="jsonl")
    to_stderr().print(counted(findings), soft_wrap=True)
    if as_json:
        print_json("check", counts=counts(findings), findings=[to_json(each) for each in findings])
    raise typer.Exit(exit_code(findings, strict=strict, exit_on=exit_on))


def answered(items: Iterable[SourceItem | Skipped], order: RunSpec, library: Library) -> Iterator[Finding]:
    """Answer one item after another in this process: what starts quickly is right for a few files."""
    from earwitness.api.datasets.items import Skipped
    from earwitness.api.pipeline.item_processor import ItemProcessor
    from earwitness.api.pipeline.run_spec import refusal
    from earwitness.api.pipeline.search_item import ItemDecoder

    with ItemDecoder(settings=order.settings, scheme=library.scheme) as listener:
        answerer = ItemProcessor(order, library, listener)
        for item in items:
            answer = refusal(order, item) if isinstance(item, Skipped) else answerer.answer(item)
            assert answer.finding is not None  # a check always asks
            yield answer.finding


def show(findings: Iterator[Finding], form: str) -> list[Finding]:
    """Print findings as they come; returns them all."""
    from earwitness.api.findings import to_line
    from earwitness.api.scan.outputs import write_csv

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
    from earwitness.api.cli.match_tables import print_matches
    from earwitness.api.sentences import sentence

    console = to_stdout()
    console.print(sentence(finding), soft_wrap=True)
    if finding.matches:
        print_matches([finding], console)


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """Count findings by verdict."""
    from earwitness.index.match import Verdict

    return {str(each): sum(finding.verdict is each for finding in findings) for each in Verdict}


def exit_code(findings: list[Finding], *, strict: bool, exit_on: str = "match") -> int:
    """Return 0 where nothing was found, 1 where something was, 3 where something could not be read."""
    from earwitness.index.match import Verdict

    verdicts = {finding.verdict for finding in findings}
    found = Verdict.MATCH in verdicts or (exit_on == "possible" and Verdict.POSSIBLE in verdicts)
    if Verdict.NOT_READABLE in verdicts and (strict or not found):
        return UNREADABLE
    return int(found)
