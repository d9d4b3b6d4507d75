"""The types of the HTTP API, separate from the internal ones, so that those can change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from earwitness.index.database.records import Collection

JobKind = Literal["check", "album", "work", "index", "scan"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


def is_none(value: object) -> bool:
    """Whether an optional key is left out."""
    return value is None


class ApiModel(BaseModel):
    """Base of the API's types: frozen, without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemOut(ApiModel):
    """An RFC 9457 problem: what went wrong, and what to do."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="Stable; for programs.")
    hint: str = Field(description="What to do.")


class ErrorOut(ApiModel):
    """Why a job failed."""

    code: str
    message: str
    hint: str


class ProgressOut(ApiModel):
    """Progress of a running job, in items; `total` is null where it is not known."""

    done: int
    total: int | None


class LinksOut(ApiModel):
    """Addresses that belong to a job, relative to this server."""

    self: str
    page: str
    findings: str | None = Field(description="One finding a line, once an index or scan job is done.")
    cancel: str | None = Field(
        description="Where to POST to end the job and delete its upload; null when neither is possible."
    )
    retry: str | None = Field(
        description="Where to POST to retry a failed job; null when its upload was at fault or is deleted."
    )
    batch: str | None = Field(
        default=None, exclude_if=is_none, description="The batch of a check, where it is of one."
    )


class JobOut(ApiModel):
    """The current state of a job."""

    id: str
    kind: JobKind
    state: JobState
    file: str = Field(description="The client's name of the uploaded file.")
    created_at: datetime
    ended_at: datetime | None
    attempts: int = Field(
        description="How often it was started; above 1 when the server was stopped during it."
    )
    progress: ProgressOut | None
    result: dict[str, Any] | None = Field(
        description="By the kind of the job: of a check its Finding (earwitness.finding/2), of an album an"
        " AlbumResultOut, of a work a WorkResultOut, of index an IndexResultOut, of scan a ScanResultOut."
        " Null until it is done."
    )
    error: ErrorOut | None = Field(
        description="Set when the job failed; unreadable audio is a result, not a failure."
    )
    links: LinksOut
    batch: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="Checks of one batch, such as an album, are shown together; only where there is one.",
    )
    place: int | None = Field(
        default=None,
        exclude_if=is_none,
        description="How many jobs are done before it; only while it waits for others.",
    )


class BatchOut(ApiModel):
    """Checks that were sent together, such as the tracks of an album."""

    id: str
    total: int = Field(description="Recordings, refused ones included; a zip adds its own when it is read.")
    ended: int = Field(description="Those that are done, failed, cancelled or refused.")
    found: int = Field(description="Those with a match by sound, or whose file a known dataset lists.")
    jobs: list[JobOut] = Field(description="In the order in which they were sent.")


class JobEntryOut(ApiModel):
    """A job in a list; its address gives progress and result."""

    id: str
    kind: JobKind
    state: JobState
    file: str = Field(description="The client's name of the uploaded file.")
    created_at: datetime
    ended_at: datetime | None
    error: ErrorOut | None
    link: str = Field(description="Its address, relative to this server.")


class JobsOut(ApiModel):
    """One page of jobs, newest first; `cursor=next` gets the following one."""

    jobs: list[JobEntryOut]
    next: str | None


class CollectionOut(ApiModel):
    """One collection as it was last published."""

    kind: Literal["works", "dataset"]
    name: str
    version: str
    items: int
    unreadable: int
    indexed_at: str
    complete: bool = Field(description="False while, or because, indexing was cut off.")

    @staticmethod
    def of(collection: Collection) -> CollectionOut:
        """Return a collection as the API shows it."""
        return CollectionOut(
            kind=collection.kind.value,
            name=collection.name,
            version=collection.version,
            items=collection.n_items,
            unreadable=collection.n_unreadable,
            indexed_at=collection.indexed_at,
            complete=collection.complete,
        )


class CollectionsOut(ApiModel):
    """One page of collections; `cursor=next` gets the following one."""

    collections: list[CollectionOut]
    next: str | None


class HealthOut(ApiModel):
    """Whether the server can take work, and why not."""

    ready: bool
    epoch: int | None
    reasons: list[str]
    remarks: list[str] = Field(
        description="What is missing although the server works, such as a part of the sandbox."
    )


def moment(seconds: float) -> datetime:
    """Convert seconds since 1970 to the API's date and time."""
    return datetime.fromtimestamp(seconds, tz=UTC)


FINDING_EXAMPLE: Final[dict[str, Any]] = {
    "schema": "earwitness.finding/2",
    "item": {"id": "clip_12.ogg", "path": "clip_12.ogg", "sha256": "5f" * 32, "duration_s": 8.0},
    "verdict": "match",
    "error": None,
    "search": {
        "collections": [
            {"name": "scraped-2026", "version": "1", "indexed_at": "2026-11-23T20:00:00Z", "items": 812}
        ],
        "effort": "standard",
        "speed": [0.75, 1.3],
        "pitch_cents": [-300, 300],
        "tempo": [0.8, 1.2],
        "scheme": "ew1-3f9a0c",
        "epoch": 31,
    },
    "matches": [
        {
            "collection": "scraped-2026",
            "version": "1",
            "recording": {
                "id": "a7" * 32,
                "path": "shard-0/clip_12.ogg",
                "title": None,
                "owner": None,
                "isrc": None,
            },
            "class": "modified",
            "e_value": 1.3e-9,
            "e_extrapolated": True,
            "e_checked_to": 6e-4,
            "similarity": 0.83,
            "query_coverage": 0.98,
            "reference_coverage": 0.03,
            "speed": 1.12,
            "pitch_cents": 0,
            "tempo": 1.0,
            "segments": [
                {"query_start_s": 0.0, "query_end_s": 8.0, "reference_start_s": 61.2, "reference_end_s": 70.1}
            ],
        }
    ],
}
JOB_EXAMPLE: Final[dict[str, Any]] = {
    "id": "0d6f7c1e5b8a4f1f9a3c2b1d0e9f8a7b",
    "kind": "check",
    "state": "done",
    "file": "clip_12.ogg",
    "created_at": "2026-11-23T20:01:00Z",
    "ended_at": "2026-11-23T20:01:01Z",
    "attempts": 1,
    "progress": None,
    "result": FINDING_EXAMPLE,
    "error": None,
    "links": {
        "self": "/v1/jobs/0d6f7c1e5b8a4f1f9a3c2b1d0e9f8a7b",
        "page": "/jobs/0d6f7c1e5b8a4f1f9a3c2b1d0e9f8a7b",
        "findings": None,
        "cancel": None,
        "retry": None,
    },
}
