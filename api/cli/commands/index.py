"""``earwitness index``: a source becomes a dataset, each item checked at once against the works."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import (
    AllowPrivate,
    AllowRemote,
    AudioColumn,
    EffortOption,
    Home,
    ReaderName,
    Root,
    Workers,
    say_workers,
    settings_of,
    to_stderr,
    to_stdout,
)
from earwitness.api.cli.output_files import Force, placed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from earwitness.api.findings import Finding
    from earwitness.api.pipeline.enroll import Enrolled, Outcome


def index(
    source: Annotated[str, typer.Argument(help="Folder, archive or manifest of audio", show_default=False)],
    name: Annotated[str, typer.Option(help="What the dataset is called", show_default=False)],
    version: Annotated[str, typer.Option(help="Which version of it")] = "1",
    effort: EffortOption = "standard",
    out: Annotated[
        Path | None,
        typer.Option(help="Also write what was found of the works, one JSON object a line (- is stdout)"),
    ] = None,
    force: Force = False,
    as_json: Json = False,
    workers: Workers = 0,
    reader: ReaderName = None,
    audio_column: AudioColumn = None,
    root: Root = None,
    allow_remote: AllowRemote = False,
    allow_private: AllowPrivate = False,
    home: Home = None,
) -> None:
    """Index a dataset; only fingerprints are kept. Run again after a kill, it adds what is missing."""
    from earwitness.api.cli.kernel_warmup import make_warm
    from earwitness.api.cli.progress import Watch
    from earwitness.api.cli.source_arguments import opened
    from earwitness.api.pipeline.enroll import index_source
    from earwitness.index.match import Effort
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home, workers=workers or None)
    console = to_stderr()
    say_workers(settings, console)
    with placed({"out": out}, force=force, taken=as_json) as places:
        items = opened(
            source,
            settings,
            reader=reader,
            audio_column=audio_column,
            remote=allow_remote,
            private=allow_private,
            root=root,
        )
        indexed = Indexed()
        with Writer.open(settings.home, tenant=settings.tenant, url=settings.database) as writer:
            make_warm(console)
            with Watch(console, "indexing", total=items.total) as watch:
                for enrolled in index_source(
                    items,
                    name=name,
                    version=version,
                    writer=writer,
                    settings=settings,
                    effort=Effort(effort),
                    n_workers=settings.n_workers,
                ):
                    watch.item(duration_s=enrolled.answer.said.duration_s, found=indexed.take(enrolled))
        place = places["out"]
        indexed.report(
            f"{name} version {version}", None if place is None else place.path, passed_over=items.passed_over
        )
    if as_json:
        print_json(
            "index",
            source=source,
            dataset={"name": name, "version": version},
            passed_over=dict(items.passed_over),
            **indexed.json(),
        )


class Indexed:
    """What became of a source's items, and which of them hold a registered work."""

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self._reasons: Counter[str] = Counter()
        self._found: list[Finding] = []

    def take(self, enrolled: Enrolled) -> str | None:
        """Count one item; returns what was found of it, in words."""
        from earwitness.api.sentences import sentence
        from earwitness.index.match import Verdict

        answer = enrolled.answer
        self._outcomes[enrolled.outcome] += 1
        if answer.error is not None:
            self._reasons[answer.error.code] += 1
        finding = answer.finding
        if finding is None or finding.verdict not in {Verdict.MATCH, Verdict.POSSIBLE}:
            return None
        self._found.append(finding)
        return sentence(finding)

    def json(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        from earwitness.api.findings import to_json
        from earwitness.api.pipeline.enroll import Outcome

        return {
            "added": self._outcomes[Outcome.ADDED],
            "already": self._outcomes[Outcome.ALREADY],
            "not_readable": self._outcomes[Outcome.NOT_READABLE],
            "reasons": dict(self._reasons),
            "found": [to_json(each) for each in self._found],
        }

    def report(self, dataset: str, out: Path | None, *, passed_over: Mapping[str, int]) -> None:
        """Say what was indexed, show what was found, and write it to `out`."""
        from earwitness.api.cli.match_tables import print_matches
        from earwitness.api.pipeline.enroll import Outcome
        from earwitness.api.scan.outputs import write_findings
        from earwitness.api.sentences import count, left_aside

        console, done = to_stdout(), self._outcomes
        console.print(
            f"{dataset}: {count(done[Outcome.ADDED], 'item')} added, {done[Outcome.ALREADY]:,} there already,"
            f" {done[Outcome.NOT_READABLE]:,} not readable{_because(self._reasons)}."
        )
        for said in left_aside(passed_over):
            console.print(said, soft_wrap=True)
        if self._found:
            console.print(f"{count(len(self._found), 'item')} may hold a registered work:")
            print_matches(self._found, console)
        if out is not None:
            write_findings(self._found, out, form="jsonl")


def _because(reasons: Counter[str]) -> str:
    return f" ({', '.join(f'{code} {n:,}' for code, n in reasons.most_common())})" if reasons else ""
