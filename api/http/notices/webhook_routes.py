"""The routes of the address that notices are sent to."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from earwitness.api.http.notices.notice_schemas import WebhookIn, WebhookOut
from earwitness.api.http.openapi_problems import ANY, WRITES, problems
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.uploads.json_body import described_body, json_body
from earwitness.api.watch.deliver import address_of, set_address
from earwitness.api.watch.watch_errors import NoWebhook
from earwitness.index.notices.delivery_rows import Deliveries

Served = Annotated[Service, Depends(service_of)]
_WORDS: Final[dict[str, Any]] = {
    "_404": "No address is set.",
    "_408": "The body stalled.",
    "_413": "The body is longer than any address.",
    "_422": "Notices cannot be sent there, or a field is wrong.",
}

router = APIRouter(prefix="/v1/webhook", tags=["notices"])


@router.get("", operation_id="getWebhook", summary="Get the address", responses=problems(*ANY, 404, **_WORDS))
def get_webhook(service: Served) -> WebhookOut:
    """Return where notices are sent to, and whether that works; its secret is not shown again."""
    deliveries = deliveries_of(service)
    return WebhookOut.of(address_of(deliveries), waiting=deliveries.count_pending())


@router.put(
    "",
    operation_id="setWebhook",
    summary="Set the address",
    responses=problems(*WRITES, 408, 413, 422, **_WORDS),
    openapi_extra=described_body(WebhookIn),
)
async def put_webhook(request: Request, service: Served) -> WebhookOut:
    """Send notices to an address, as Standard Webhooks define it; what waits is sent at once.

    Another address has another secret. The same address keeps its own, and is taken up again where it was
    set aside.
    """
    wanted = await json_body(request, WebhookIn)
    return await run_in_threadpool(_set, service, wanted)


def _set(service: Service, wanted: WebhookIn) -> WebhookOut:
    deliveries = deliveries_of(service)
    hook, is_new = set_address(deliveries, service.settings, wanted.url, every=wanted.every)
    service.sender.wake()
    secret = hook.secret if is_new else None
    return WebhookOut.of(hook, waiting=deliveries.count_pending(), secret=secret)


@router.delete(
    "",
    operation_id="removeWebhook",
    summary="Remove the address",
    responses=problems(*WRITES, 404, **_WORDS),
)
def delete_webhook(service: Served) -> WebhookOut:
    """Send notices nowhere any more; what waits is not sent. Return the address that was removed."""
    deliveries = deliveries_of(service)
    hook, waiting = address_of(deliveries), deliveries.count_pending()
    if not deliveries.remove_webhook():
        raise NoWebhook
    return WebhookOut.of(hook, waiting=waiting)


def deliveries_of(service: Service) -> Deliveries:
    """Return the deliveries of a service's tenant."""
    return Deliveries(service.writer.catalog, tenant=service.settings.tenant)
