"""Carries out the jobs of a tenant with the functions that the commands call, on uploads instead of paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from earwitness.api.answers.card_index import known_cards
from earwitness.api.datasets.access.unpack import packing_of
from earwitness.api.datasets.items import Reader
from earwitness.api.datasets.open_source import open_source
from earwitness.api.evidence.evidence_bundle import evidence_bundle, evidence_file, home_key
from earwitness.api.evidence.picture_types import MatchPicture
from earwitness.api.evidence.pictures_json import pictures_file, to_bytes
from earwitness.api.finding_json import read_lines, to_json, to_line
from earwitness.api.findings import Finding, FindingError
from earwitness.api.http.jobs.findings_journal import FindingsJournal, findings_file, journal_of
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.jobs.unpack_album import AlbumUnpacker
from earwitness.api.http.metrics import Metrics
from earwitness.api.http.uploads.spool import SPOOL_FOLDER, Spool
from earwitness.api.http.uploads.upload_process import Ask, UploadWorker
from earwitness.api.pipeline.enroll import (
    Label,
    Outcome,
    index_source,
    register_one,
    watch_registered,
    with_names,
)
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec
from earwitness.api.pipeline.searched_collections import (
    check_spec,
    datasets_of,
    read_summary,
    run_spec_of,
)
from earwitness.api.scan.audit import Audit
from earwitness.api.scan.checkpoint import partial_path
from earwitness.api.scan.outputs import whole_file, write_findings
from earwitness.api.scan.run_scan import Plan, Scanned, scan, tally_of
from earwitness.api.scan.scan_errors import ScanChanged
from earwitness.api.scan.tally import Tally, claims_json, graded_all
from earwitness.api.scan.worker_errors import LibraryMoved
from earwitness.api.sentences import audit_warning, summary
from earwitness.api.settings import Settings
from earwitness.api.shelf.stored_names import open_names
from earwitness.index.database.records import TEXTS, CollectionKind
from earwitness.index.match import Effort, Verdict
from earwitness.index.store.files import write_durably
from earwitness.index.store.jobs import Job, Jobs
from earwitness.index.store.summary import HomeSummary
from earwitness.index.writer import Writer

TRIES: Final = 5
"""Most runs of a job whose library changes during it; each run continues where the one before stopped."""
WORK_STATUS: Final = {
    Outcome.ADDED: "registered",
    Outcome.ALREADY: "existing",
    Outcome.UPDATED: "existing",
    Outcome.OF_ANOTHER_OWNER: "existing",
    Outcome.REFUSED: "refused",
    Outcome.NOT_READABLE: "refused",
}
Done = TypeVar("Done")


class JobWorker:
    """Carries out the jobs of one tenant in a lane, in processes that end when the job is stopped.

    Nothing here has to be closed: whoever made the process for single uploads closes it.

    Parameters
    ----------
    worker : UploadWorker or None
        The process for single uploads; None in the lane of archives, which start scan workers.
    """

    def __init__(
        self, settings: Settings, writer: Writer, metrics: Metrics, worker: UploadWorker | None
    ) -> None:
        self._settings, self._writer, self._metrics = settings, writer, metrics
        self._worker = worker
        self._works: Mapping[str, Callable[[Job, Heartbeat], dict[str, Any]]] = {
            "check": self._check,
            "work": self._work,
            "album": self._album,
            "index": self._index,
            "scan": self._scan,
        }

    def do(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        """Carry out one job."""
        work = self._works[job.kind]
        return persistently(lambda: work(job, heartbeat))

    def _check(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        contents, fields = read_summary(self._settings), job.payload
        effort = Effort(fields["effort"])
        order = check_spec(self._settings, contents, names=fields["collections"], effort=effort)
        answer = self._answer(order, contents, job, heartbeat)
        finding = answer.finding
        assert finding is not None  # a check always searches
        self._keep_pictures(job, answer.pictures)
        self._metrics.judged(finding.verdict)
        self._keep_evidence(job, finding, answer.pictures, order)
        return to_json(finding)

    def _keep_evidence(
        self, job: Job, finding: Finding, pictures: tuple[MatchPicture, ...], order: RunSpec
    ) -> None:
        """Sign and store the evidence of an answer, before the answer is stored."""
        settings = self._settings
        bundle = evidence_bundle(
            [finding],
            known_cards(settings),
            [pictures],
            state_digest=order.state_digest,
            answered_at=datetime.now(UTC),
            key=home_key(settings),
        )
        write_durably(evidence_file(settings.home, job.id), lambda keep: keep(bundle))

    def _keep_pictures(self, job: Job, pictures: tuple[MatchPicture, ...]) -> None:
        """Store what is drawn of an answer, as long as the evidence is kept."""
        if pictures:
            file = pictures_file(self._settings.home, job.id)
            write_durably(file, lambda keep: keep(to_bytes(pictures)))

    def _album(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        settings = self._settings
        jobs = Jobs(self._writer.catalog, tenant=settings.tenant)
        spool = Spool(settings.home / SPOOL_FOLDER, max_bytes=settings.max_upload_bytes)
        return AlbumUnpacker(job=job, jobs=jobs, spool=spool).unpack(self._reader(job), heartbeat)

    def _work(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        works, contents = self._writer.collection(CollectionKind.WORKS), read_summary(self._settings)
        datasets = datasets_of(contents.collections)
        order = run_spec_of(
            self._settings, contents, datasets, effort=Effort.STANDARD, into=works, as_works=True
        )
        answer = self._answer(order, contents, job, heartbeat)
        self._keep_pictures(job, answer.pictures)
        fields = job.payload
        # a job that an earlier version queued has no artist and no album
        label = Label(**{name: fields.get(name) for name in TEXTS})
        registered = register_one(self._writer, works, answer, label)
        enrolled = with_names(registered, open_names(self._settings))
        finding = enrolled.result.finding
        if fields.get("watch"):
            watch_registered(self._writer, self._settings, enrolled)
        with self._metrics.stage("publish"):
            self._writer.publish()
        return {
            "status": WORK_STATUS[enrolled.outcome],
            "work": None if enrolled.label is None else asdict(enrolled.label),
            "error": error_json(answer.error),
            "finding": None if finding is None else to_json(finding),
        }

    def _index(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        fields, reader, outcomes = job.payload, self._reader(job), Counter[Outcome]()
        audit, file = Audit(), self._findings_file(job)
        with FindingsJournal(journal_of(self._settings.home, job.id)) as journal:
            enrolled = index_source(
                reader,
                name=fields["name"],
                version=fields["version"],
                writer=self._writer,
                settings=self._settings,
                effort=Effort.STANDARD,
                n_workers=self._settings.n_workers,
                before=journal.note,
                watch=heartbeat.check,
            )
            with whole_file(file) as lines:
                for done, one in enumerate(enrolled, start=1):
                    by_this_job = one.outcome is Outcome.ALREADY and journal.holds(one.result)
                    outcomes[Outcome.ADDED if by_this_job else one.outcome] += 1
                    if (finding := journal.finding(one.result)) is not None:
                        lines.write(to_line(finding).encode())
                        audit.count(finding)
                    heartbeat.beat(done, reader.total)
        tally = self._graded(file, audit)
        return {
            "name": fields["name"],
            "version": fields["version"],
            "items": outcomes.total(),
            "added": outcomes[Outcome.ADDED],
            "already": outcomes[Outcome.ALREADY],
            "not_readable": outcomes[Outcome.NOT_READABLE],
            "matches": tally.verdicts[Verdict.MATCH],
            "possible": tally.verdicts[Verdict.POSSIBLE],
            "shared_material": tally.verdicts[Verdict.SHARED_MATERIAL],
            "claims_supported": tally.claims_supported,
            "audit": tally.audit.to_json(),
            "warning": None if tally.claims_supported else audit_warning(tally.audit),
        }

    def _graded(self, file: Path, audit: Audit) -> Tally:
        """Grade the findings of a file by their number, now that it is known; return their counts."""
        tally = Tally()

        def findings() -> Iterable[Finding]:
            supported = audit.claims_supported
            return graded_all(read_lines(file), n_items=audit.n_searched, claims_supported=supported)

        for finding in findings():
            tally.count(finding)
            self._metrics.judged(finding.verdict)
        write_findings(findings(), file, form="jsonl")
        return tally

    def _scan(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        reader, tallies = self._reader(job), list[Tally]()
        done = Tally()

        def seen(finding: Finding) -> None:
            done.count(finding)
            heartbeat.beat(done.n_items, reader.total)

        def finish(scanned: Scanned) -> None:
            tallies.append(tally_of(scanned))

        plan = Plan(
            source=job.payload["file"],
            out=self._findings_file(job),
            effort=Effort(job.payload["effort"]),
            n_workers=self._settings.n_workers,
            resume=True,
        )
        try:
            scan(plan, reader, settings=self._settings, seen=seen, finish=finish, watch=heartbeat.check)
        except ScanChanged:  # works changed while this server was down: search again
            partial_path(plan.out).unlink()
            raise
        return self._scanned(tallies[-1])

    def _scanned(self, tally: Tally) -> dict[str, Any]:
        for verdict, count in tally.verdicts.items():
            self._metrics.judged(verdict, count)
        return {
            "items": tally.n_items,
            "verdicts": {verdict.value: tally.verdicts[verdict] for verdict in Verdict},
            "not_readable": tally.verdicts[Verdict.NOT_READABLE],
            "reasons": dict(tally.reasons),
            "works": dict(tally.works),
            **({"same_file": dict(tally.same_file)} if tally.same_file else {}),
            **({"names": dict(tally.names)} if tally.names else {}),
            **claims_json(tally),
            "partial": tally.partial,
            "summary": summary(tally),
        }

    def _answer(self, order: RunSpec, contents: HomeSummary, job: Job, heartbeat: Heartbeat) -> ItemResult:
        assert self._worker is not None  # only the lane with this process gets such jobs
        ask = Ask(
            order=replace(order, with_pictures=True),
            epoch=contents.epoch,
            home_epoch=self._writer.home_epoch,
            file=spooled(job),
            name=job.payload["file"],
            n_bytes=job.payload["n_bytes"],
        )
        return self._worker.answer(ask, watch=heartbeat.check)

    def _reader(self, job: Job) -> Reader:
        path = spooled(job)
        return open_source(path, reader=packing_of_upload(path), limits=self._settings.source_limits())

    def _findings_file(self, job: Job) -> Path:
        return findings_file(self._settings.home, job.id)


def packing_of_upload(path: Path) -> str:
    """Return the reader of an upload. Only archives are read: a manifest could name any file."""
    with path.open("rb") as file:
        head = file.read(8)
    return "zip" if head.startswith(b"PK") else packing_of(head) or "tar"


def persistently(work: Callable[[], Done]) -> Done:
    """Call `work` again when the library changed during it, up to `TRIES` times in all."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except (LibraryMoved, ScanChanged):
            continue
    return work()


def spooled(job: Job) -> Path:
    """Return the path of a job's upload; every job of this server has one."""
    if job.spool_path is None:
        raise ValueError(f"job {job.id} was queued without its upload")
    return job.spool_path


def error_json(error: FindingError | None) -> dict[str, str] | None:
    """Return an error as it is in a finding."""
    return None if error is None else {"code": error.code, "message": error.message, "hint": error.hint}
