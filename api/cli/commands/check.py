"""``earwitness check``: is this audio in any indexed dataset?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
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
from earwitness.api.cli.output_files import Force, prepared_outputs
from earwitness.api.cli.source_options import one_of

if TYPE_CHECKING:
    from earwitness.api.datasets.items import Skipped, SourceItem
    from earwitness.api.evidence.picture_types import MatchPicture
    from earwitness.api.findings import Finding
    from earwitness.api.pipeline.run_spec import RunSpec
    from earwitness.api.scan.audit import Audit
    from earwitness.api.settings import Settings
    from earwitness.fingerprint.decode import Decoder
    from earwitness.index.library import Library


def check(
    audio: Annotated[
        list[str] | None, typer.Argument(help="Audio files, or folders of them", show_default=False)
    ] = None,
    within: Annotated[
        list[str] | None,
        typer.Option("--in", help="Only this dataset (NAME or NAME:VERSION); may be repeated"),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(
            help="Works without audio, asked by name: CSV with any of artist, title, isrc, link …,"
            " or one link, ISRC or `artist - title` a line"
        ),
    ] = None,
    effort: EffortOption = "standard",
    form: Annotated[
        Literal["table", "jsonl", "csv"], typer.Option("--format", help="Format of the findings on stdout")
    ] = "table",
    as_json: Json = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the findings here, one JSON object a line (- is stdout)")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="Also write signed evidence of the answer here, to hand on (JSON)")
    ] = None,
    force: Force = False,
    root: Root = None,
    exit_on: ExitOn = "match",
    strict: Annotated[
        bool, typer.Option(help="Exit 3 for unreadable files even when there are matches")
    ] = False,
    home: Home = None,
) -> None:
    """Check whether audio is in a dataset. Exit status: 0 no match, 1 match, 2 error, 3 unreadable.

    Where no dataset with sound is here, only bytes and names are looked up, and the exit status is 3.
    """
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.names.catalogue_answers import check_catalogue
    from earwitness.api.cli.names.without_sound import can_check
    from earwitness.api.cli.source_arguments import list_items
    from earwitness.api.findings import supported
    from earwitness.api.pipeline.pipeline_errors import NothingIndexed
    from earwitness.api.pipeline.searched_collections import check_spec, open_library
    from earwitness.api.scan.audit import audited
    from earwitness.api.scan.outputs import write_csv, write_findings
    from earwitness.fingerprint.decode import Decoder
    from earwitness.index.match import Effort

    want_json(as_json)
    settings = settings_of(home)
    if evidence is not None and (catalogue is not None or not can_check(settings)):
        raise typer.BadParameter("--evidence is of a comparison by sound: no sound would be compared here")
    if (table := one_of(audio, catalogue)) is not None:
        with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json) as outputs:
            target = outputs["out"]
            path = None if target is None else target.path
            status = check_catalogue(table, settings, out=path, as_json=as_json)
        raise typer.Exit(status)
    assert audio  # there is no catalogue
    if not can_check(settings):
        if within or form == "csv":
            raise NothingIndexed(home=settings.home)
        items = list_items(audio, settings, root=root)
        raise typer.Exit(look_up(items, settings, out=out, force=force, form=form, as_json=as_json))
    with (
        # its worker starts while the library is opened
        Decoder(limits=settings.decode_limits(), sandbox=settings.sandbox, wait=False) as decoder,
        open_library(settings) as library,
        prepared_outputs(
            {"out": out, "evidence": evidence}, force=force, stdout_in_use=as_json or form != "table"
        ) as targets,
    ):
        spec = check_spec(settings, library, names=within or (), effort=Effort(effort))
        spec = replace(spec, with_pictures=evidence is not None)
        compile_kernels(to_stderr())
        pictures: list[tuple[MatchPicture, ...]] = []
        searched = search_items(list_items(audio, settings, root=root), spec, library, decoder, pictures)
        findings = list(searched) if as_json or form == "csv" else show(searched, form)
        audit = audited(findings)
        findings = [supported(each, claims_supported=audit.claims_supported) for each in findings]
        if form == "csv" and not as_json:
            write_csv(findings, sys.stdout.buffer)
        if (target := targets["out"]) is not None:
            write_findings(findings, target.path, form="jsonl")
        if (target := targets["evidence"]) is not None:
            write_evidence(findings, pictures, spec, target.path)
    print_summary(findings, audit, as_json=as_json)
    raise typer.Exit(exit_code(findings, strict=strict, exit_on=exit_on))


def look_up(
    items: Iterable[SourceItem | Skipped],
    settings: Settings,
    *,
    out: Path | None,
    force: bool,
    form: str,
    as_json: bool,
) -> int:
    """Look up bytes and names where no dataset with sound is here; return the exit status."""
    from earwitness.api.cli.names.without_sound import look_up_only

    with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json or form != "table") as targets:
        target = targets["out"]
        path = None if target is None else target.path
        return look_up_only(items, settings, verb="check", out=path, form=form, as_json=as_json)


def write_evidence(
    findings: Sequence[Finding], pictures: Sequence[Sequence[MatchPicture]], spec: RunSpec, path: Path
) -> None:
    """Write the signed evidence of an answer, as the server does."""
    from datetime import UTC, datetime

    from earwitness.api.answers.card_index import known_cards
    from earwitness.api.evidence.evidence_bundle import evidence_bundle, home_key
    from earwitness.api.scan.outputs import whole_file

    bundle = evidence_bundle(
        findings,
        known_cards(spec.settings),
        pictures,
        state_digest=spec.state_digest,
        answered_at=datetime.now(UTC),
        key=home_key(spec.settings),
    )
    with whole_file(path) as file:
        file.write(bundle)


def search_items(
    items: Iterable[SourceItem | Skipped],
    spec: RunSpec,
    library: Library,
    decoder: Decoder,
    pictures: list[tuple[MatchPicture, ...]],
) -> Iterator[Finding]:
    """Search for one item after another in this process, which starts faster than worker processes do.

    What is drawn of each finding is added to `pictures`, where the run is to return it, as far as an
    evidence file holds it.
    """
    from earwitness.api.datasets.items import Skipped
    from earwitness.api.evidence.picture_types import MOST_IN_EVIDENCE
    from earwitness.api.pipeline.item_processor import ItemProcessor
    from earwitness.api.pipeline.run_spec import refused_result
    from earwitness.api.pipeline.search_item import ItemDecoder

    with ItemDecoder(settings=spec.settings, scheme=library.scheme, decoder=decoder) as item_decoder:
        processor = ItemProcessor(spec, library, item_decoder)
        for item in items:
            result = refused_result(spec, item) if isinstance(item, Skipped) else processor.process(item)
            assert result.finding is not None  # a check always searches
            pictures.append(result.pictures[: MOST_IN_EVIDENCE - sum(map(len, pictures))])
            yield result.finding


def show(findings: Iterator[Finding], form: str) -> list[Finding]:
    """Print findings as they come; return them all."""
    from earwitness.api.finding_json import to_line

    shown = []
    for finding in findings:
        shown.append(finding)
        if form == "jsonl":
            print(to_line(finding), end="", flush=True)
        else:
            show_one(finding)
    return shown


def show_one(finding: Finding) -> None:
    """Print one finding: a sentence, then its matches."""
    from earwitness.api.cli.match_tables import print_matches
    from earwitness.api.sentences import sentence

    console = to_stdout()
    console.print(sentence(finding), soft_wrap=True)
    if finding.matches:
        print_matches([finding], console)


def print_summary(findings: Sequence[Finding], audit: Audit, *, as_json: bool) -> None:
    """Print the findings of a check by verdict, whether E-values hold on them, and the JSON if wanted."""
    from earwitness.api.finding_json import to_json
    from earwitness.api.sentences import audit_warning, counts_sentence

    if not audit.claims_supported:
        to_stderr().print(audit_warning(audit), soft_wrap=True)
    to_stderr().print(counts_sentence(findings, audit), soft_wrap=True)
    if as_json:
        print_json(
            "check",
            counts=counts(findings),
            claims_supported=audit.claims_supported,
            audit=audit.to_json(),
            findings=[to_json(each) for each in findings],
        )


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """Count findings by verdict."""
    from earwitness.index.match import Verdict

    return {str(each): sum(finding.verdict is each for finding in findings) for each in Verdict}


def exit_code(findings: list[Finding], *, strict: bool, exit_on: str = "match") -> int:
    """Return 0 for no match, 1 for a match, 3 for files that could not be read."""
    from earwitness.api.scan.tally import EXIT_VERDICTS
    from earwitness.index.match import Verdict

    verdicts = {finding.verdict for finding in findings}
    matched = not EXIT_VERDICTS[exit_on].isdisjoint(verdicts)
    if Verdict.NOT_READABLE in verdicts and (strict or not matched):
        return UNREADABLE
    return int(matched)
