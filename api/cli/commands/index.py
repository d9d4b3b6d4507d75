"""``earwitness index``: store a source as a dataset; each item is checked against the works."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    from collections.abc import Mapping

    from earwitness.api.findings import Finding
    from earwitness.api.pipeline.enroll import Enrolled, Outcome


@reads_source
def index(
    source: Annotated[
        str,
        typer.Argument(help="Folder, archive or manifest of audio, or a list of names", show_default=False),
    ],
    name: Annotated[str, typer.Option(help="Name of the dataset", show_default=False)],
    version: Annotated[str, typer.Option(help="Version of the dataset")] = "1",
    effort: EffortOption = "standard",
    out: Annotated[
        Path | None,
        typer.Option(help="Also write the findings with matches, one JSON object a line (- is stdout)"),
    ] = None,
    force: Force = False,
    names_only: Annotated[
        bool,
        typer.Option("--names-only", help="Keep the names of a list, also where its audio lies beside it"),
    ] = False,
    as_json: Json = False,
    workers: Workers = 0,
    *,
    open_reader: OpenReader,
    home: Home = None,
) -> None:
    """Index a dataset; only fingerprints are stored, and of a list without audio its names.

    A run after a kill adds what is missing.
    """
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.cli.names.index_names import index_names
    from earwitness.api.cli.progress import ItemProgress
    from earwitness.api.cli.watching.new_notices import last_notice, report_notices, settle_and_report
    from earwitness.api.datasets.name_lists.name_source import opened_names
    from earwitness.api.pipeline.enroll import index_source
    from earwitness.index.match import Effort
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home, workers=workers or None)
    console, since = to_stderr(), last_notice(settings)
    with opened_names(open_reader.request(settings), audio_may_lie_here=not names_only) as names:
        if names is not None:
            open_reader.print_format(f"{names.format}: {names.layout}")
            result = index_names(names, settings, name=name, version=version)
            if new := settle_and_report(settings, since):
                result["notices"] = new
            if as_json:
                print_json("index", source=source, dataset={"name": name, "version": version}, **result)
            return
    print_workers(settings, console)
    with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json) as targets:
        items, indexed = open_reader(settings), Indexed()
        with Writer.open(settings.home_address) as writer:
            compile_kernels(console)
            with ItemProgress(console, "indexing", total=items.total) as progress:
                for enrolled in index_source(
                    items,
                    name=name,
                    version=version,
                    writer=writer,
                    settings=settings,
                    effort=Effort(effort),
                    n_workers=settings.n_workers,
                ):
                    duration_s = enrolled.result.item.duration_s
                    progress.item(duration_s=duration_s, match=indexed.take(enrolled))
        target = targets["out"]
        indexed.report(
            f"{name} version {version}",
            None if target is None else target.path,
            passed_over=items.passed_over,
        )
    notices = report_notices(settings, since)
    if as_json:
        print_json(
            "index",
            source=source,
            dataset={"name": name, "version": version},
            passed_over=dict(items.passed_over),
            **indexed.json(),
            **({"notices": notices} if notices else {}),
        )


class Indexed:
    """The outcomes of a source's items, and the findings of those with matches."""

    def __init__(self) -> None:
        from earwitness.api.scan.audit import Audit

        self._outcomes: Counter[Outcome] = Counter()
        self._reasons: Counter[str] = Counter()
        self._matching: list[Finding] = []
        self._same_file: Counter[str] = Counter()
        self._audit = Audit()

    def take(self, enrolled: Enrolled) -> str | None:
        """Count one item; return its matches as a sentence, or None."""
        from earwitness.api.sentences import sentence

        result = enrolled.result
        self._outcomes[enrolled.outcome] += 1
        self._same_file.update({each.dataset for each in result.same_file})
        if result.error is not None:
            self._reasons[result.error.code] += 1
        finding = result.finding
        if finding is None:
            return None
        self._audit.count(finding)
        if not finding.matches:
            return None
        self._matching.append(finding)
        return sentence(finding)

    @property
    def findings(self) -> list[Finding]:
        """The findings with matches, graded by the number of items that were compared."""
        from earwitness.api.scan.tally import graded_all

        supported = self._audit.claims_supported
        n_items = self._audit.n_searched
        return list(graded_all(self._matching, n_items=n_items, claims_supported=supported))

    def json(self) -> dict[str, Any]:
        """Return the counts and findings for ``--json``."""
        from earwitness.api.finding_json import to_json
        from earwitness.api.pipeline.enroll import Outcome

        return {
            "added": self._outcomes[Outcome.ADDED],
            "already": self._outcomes[Outcome.ALREADY],
            "not_readable": self._outcomes[Outcome.NOT_READABLE],
            "reasons": dict(self._reasons),
            **({"same_file": dict(self._same_file)} if self._same_file else {}),
            "claims_supported": self._audit.claims_supported,
            "audit": self._audit.to_json(),
            "found": [to_json(each) for each in self.findings],
        }

    def report(self, dataset: str, out: Path | None, *, passed_over: Mapping[str, int]) -> None:
        """Print the counts and the matches, and write the findings with matches to `out`."""
        from earwitness.api.cli.match_tables import print_matches
        from earwitness.api.pipeline.enroll import Outcome
        from earwitness.api.scan.outputs import write_findings
        from earwitness.api.sentences import audit_warning, count, skipped_files
        from earwitness.api.shelf.same_file_evidence import listed_files
        from earwitness.index.match import Verdict

        console, done, findings = to_stdout(), self._outcomes, self.findings
        console.print(
            f"{dataset}: {count(done[Outcome.ADDED], 'item')} added, {done[Outcome.ALREADY]:,} there already,"
            f" {done[Outcome.NOT_READABLE]:,} not readable{_because(self._reasons)}."
        )
        for text in (*skipped_files(passed_over), *listed_files(self._same_file)):
            console.print(text, soft_wrap=True)
        if not self._audit.claims_supported:
            to_stderr().print(audit_warning(self._audit), soft_wrap=True)
        n_shared = sum(each.verdict is Verdict.SHARED_MATERIAL for each in findings)
        if findings:
            besides = f"; {n_shared:,} only share material with several works" if n_shared else ""
            console.print(f"{count(len(findings) - n_shared, 'item')} may hold a registered work{besides}:")
            print_matches(findings, console)
        if out is not None:
            write_findings(findings, out, form="jsonl")


def _because(reasons: Counter[str]) -> str:
    return f" ({', '.join(f'{code} {n:,}' for code, n in reasons.most_common())})" if reasons else ""
