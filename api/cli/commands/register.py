"""``earwitness register``: store audio as works; each is checked against the indexed datasets."""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    UNREADABLE,
    EffortOption,
    Home,
    Root,
    Workers,
    print_workers,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.source_options import one_of
from earwitness.api.printable import shown

if TYPE_CHECKING:
    from earwitness.api.pipeline.enroll import Enrolled, Label, Outcome
    from earwitness.api.scan.audit import Audit


_BY_NAME: Final = (
    "`earwitness register --catalogue FILE` keeps works by name; fetch the audio to compare by sound"
)


def register(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Audio files, or folders of them", show_default=False)
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Owner of the works; need not be the artist")] = None,
    title: Annotated[str | None, typer.Option(help="Title; by default that of the file's tags")] = None,
    artist: Annotated[str | None, typer.Option(help="Artist; by default that of the file's tags")] = None,
    album: Annotated[str | None, typer.Option(help="Album; by default that of the file's tags")] = None,
    isrc: Annotated[
        str | None,
        typer.Option(help="International Standard Recording Code; by default that of the file's tags"),
    ] = None,
    meta: Annotated[
        Path | None,
        typer.Option(help="CSV with a header row: path, and any of title, artist, album, owner, isrc"),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(
            help="Works without audio: CSV with any of artist, title, album, isrc, link, youtube_id …,"
            " or one link, ISRC or `artist - title` a line"
        ),
    ] = None,
    watched: Annotated[bool, typer.Option("--watch", help="Watch the works: see `earwitness watch`")] = False,
    effort: EffortOption = "standard",
    workers: Workers = 0,
    as_json: Json = False,
    root: Root = None,
    home: Home = None,
) -> None:
    """Register audio as works, and check them. Exit status: 0 registered, 2 error, 3 not all registered."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.names.catalogue_answers import register_catalogue
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.cli.source_arguments import list_items
    from earwitness.api.pipeline.enroll import Label
    from earwitness.api.pipeline.enroll import register as enrol
    from earwitness.api.scan.audit import Audit
    from earwitness.index.match import Effort
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home, workers=workers or None)
    if (table := one_of(paths, catalogue)) is not None:
        raise typer.Exit(register_catalogue(table, settings, as_json=as_json))
    assert paths  # there is no catalogue
    labels = read_labels(meta) if meta else {}
    print_workers(settings, to_stderr())
    outcomes: list[Outcome] = []
    audit = Audit()
    every: list[Enrolled] = []
    console = to_stderr()
    with Writer.open(settings.home_address) as writer:
        compile_kernels(console)
        # in a terminal each work is a line of its own, and a progress bar would be drawn across them
        in_lines = as_json or not console.is_terminal
        progress = ItemProgress(console, "registering", total=None) if in_lines else None
        with progress or nullcontext():
            for enrolled in enrol(
                list_items(paths, settings, root=root),
                writer=writer,
                settings=settings,
                effort=Effort(effort),
                label=Label(
                    title=_safe(title),
                    artist=_safe(artist),
                    album=_safe(album),
                    owner=_safe(owner),
                    isrc=_safe(isrc),
                ),
                labels=labels,
                n_workers=min(settings.n_workers, len(paths)) if _are_files(paths) else settings.n_workers,
                watched=watched,
            ):
                outcomes.append(enrolled.outcome)
                if enrolled.result.finding is not None:
                    audit.count(enrolled.result.finding)
                if progress is not None:
                    progress.item(duration_s=enrolled.result.item.duration_s, match=_match_text(enrolled))
                if as_json:
                    every.append(enrolled)
                else:
                    show(enrolled)
    status = report(outcomes, audit, every if as_json else None)
    if watched:
        console.print("They are watched from now on: `earwitness watch list` shows them.", soft_wrap=True)
    raise typer.Exit(status)


def report(outcomes: list[Outcome], audit: Audit, enrolled: list[Enrolled] | None) -> int:
    """Print what became of all files, with each of `enrolled` as JSON; return the exit status."""
    from earwitness.api.pipeline.enroll import Outcome

    summarise(outcomes, audit)
    if enrolled is not None:
        print_json(
            "register",
            counts=dict(Counter(map(str, outcomes))),
            claims_supported=audit.claims_supported,
            audit=audit.to_json(),
            files=[enrolled_json(each, audit) for each in enrolled],
        )
    refused = {Outcome.REFUSED, Outcome.NOT_READABLE, Outcome.OF_ANOTHER_OWNER}
    return UNREADABLE if refused & set(outcomes) else 0


def enrolled_json(enrolled: Enrolled, audit: Audit) -> dict[str, Any]:
    """Return the outcome of one work, for ``--json``."""
    from earwitness.api.finding_json import to_json
    from earwitness.api.findings import supported

    result, finding = enrolled.result, enrolled.result.finding
    if finding is not None:
        finding = supported(finding, claims_supported=audit.claims_supported)
    error = result.error and {key: getattr(result.error, key) for key in ("code", "message", "hint")}
    return {
        "item": result.item.id,
        "sha256": result.item.sha256,
        "outcome": str(enrolled.outcome),
        "error": error,
        "work": enrolled.label and asdict(enrolled.label),
        **({"names": [each.to_json() for each in result.names]} if result.names else {}),
        "finding": None if finding is None else to_json(finding),
    }


def _match_text(enrolled: Enrolled) -> str | None:
    """Return a sentence about the matches of a work, or None."""
    from earwitness.api.sentences import sentence
    from earwitness.index.match import Verdict

    finding = enrolled.result.finding
    return sentence(finding) if finding is not None and finding.verdict is Verdict.MATCH else None


def _safe(text: str | None) -> str | None:
    """Escape characters that can be neither stored nor shown, such as bytes of another encoding."""
    return None if text is None else shown(text)


def _are_files(paths: list[str]) -> bool:
    return all(not Path(path).is_dir() for path in paths)


def show(enrolled: Enrolled) -> None:
    """Print the outcome of one work, and its matches."""
    from earwitness.api.cli.commands.check import show_one
    from earwitness.api.datasets.item_errors import NoSound
    from earwitness.api.pipeline.enroll import Outcome
    from earwitness.api.shelf.names_evidence import names_sentences
    from earwitness.api.shelf.same_file_evidence import same_file_sentences

    result, console = enrolled.result, to_stdout()
    name = result.item.id
    known = {
        Outcome.ALREADY: f"{name} is registered already.",
        Outcome.UPDATED: (
            f"{name} is registered already; its title, artist, album, owner or ISRC was updated."
        ),
        Outcome.OF_ANOTHER_OWNER: (
            f"{name} is registered already for another owner; nothing was changed.\n"
            f"  What to do: remove it first (earwitness remove --work {name}), or give the file another name."
        ),
    }
    if enrolled.outcome in known:
        console.print(known[enrolled.outcome], soft_wrap=True)
        return
    if enrolled.outcome is not Outcome.ADDED:
        assert result.error is not None  # a work that was not registered has an error
        console.print(f"{name} was not registered: {result.error.message}.", soft_wrap=True)
        hint = _BY_NAME if result.error.code == NoSound.code else result.error.hint
        console.print(f"  What to do: {hint}.", soft_wrap=True)
        return
    console.print(f"{name} is registered{_under(enrolled.label)}.", soft_wrap=True)
    if result.error is not None:
        console.print(f"  Note: {result.error.message}.", soft_wrap=True)
    finding = result.finding
    if finding is not None and finding.matches:
        show_one(finding)
    else:
        for text in (*same_file_sentences(result.same_file), *names_sentences(result.names)):
            console.print(f"  {text}", soft_wrap=True)


def _under(label: Label | None) -> str:
    """Return the title and artist of a work as the end of a sentence; empty where it has neither."""
    title, artist = (label.title, label.artist) if label is not None else (None, None)
    return (f" as {shown(title)}" if title else "") + (f" by {shown(artist)}" if artist else "")


def summarise(outcomes: list[Outcome], audit: Audit) -> None:
    """Print the number of files by outcome, in one line, and a warning where E-values do not hold."""
    from earwitness.api.pipeline.enroll import Outcome
    from earwitness.api.sentences import audit_warning, count

    words = {
        Outcome.ADDED: "registered",
        Outcome.ALREADY: "registered already",
        Outcome.UPDATED: "updated",
        Outcome.OF_ANOTHER_OWNER: "registered already for another owner",
        Outcome.REFUSED: "not fit to be a work",
        Outcome.NOT_READABLE: "not readable",
    }
    parts = [f"{outcomes.count(each):,} {text}" for each, text in words.items() if each in outcomes]
    to_stderr().print(f"{count(len(outcomes), 'file')}: {', '.join(parts)}.")
    if not audit.claims_supported:
        to_stderr().print(audit_warning(audit), soft_wrap=True)


def read_labels(table: Path) -> dict[str, Label]:
    """Read the labels of single works, by their path.

    Raises
    ------
    BadTable
    """
    from earwitness.api.cli.cli_errors import BadTable
    from earwitness.api.pipeline.enroll import Label
    from earwitness.index.database.records import TEXTS

    labels = {}
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if "path" not in (rows.fieldnames or ()):
                raise BadTable(path=str(table), reason="it has no column called path")
            for row in rows:
                fields = {key: shown(row[key]) for key in TEXTS if row.get(key)}
                labels[row["path"]] = Label(**fields)
    except (OSError, UnicodeError, csv.Error) as error:
        raise BadTable(path=str(table), reason=str(error)) from error
    return labels
