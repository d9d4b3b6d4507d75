"""Everything that an engineer does with the API, by the client that was generated from its description.

`scripts/clients.sh` generates the client, checks this program with ``mypy --strict``, and runs it. Each
answer has a type: nothing here is `Any`.
"""

from __future__ import annotations

import sys
import uuid
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from earwitness_client import AuthenticatedClient, Client
from earwitness_client.api.catalogue import create_catalogue_check, create_catalogue_check_from_file
from earwitness_client.api.checks import create_check, get_batch
from earwitness_client.api.collections import create_collection, create_scan
from earwitness_client.api.datasets import get_dataset, list_datasets
from earwitness_client.api.jobs import cancel_job, get_evidence, get_findings, get_job, list_jobs
from earwitness_client.api.works import correct_work, create_work, delete_work, get_work, list_works
from earwitness_client.models import (
    BatchOut,
    CatalogueIn,
    CatalogueOut,
    CheckJob,
    CreateCatalogueCheckFromFileBody,
    CreateCheckBody,
    CreateCollectionBody,
    CreateScanBody,
    CreateWorkBody,
    DatasetOut,
    DatasetsOut,
    Effort,
    EvidenceOut,
    Finding,
    IndexJob,
    JobsOut,
    JobState,
    ProblemOut,
    RemovedOut,
    ScanJob,
    Verdict,
    WorkChangeIn,
    WorkIn,
    WorkJob,
    WorkOut,
    WorksOut,
)
from earwitness_client.types import UNSET, File

PATIENCE_S = 60.0
Kind = TypeVar("Kind")


def a(kind: type[Kind], answer: object) -> Kind:
    """Return an answer of the kind that is expected."""
    if isinstance(answer, ProblemOut):
        raise AssertionError(f"{answer.status} {answer.code}: {answer.detail} {answer.hint}")
    assert isinstance(answer, kind), type(answer)
    return answer


def problem(answer: object) -> ProblemOut:
    """Return an answer that is expected to be a problem."""
    assert isinstance(answer, ProblemOut), type(answer)
    return answer


def file(path: Path) -> File:
    """Return a file as the client uploads it."""
    return File(payload=path.open("rb"), file_name=path.name)


def ended(client: AuthenticatedClient, kind: type[Kind], job_id: str) -> Kind:
    """Wait for the end of a job."""
    while True:
        job = get_job.sync(job_id, client=client, wait=PATIENCE_S)
        assert job is not None
        assert not isinstance(job, ProblemOut), job
        if job.ended_at is not None:
            assert job.state is JobState.DONE, job.error
            return a(kind, job)


def index(client: AuthenticatedClient, samples: Path) -> None:
    """Index an archive, list datasets, scan the archive for works, and read the findings."""
    body = CreateCollectionBody(file=file(samples / "scraped.zip"), name="scraped-py")
    job = ended(client, IndexJob, a(IndexJob, create_collection.sync(client=client, body=body)).id)
    assert job.result is not None and job.result.items > 0
    names = [each.name for each in a(DatasetsOut, list_datasets.sync(client=client)).datasets]
    assert "scraped-py" in names, names
    dataset = a(DatasetOut, get_dataset.sync("scraped-py:1", client=client))
    assert dataset.sound is not None and dataset.sound.recordings > 0


def register(client: AuthenticatedClient, samples: Path) -> None:
    """Register a work with its texts, list, correct, and delete it; scan an archive for it."""
    audio = samples / "originals" / "tin_parade.mp3"
    sent = CreateWorkBody(file=file(audio), title="Tin Parade", artist="Night Bus", isrc="DE-A12-24-00001")
    job = ended(client, WorkJob, a(WorkJob, create_work.sync(client=client, body=sent)).id)
    assert job.result is not None and job.result.status == "registered", job.result
    assert job.result.work is not None and job.result.work.isrc == "DEA122400001"
    assert job.result.finding is not None and job.result.finding.verdict is Verdict.MATCH
    scan = CreateScanBody(file=file(samples / "scraped.zip"), effort=Effort.FAST)
    scanned = ended(client, ScanJob, a(ScanJob, create_scan.sync(client=client, body=scan)).id)
    assert scanned.result is not None and scanned.result.verdicts.additional_properties["match"] > 0
    lines = a(str, get_findings.sync(scanned.id, client=client)).splitlines()
    assert len(lines) == scanned.result.items
    (work,) = a(WorksOut, list_works.sync(client=client)).works
    change = WorkChangeIn(album="Streets", owner=None)
    assert a(WorkOut, correct_work.sync(work.id, client=client, body=change)).album == "Streets"
    assert a(WorkOut, get_work.sync(work.id, client=client)).title == "Tin Parade"
    assert a(RemovedOut, delete_work.sync(work.id, client=client)).items == 1
    assert problem(get_work.sync(work.id, client=client)).code == "no_such_work"


def check(client: AuthenticatedClient, samples: Path) -> None:
    """Check two recordings as one batch, read the finding, the evidence and the batch."""
    batch, jobs = uuid.uuid4().hex, list[CheckJob]()
    for name in ("tin_parade.mp3", "slow_harbour.mp3"):
        body = CreateCheckBody(
            file=file(samples / "originals" / name),
            collections=["scraped-py:1"],
            effort=Effort.FAST,
            batch=batch,
        )
        jobs.append(a(CheckJob, create_check.sync(client=client, body=body)))
    job = ended(client, CheckJob, jobs[0].id)
    finding = a(Finding, job.result)
    assert finding.verdict is Verdict.MATCH
    match = finding.matches[0]
    assert match.collection == "scraped-py" and match.e_value < 1e-4 and match.segments[0].query_end_s > 0
    ended(client, CheckJob, jobs[1].id)
    together = a(BatchOut, get_batch.sync(batch, client=client))
    assert (together.total, together.ended) == (2, 2) and isinstance(together.jobs[0], CheckJob)
    evidence = a(EvidenceOut, get_evidence.sync(job.id, client=client))
    assert evidence.contents.findings[0].verdict is Verdict.MATCH
    assert evidence.contents.hashes[0].query.sha256 == finding.item.sha256


def cancel(client: AuthenticatedClient, samples: Path) -> None:
    """Cancel a job, and list the jobs that were."""
    body = CreateCollectionBody(file=file(samples / "scraped.zip"), name="never-py")
    job = a(IndexJob, create_collection.sync(client=client, body=body))
    a(IndexJob, cancel_job.sync(job.id, client=client))
    after = a(IndexJob, get_job.sync(job.id, client=client, wait=PATIENCE_S))
    assert after.state is JobState.CANCELLED
    listed = a(JobsOut, list_jobs.sync(client=client, state=[JobState.CANCELLED]))
    assert job.id in [each.id for each in listed.jobs]


def catalogue(client: AuthenticatedClient) -> None:
    """Ask which datasets name a work."""
    body = CatalogueIn(works=[WorkIn(artist="Night Bus", title="Tin Parade"), WorkIn(isrc=["DEA122400001"])])
    found = a(CatalogueOut, create_catalogue_check.sync(client=client, body=body))
    assert [each.names[0].dataset for each in found.works if each.names] == ["listed", "listed"], found
    assert found.works[0].work.title == "Tin Parade"
    table = File(payload=BytesIO(b"artist,title\nNight Bus,Tin Parade\n"), file_name="works.csv")
    form = CreateCatalogueCheckFromFileBody(file=table)
    again = a(CatalogueOut, create_catalogue_check_from_file.sync(client=client, body=form))
    assert again.named == 1


def problems(client: AuthenticatedClient, samples: Path) -> None:
    """Errors are problems with a status, a code and a hint."""
    missing = problem(get_job.sync("0" * 32, client=client))
    assert (missing.status, missing.code) == (404, "job_not_found") and missing.hint
    body = CreateCheckBody(file=file(samples / "originals" / "tin_parade.mp3"), batch="wrong")
    assert problem(create_check.sync(client=client, body=body)).status == 422
    # pages and health are open, everything else needs the key
    stranger = Client(base_url=str(client.get_httpx_client().base_url))
    refused = problem(list_works.sync(client=stranger, limit=UNSET))
    assert (refused.status, refused.code) == (401, "not_allowed")


def main(address: str, key: str, samples: Path) -> None:
    """Do all of it."""
    with AuthenticatedClient(base_url=address, token=key, timeout=None) as client:
        index(client, samples)
        register(client, samples)
        check(client, samples)
        cancel(client, samples)
        catalogue(client)
        problems(client, samples)
    print("the Python client did everything")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
