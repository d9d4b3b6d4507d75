"""``earwitness scan``: which items of this collection contain a registered work?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from earwitness.api.cli.cli_errors import NotResumable
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    AllowPrivate,
    AllowRemote,
    AudioColumn,
    EffortOption,
    ExitOn,
    Home,
    ReaderName,
    Root,
    Workers,
    say_workers,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import STDOUT, Force, OutputTarget, placed

if TYPE_CHECKING:
    from rich.console import Console

    from earwitness.api.datasets.items import Reader
    from earwitness.api.findings import Finding
    from earwitness.api.scan.run_scan import Plan, Scanned
    from earwitness.api.scan.tally import Keys, Tally
    from earwitness.api.settings import Settings
    from earwitness.index.match import Verdict


def scan(
    source: Annotated[str, typer.Argument(help="Folder, archive or manifest of audio", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(help="Where the findings go, one for every item (- is stdout)", show_default=False),
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a scan that was cut off")] = False,
    workers: Workers = 0,
    effort: EffortOption = "standard",
    form: Annotated[
        Literal["jsonl", "csv", "parquet"], typer.Option("--format", help="Of the findings")
    ] = "jsonl",
    exclude_list: Annotated[Path | None, typer.Option(help="Write the ids to leave out here")] = None,
    exclude: Annotated[
        str,
        typer.Option(
            help="What else to leave out, besides match: possible, not_readable, too_short_or_silent"
        ),
    ] = "",
    clean_manifest: Annotated[
        Path | None, typer.Option(help="Write the source's manifest without what is left out here")
    ] = None,
    links: Annotated[
        Path | None,
        typer.Option(help="Write entries that name a work by identifier or title here (no sound)"),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page here")] = None,
    diff: Annotated[
        Path | None, typer.Option(help="Earlier findings (jsonl): say what came, went and stayed")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Earlier findings (jsonl) whose matches are known and do not count")
    ] = None,
    sample_every: Annotated[
        int, typer.Option(min=1, help="Hear only every so many items; the report is partial")
    ] = 1,
    max_seconds: Annotated[
        float | None, typer.Option(min=1.0, help="Stop after so much audio; the report is partial")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    exit_on: ExitOn = "match",
    strict: Annotated[
        bool, typer.Option(help="Exit 3 for unreadable items even when there are findings")
    ] = False,
    reader: ReaderName = None,
    audio_column: AudioColumn = None,
    root: Root = None,
    allow_remote: AllowRemote = False,
    allow_private: AllowPrivate = False,
    home: Home = None,
) -> None:
    """Find registered works in a collection. Exit status: 0 clean, 1 findings, 2 cannot, 3 unreadable."""
    from earwitness.api.cli.source_arguments import opened
    from earwitness.api.scan.checkpoint import partial_of
    from earwitness.api.scan.run_scan import Plan
    from earwitness.api.scan.tally import keys_of, possible_keys
    from earwitness.index.match import Effort

    want_json(as_json)
    settings = settings_of(home, workers=workers or None)
    left_out = verdicts_of(exclude)
    known = LibraryView(
        matches=keys_of(baseline) if baseline else {},
        possible=keys_of(baseline, of=possible_keys) if baseline else {},
    )
    before = keys_of(diff) if diff else None
    console = to_stderr()
    say_workers(settings, console)
    outputs = {
        "out": out,
        "exclude_list": exclude_list,
        "clean_manifest": clean_manifest,
        "links": links,
        "report": report,
    }
    goes_on = resume and partial_of(out).exists()
    with placed(outputs, force=force, agreed=goes_on, taken=as_json) as places:
        paths = {name: None if place is None else place.path for name, place in places.items()}
        if resume and paths["out"] != out:
            raise NotResumable(where="standard output" if str(out) == STDOUT else str(out))
        items = opened(
            source,
            settings,
            reader=reader,
            audio_column=audio_column,
            remote=allow_remote,
            private=allow_private,
            root=root,
        )
        plan = Plan(
            source=source,
            out=paths["out"] or out,
            form=form,
            effort=Effort(effort),
            n_workers=settings.n_workers,
            resume=resume,
            sample_every=sample_every,
            max_seconds=max_seconds,
        )
        extras = Extras(
            exclude_list=paths["exclude_list"],
            left_out=left_out,
            clean_manifest=paths["clean_manifest"],
            links=paths["links"],
            report=paths["report"],
            before=before,
        )
        tally = run(plan, items, settings=settings, extras=extras, known=known, console=console)
    if as_json:
        print_json("scan", source=source, written=written(places), **tally_json(tally))
    raise typer.Exit(tally.exit_code(strict=strict, exit_on=exit_on))


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryView:
    """What a baseline says was found, and what it says may have been."""

    matches: Keys
    possible: Keys


def written(places: dict[str, OutputTarget | None]) -> dict[str, str]:
    """Name the files that a scan has written."""
    return {name: place.named for name, place in places.items() if place is not None}


def tally_json(tally: Tally) -> dict[str, Any]:
    """Return the counts of a scan for ``--json``."""
    return {
        "items": tally.n_items,
        "compared": tally.n_asked,
        "seconds": round(tally.heard_s, 2),
        "verdicts": {str(verdict): n for verdict, n in tally.verdicts.items()},
        "reasons": dict(tally.reasons),
        "works": dict(tally.works),
        "new_matches": tally.n_new,
        "new_possible": tally.n_new_possible,
        "expected_false_matches": float(f"{tally.expected_false:.2g}"),
        "expected_possible": float(f"{tally.expected_possible:.2g}"),
        "passed_over": dict(tally.passed_over),
        "partial": tally.partial,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a scan leaves besides its findings."""

    exclude_list: Path | None
    left_out: frozenset[Verdict]
    clean_manifest: Path | None
    links: Path | None
    report: Path | None
    before: Keys | None


def run(
    plan: Plan, items: Reader, *, settings: Settings, extras: Extras, known: LibraryView, console: Console
) -> Tally:
    """Scan, and say what was found; everything that is written is written before the checkpoint goes."""
    from earwitness.api.cli.kernel_warmup import make_warm
    from earwitness.api.cli.progress import Watch
    from earwitness.api.scan.run_scan import scan as scan_source
    from earwitness.api.scan.run_scan import tally_of
    from earwitness.api.sentences import summary

    tallies: list[Tally] = []

    def finish(scanned: Scanned) -> None:
        tallies.append(tally_of(scanned, baseline=known.matches, possible=known.possible))
        write_extras(scanned, tallies[0], plan, items, extras, settings)

    make_warm(console)
    with Watch(console, "scanning", total=_expected(items, plan)) as watch:
        scan_source(
            plan,
            items,
            settings=settings,
            seen=lambda finding: watch.item(
                duration_s=finding.item.duration_s,
                found=_found(finding),
                said=f"{finding.item.id}: {finding.verdict}",
            ),
            finish=finish,
        )
    console.print(summary(tallies[0]), soft_wrap=True)
    return tallies[0]


def _expected(items: Reader, plan: Plan) -> int | None:
    return None if items.total is None else -(-items.total // plan.sample_every)


def _found(finding: Finding) -> str | None:
    from earwitness.api.scan.tally import work_label
    from earwitness.api.sentences import change_words
    from earwitness.index.match import Verdict

    if finding.verdict is not Verdict.MATCH:
        return None
    best = finding.matches[0]
    return f"{finding.item.id}: {work_label(best)}, {change_words(best)}, E-value {best.e_value:.1e}"


def write_extras(
    scanned: Scanned, tally: Tally, plan: Plan, items: Reader, extras: Extras, settings: Settings
) -> None:
    """Write the lists, the clean manifest, the report and the comparison, whichever were asked for."""
    from earwitness.api.datasets.write_clean_manifest import write_clean
    from earwitness.api.scan.link_findings import write_links
    from earwitness.api.scan.outputs import excluded, write_exclude_list

    if extras.exclude_list is not None:
        write_exclude_list(scanned.findings(), extras.exclude_list, verdicts=extras.left_out)
    if extras.clean_manifest is not None:
        left_out = frozenset(excluded(scanned.findings(), extras.left_out))
        cleaned = write_clean(items, left_out, extras.clean_manifest)
        to_stderr().print(f"{extras.clean_manifest}: {cleaned.sentence}", soft_wrap=True)
    if extras.links is not None:
        n_links = write_links(items, extras.links, settings=settings)
        to_stderr().print(
            f"{n_links:,} entries name a work by identifier or title; that is no match by sound."
        )
    if extras.report is not None:
        from earwitness.api.evidence.report import write_report

        write_report(
            scanned.findings(), tally, extras.report, source=plan.source, items=items, settings=settings
        )
    if extras.before is not None:
        say_difference(scanned, extras.before)


def say_difference(scanned: Scanned, before: Keys) -> None:
    """Say which matches came, went and stayed since earlier findings; one that went is proof of a removal."""
    from earwitness.api.scan.tally import keys_in

    now = keys_in(scanned.findings())
    console = to_stdout()
    went, came, stayed = (before.keys() - now.keys(), now.keys() - before.keys(), now.keys() & before.keys())
    for word, keys in (("added", came), ("removed", went), ("still there", stayed)):
        console.print(f"{word}: {len(keys):,}")
        for said in sorted(now.get(key) or before[key] for key in keys):
            console.print(f"  {said}", soft_wrap=True)


def verdicts_of(words: str) -> frozenset[Verdict]:
    """Read a list of verdicts; a match is always among them."""
    from earwitness.index.match import Verdict

    allowed = {str(each) for each in Verdict} - {"no_match"}
    named = {word.strip() for word in words.split(",") if word.strip()}
    if not named <= allowed:
        raise typer.BadParameter(
            f"{', '.join(sorted(named - allowed))}: choose from {', '.join(sorted(allowed))}"
        )
    return frozenset(Verdict(word) for word in named | {"match"})
