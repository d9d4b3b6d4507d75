"""The routes of notices: listed, read, as signed evidence, and as an Atom feed."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from earwitness.api.evidence.evidence_bundle import home_key
from earwitness.api.evidence.notice_evidence import notice_evidence
from earwitness.api.http.notices.atom_feed import MEDIA_TYPE, atom_feed
from earwitness.api.http.notices.notice_schemas import NoticeOut, NoticesOut
from earwitness.api.http.openapi_problems import ANY, problems
from earwitness.api.http.page_templates import messages_of
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.stored.work_routes import LARGEST
from earwitness.api.watch.watch_errors import NoSuchNotice
from earwitness.index.notices.notice_records import Notice
from earwitness.index.notices.notice_rows import Notices

FEED_ENTRIES: Final = 100
Served = Annotated[Service, Depends(service_of)]
NoticeId = Annotated[int, Path(ge=1, le=LARGEST, description="`id` of the notice.")]
_WORDS: Final[dict[str, Any]] = {"_404": "There is no such notice.", "_422": "A field is wrong."}
_EVIDENCE: Final[dict[str, Any]] = {
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NoticeEvidenceOut"}}},
    "description": "earwitness.notice-evidence/1: the notice, with the version before, signed.",
}
_FEED: Final[dict[str, Any]] = {
    "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    "description": "An Atom feed (RFC 4287).",
}

router = APIRouter(prefix="/v1", tags=["notices"])


@router.get(
    "/notices",
    operation_id="listNotices",
    summary="List notices",
    responses=problems(*ANY, 422, **_WORDS),
)
def get_notices(
    service: Served,
    cursor: Annotated[int | None, Query(ge=1, le=LARGEST, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    work: Annotated[int | None, Query(ge=1, le=LARGEST, description="Only about this work.")] = None,
    dataset: Annotated[
        str | None, Query(max_length=1_100, description="Only about this dataset: NAME or NAME:VERSION.")
    ] = None,
    news: Annotated[bool, Query(description="Only those that something was found, or has gone.")] = False,
) -> NoticesOut:
    """List the notices about watched works, newest first, a page at a time."""
    found = notices_of(service).page(
        limit=limit + 1, before=cursor, item=work, dataset=dataset, only_news=news
    )
    more = str(found[limit - 1].id) if len(found) > limit else None
    return NoticesOut(notices=[NoticeOut.of(each) for each in found[:limit]], next=more)


@router.get(
    "/notices.atom",
    operation_id="getFeed",
    summary="Follow the notices",
    response_class=Response,
    responses=problems(*ANY, 422, ok=_FEED, **_WORDS),
)
def get_feed(
    request: Request,
    service: Served,
    every: Annotated[bool, Query(description="Also those that nothing was found.")] = False,
) -> Response:
    """Return the newest notices as an Atom feed. A reader gives the key as the password of Basic."""
    found = notices_of(service).page(limit=FEED_ENTRIES, only_news=not every)
    home = str(home_key(service.settings).thumbprint())
    if not service.is_own:  # a feed of its own for each tenant; that of the server's own has the id it had
        home += f" {service.settings.tenant}"
    text = atom_feed(found, messages_of(request), base=str(request.base_url), home=home, every=every)
    return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


@router.get(
    "/notices/{notice_id}",
    operation_id="getNotice",
    summary="Get a notice",
    responses=problems(*ANY, 404, 422, **_WORDS),
)
def get_notice(notice_id: NoticeId, service: Served) -> NoticeOut:
    """Return one notice: what was found of a work in one version of a dataset, and what was not compared."""
    return NoticeOut.of(one_notice(service, notice_id))


@router.get(
    "/notices/{notice_id}/evidence",
    operation_id="getNoticeEvidence",
    summary="Get the signed evidence of a notice",
    response_class=Response,
    responses=problems(*ANY, 404, 422, ok=_EVIDENCE, **_WORDS),
)
def get_notice_evidence(notice_id: NoticeId, service: Served) -> Response:
    """Return a notice signed by the home's key; `earwitness evidence verify` verifies it offline."""
    text = notice_evidence(one_notice(service, notice_id), service.settings)
    headers = {"Content-Disposition": f'attachment; filename="notice-{notice_id}.json"'}
    return Response(text, media_type="application/json", headers=headers)


def notices_of(service: Service) -> Notices:
    """Return the notices of a service's tenant."""
    return Notices(service.writer.catalog, tenant=service.settings.tenant)


def one_notice(service: Service, number: int) -> Notice:
    """Return a notice; raises NoSuchNotice, also for one of another tenant."""
    found = notices_of(service).get(number)
    if found is None:
        raise NoSuchNotice(notice=str(number))
    return found
