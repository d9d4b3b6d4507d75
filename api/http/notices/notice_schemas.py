"""The types of watches, notices and the address that notices are sent to in the HTTP API."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from earwitness.api.http.catalogues.catalogue_schemas import NamedInOut
from earwitness.api.http.schemas import ApiModel
from earwitness.api.watch.deliver import notice_json
from earwitness.index.notices.notice_records import Notice, Watch, Webhook

FINDINGS: Final[dict[str, Any]] = {"items": {"$ref": "#/components/schemas/Finding"}}
OutcomeName = Literal["match", "same_file", "possible", "shared_material", "named", "no_match", "not_found"]
LimitCode = Literal[
    "not_complete", "not_readable", "in_part", "watched_later", "stored_fingerprint", "no_sound"
]
URL_PATTERN: Final = '^https://[A-Za-z0-9.-]+(:[0-9]{1,4})?([/?][!"$-~]*)?$'
"""Addresses of webhooks as the description states them; with a setting, others are taken besides."""
EffortName = Literal["fast", "standard", "full"]


class WatchOut(ApiModel):
    """Whether a work is watched."""

    work: int
    watched_since: str | None = Field(description="Null where it is not watched.")

    @staticmethod
    def of(work: int, watch: Watch | None) -> WatchOut:
        """Return a watch as the API shows it."""
        return WatchOut(work=work, watched_since=None if watch is None else watch.since)


class NoticeWorkOut(ApiModel):
    """The work that a notice is about, as it was labelled then."""

    id: int
    file: str
    sha256: str | None
    title: str | None
    artist: str | None
    album: str | None
    owner: str | None
    isrc: str | None


class NoticeDatasetOut(ApiModel):
    """The version of a dataset that a notice is about, in its state then."""

    name: str
    version: str
    card: str | None
    collection: int | None = Field(description="Number of its sound; null where none is stored.")
    indexed_at: str | None
    items: int | None
    complete: bool | None
    listed: int = Field(description="Entries of its lists of names.")


class AskedOut(ApiModel):
    """How the dataset was asked about the work."""

    sound: Literal["indexing", "registration", "stored_fingerprint"] | None = Field(
        description="When its items were indexed, when the work was registered, by what is stored of both"
        " (whole, unchanged copies only), or not at all."
    )
    effort: EffortName | None = Field(description="The lowest effort of the comparison by sound.")
    files: bool = Field(description="Whether a list of its files was asked by digest.")
    names: bool = Field(description="Whether a list of names was asked.")


class DatasetPlaceOut(ApiModel):
    """One item of a dataset."""

    path: str
    sha256: str | None


class EarlierPlaceOut(DatasetPlaceOut):
    """An item of the earlier version that held the work, and whether it is in the later one."""

    path_in_later: bool
    bytes_in_later: bool


class LimitOut(ApiModel):
    """Something that was not compared."""

    code: LimitCode
    items: int | None = Field(description="Number of items, where there is one.")


class ListedFileOut(ApiModel):
    """A list of a dataset's files that holds the digest of the work's file."""

    dataset: str
    version: str
    card: str
    digest: str
    paths: list[str]
    n_paths: int
    n_files: int
    listed_by: str


class EarlierOut(ApiModel):
    """The notice about the version before."""

    notice: int
    version: str
    outcome: OutcomeName
    noticed_at: str
    effort: EffortName | None
    found: dict[str, int]
    limits: list[LimitOut]
    places: list[EarlierPlaceOut]


class ChangeOut(ApiModel):
    """What changed since the version before."""

    kind: Literal["came", "went", "stayed", "absent", "unclear"] = Field(
        description="`went` only where every item of this version was compared."
    )
    reasons: list[
        Literal["only_possible", "earlier_in_part", "later_in_part", "less_searched", "file_stayed"]
    ] = Field(description="Why it is unclear.")
    before: EarlierOut


class NoticeOut(ApiModel):
    """What is known of a watched work in one version of a dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    schema_: Literal["earwitness.notice/1"] = Field(alias="schema")
    id: int
    created_at: str
    made_with: str
    headline: str = Field(description="For people, in English, as `sentences`.")
    sentences: list[str]
    work: NoticeWorkOut
    dataset: NoticeDatasetOut
    outcome: OutcomeName
    asked: AskedOut
    found: dict[str, int] = Field(description="Items with matches, by verdict.")
    findings: list[dict[str, Any]] = Field(
        description="The first of them, the surest first.", json_schema_extra=FINDINGS
    )
    same_bytes: list[DatasetPlaceOut] = Field(description="Items with the bytes of the work's file.")
    whole_files: list[DatasetPlaceOut] = Field(
        description="Items whose Chromaprint agrees from start to end."
    )
    same_file: list[ListedFileOut]
    names: list[NamedInOut]
    limits: list[LimitOut] = Field(description="What was not compared; empty with `no_match`.")
    not_readable: dict[str, int] = Field(description="Items that could not be read, by the error's code.")
    change: ChangeOut | None = Field(description="Null where no earlier version was noticed.")
    delivery: Literal["none", "pending", "sent"]
    attempts: int = Field(description="Attempts to deliver it.")
    evidence: str = Field(description="Address of its signed evidence, relative to this server.")

    @staticmethod
    def of(notice: Notice) -> NoticeOut:
        """Return a notice as the API shows it."""
        more = {"delivery": notice.delivery, "attempts": notice.attempts}
        address = f"/v1/notices/{notice.id}/evidence"
        return NoticeOut.model_validate({**notice_json(notice), **more, "evidence": address})


class NoticesOut(ApiModel):
    """One page of notices, newest first; `cursor=next` gets the following one."""

    notices: list[NoticeOut]
    next: str | None


class WebhookIn(ApiModel):
    """The address to send notices to."""

    url: str = Field(
        max_length=2_000,
        description="Of a public host, with https, and without a user, a password or a fragment.",
        json_schema_extra={"pattern": URL_PATTERN},
    )
    every: bool = Field(default=False, description="Also those that nothing was found.")


class WebhookOut(ApiModel):
    """The address that notices are sent to."""

    url: str
    every: bool
    created_at: str
    secret: str | None = Field(description="With which they are signed; only in the answer that sets it.")
    waiting: int = Field(description="Notices that wait to be sent.")
    failure: str | None = Field(description="Why the last attempt failed.")
    is_set_aside: bool = Field(
        description="It has failed for too long: nothing is sent until it is set again."
    )

    @staticmethod
    def of(hook: Webhook, *, waiting: int, secret: str | None = None) -> WebhookOut:
        """Return an address as the API shows it."""
        return WebhookOut(
            url=hook.url,
            every=hook.every,
            created_at=hook.created_at,
            secret=secret,
            waiting=waiting,
            failure=hook.failure,
            is_set_aside=hook.set_aside_at is not None,
        )
