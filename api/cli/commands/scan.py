"""``earwitness scan``: which items of this source contain a registered work, or sound of a dataset?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from earwitness.api.cli.cli_errors import NotResumable
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    EffortOption,
    ExitOn,
    Home,
    Workers,
    print_workers,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import STDOUT, Force, OutputTarget, prepared_outputs
from earwitness.api.cli.source_options import OpenReader, reads_source

if TYPE_CHECKING:
    from rich.console import Console

    from earwitness.api.datasets.items import Reader
    from earwitness.api.findings import Finding
    from earwitness.api.scan.run_scan import Plan, Scanned
    from earwitness.api.scan.tally import Keys, Tally
    from earwitness.api.settings import Settings
    from earwitness.index.match import Verdict


@reads_source
def scan(
    source: Annotated[str, typer.Argument(help="Folder, archive or manifest of audio", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(help="Write the findings here, one for each item (- is stdout)", show_default=False),
    ],
    within: Annotated[
        list[str] | None,
        typer.Option(
            "--in",
            help="Search this dataset (NAME or NAME:VERSION) in place of the works; may be repeated",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume a scan that was interrupted")] = False,
    workers: Workers = 0,
    effort: EffortOption = "full",
    form: Annotated[
        Literal["jsonl", "csv", "parquet"], typer.Option("--format", help="Format of the findings")
    ] = "jsonl",
    exclude_list: Annotated[Path | None, typer.Option(help="Write the ids to exclude here")] = None,
    exclude: Annotated[
        str,
        typer.Option(
            help="Verdicts to exclude, besides match: possible, shared_material, not_readable,"
            " too_short_or_silent"
        ),
    ] = "",
    clean_manifest: Annotated[
        Path | None, typer.Option(help="Write the source's manifest without the excluded items here")
    ] = None,
    links: Annotated[
        Path | None,
        typer.Option(help="Write entries that name a work by identifier or title here (not by audio)"),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page here")] = None,
    diff: Annotated[
        Path | None,
        typer.Option(help="Earlier findings (jsonl): print new, gone and unchanged matches"),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Earlier findings (jsonl) whose matches are known and do not count")
    ] = None,
    sample_every: Annotated[
        int, typer.Option(min=1, help="Compare only every n-th item; the report is partial")
    ] = 1,
    max_seconds: Annotated[
        float | None, typer.Option(min=1.0, help="Stop after so many seconds of audio; the report is partial")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    exit_on: ExitOn = "match",
    strict: Annotated[
        bool, typer.Option(help="Exit 3 for unreadable items even when there are matches")
    ] = False,
    *,
    open_reader: OpenReader,
    home: Home = None,
) -> None:
    """Find registered works, or the sound of datasets (--in), in a source.

    Exit status: 0 no match, 1 matches, 2 error, 3 unreadable items. Where no work is
    registered, only bytes and names are looked up, and the exit status is 3.
    """
    from earwitness.api.cli.names.without_sound import can_scan, look_up_only
    from earwitness.api.pipeline.pipeline_errors import NothingRegistered
    from earwitness.api.scan.checkpoint import partial_path
    from earwitness.api.scan.run_scan import Plan
    from earwitness.api.scan.tally import keys_of
    from earwitness.index.match import Effort

    want_json(as_json)
    if within and links:
        raise typer.BadParameter("--links names registered works; leave it out where --in is given")
    settings = settings_of(home, workers=workers or None)
    excluded_verdicts = verdicts_of(exclude)
    known = Baseline.read(baseline)
    earlier = keys_of(diff) if diff else None
    print_workers(settings, to_stderr())
    outputs = {
        "out": out,
        "exclude_list": exclude_list,
        "clean_manifest": clean_manifest,
        "links": links,
        "report": report,
    }
    asks_for_works = any(outputs[name] for name in outputs if name != "out") or diff or baseline or resume
    if not within and not can_scan(settings):
        if form != "jsonl" or asks_for_works:
            raise NothingRegistered(home=settings.home)
        with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json) as prepared:
            target = prepared["out"]
            status = look_up_only(
                open_reader(settings),
                settings,
                verb="scan",
                out=None if target is None else target.path,
                as_json=as_json,
                source=source,
            )
        raise typer.Exit(status)
    resumes = resume and partial_path(out).exists()
    with prepared_outputs(outputs, force=force, confirmed=resumes, stdout_in_use=as_json) as targets:
        paths = {name: None if target is None else target.path for name, target in targets.items()}
        if resume and paths["out"] != out:
            raise NotResumable(where="standard output" if str(out) == STDOUT else str(out))
        plan = Plan(
            source=source,
            out=paths.pop("out") or out,
            form=form,
            effort=Effort(effort),
            n_workers=settings.n_workers,
            resume=resume,
            sample_every=sample_every,
            max_seconds=max_seconds,
            within=tuple(within or ()),
        )
        extras = Extras(**paths, excluded_verdicts=excluded_verdicts, earlier=earlier)
        tally = run(plan, open_reader(settings), settings=settings, extras=extras, known=known)
    if as_json:
        print_json("scan", source=source, written=written(targets), **tally_json(tally))
    raise typer.Exit(tally.exit_code(strict=strict, exit_on=exit_on))


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Matches, and all listed ones, of an earlier scan, which do not count in this one."""

    matches: Keys
    possible: Keys

    @classmethod
    def read(cls, path: Path | None) -> Baseline:
        """Read a file of findings; without one, the baseline is empty."""
        from earwitness.api.scan.tally import all_keys, keys_of

        if path is None:
            return cls(matches={}, possible={})
        return cls(matches=keys_of(path), possible=keys_of(path, of=all_keys))


def written(targets: dict[str, OutputTarget | None]) -> dict[str, str]:
    """Return the files that a scan has written, by the name of the output."""
    return {name: target.named for name, target in targets.items() if target is not None}


def tally_json(tally: Tally) -> dict[str, Any]:
    """Return the counts of a scan for ``--json``."""
    from earwitness.api.scan.tally import claims_json
    from earwitness.index.match import Verdict

    return {
        "items": tally.n_items,
        "compared": tally.n_compared,
        "seconds": round(tally.decoded_s, 2),
        "verdicts": {str(verdict): n for verdict, n in tally.verdicts.items()},
        "reasons": dict(tally.reasons),
        **_found_json(tally),
        **({"same_file": dict(tally.same_file)} if tally.same_file else {}),
        **({"names": dict(tally.names)} if tally.names else {}),
        "new_matches": tally.new[Verdict.MATCH],
        "new_possible": tally.new[Verdict.POSSIBLE],
        "new_shared_material": tally.new[Verdict.SHARED_MATERIAL],
        **claims_json(tally),
        "passed_over": dict(tally.passed_over),
        "partial": tally.partial,
    }


def _found_json(tally: Tally) -> dict[str, Any]:
    """Return what the items matched: works, or items of datasets."""
    found = dict(tally.works)
    return {"works": found} if tally.for_works else {"dataset_items": found, "datasets": dict(tally.datasets)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """The outputs of a scan besides its findings."""

    exclude_list: Path | None
    excluded_verdicts: frozenset[Verdict]
    clean_manifest: Path | None
    links: Path | None
    report: Path | None
    earlier: Keys | None


def run(plan: Plan, items: Reader, *, settings: Settings, extras: Extras, known: Baseline) -> Tally:
    """Scan and print the summary; all outputs are written before the checkpoint is deleted."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.scan.run_scan import scan as scan_source
    from earwitness.api.scan.run_scan import tally_of
    from earwitness.api.sentences import summary

    tallies: list[Tally] = []
    console = to_stderr()

    def finish(scanned: Scanned) -> None:
        tallies.append(tally_of(scanned, baseline=known.matches, possible=known.possible))
        write_extras(scanned, tallies[0], plan, items, extras, settings)

    compile_kernels(console)
    _print_slow_works(settings, plan, console)
    with ItemProgress(console, "scanning", total=_expected(items, plan)) as progress:
        scan_source(
            plan,
            items,
            settings=settings,
            seen=lambda finding: progress.item(
                duration_s=finding.item.duration_s,
                match=_match_text(finding),
                detail=f"{finding.item.id}: {finding.verdict}",
            ),
            finish=finish,
        )
    console.print(summary(tallies[0]), soft_wrap=True)
    return tallies[0]


def _print_slow_works(settings: Settings, plan: Plan, console: Console) -> None:
    """Say where a scan is slow because works were registered by an earlier version."""
    from earwitness.api.pipeline.searched_collections import read_summary, slow_scan_note, works_of
    from earwitness.index.match import Effort

    if plan.effort is not Effort.FAST and not plan.within:
        note = slow_scan_note(settings, works_of(read_summary(settings).collections))
        if note:
            console.print(f"note: {note}", soft_wrap=True)


def _expected(items: Reader, plan: Plan) -> int | None:
    return None if items.total is None else -(-items.total // plan.sample_every)


def _match_text(finding: Finding) -> str | None:
    from earwitness.api.scan.tally import work_label
    from earwitness.api.sentences import change_words, e_value_words
    from earwitness.index.match import Verdict

    if finding.verdict is not Verdict.MATCH:
        return None
    best = finding.certain[0]
    return f"{finding.item.id}: {work_label(best)}, {change_words(best)}, {e_value_words(best)}"


def write_extras(
    scanned: Scanned, tally: Tally, plan: Plan, items: Reader, extras: Extras, settings: Settings
) -> None:
    """Write the lists, the clean manifest and the report, and print the difference, where requested."""
    from earwitness.api.datasets.write_clean_manifest import write_clean
    from earwitness.api.scan.link_findings import write_links
    from earwitness.api.scan.outputs import excluded, write_exclude_list

    verdicts = extras.excluded_verdicts
    if extras.exclude_list is not None:
        write_exclude_list(scanned.findings(), extras.exclude_list, verdicts=verdicts)
    if extras.clean_manifest is not None:
        left_out = frozenset(excluded(scanned.findings(), verdicts))
        cleaned = write_clean(items, left_out, extras.clean_manifest)
        to_stderr().print(f"{extras.clean_manifest}: {cleaned.sentence}", soft_wrap=True)
    if extras.links is not None:
        n_links = write_links(items, extras.links, settings=settings)
        to_stderr().print(
            f"{n_links:,} entries name a work by identifier or title; a name is no match by sound."
        )
    if extras.report is not None:
        from earwitness.api.evidence.report import write_report

        write_report(
            scanned.findings(), tally, extras.report, source=plan.source, items=items, settings=settings
        )
    if extras.earlier is not None:
        print_difference(scanned, extras.earlier)


def print_difference(scanned: Scanned, earlier: Keys) -> None:
    """Print which matches are new, gone or unchanged since an earlier scan."""
    from earwitness.api.scan.tally import keys_in

    now = keys_in(scanned.findings())
    console = to_stdout()
    removed, added = earlier.keys() - now.keys(), now.keys() - earlier.keys()
    for word, keys in (("added", added), ("removed", removed), ("still there", now.keys() & earlier.keys())):
        console.print(f"{word}: {len(keys):,}")
        for text in sorted(now.get(key) or earlier[key] for key in keys):
            console.print(f"  {text}", soft_wrap=True)


def verdicts_of(words: str) -> frozenset[Verdict]:
    """Parse a comma-separated list of verdicts; ``match`` is always among them."""
    from earwitness.index.match import Verdict

    allowed = {str(each) for each in Verdict} - {"no_match"}
    given = {word.strip() for word in words.split(",") if word.strip()}
    if not given <= allowed:
        raise typer.BadParameter(
            f"{', '.join(sorted(given - allowed))}: choose from {', '.join(sorted(allowed))}"
        )
    return frozenset(Verdict(word) for word in given | {"match"})
