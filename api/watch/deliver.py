"""Deliver the notices that wait: each until the address takes it, with growing delays, under one id."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from earwitness.api.answers.messages import messages
from earwitness.api.settings import Settings
from earwitness.api.watch.notice_words import notice_headline, notice_sentences
from earwitness.api.watch.watch_errors import NoWebhook
from earwitness.api.watch.webhook_request import DeliveryFailed, checked_url, new_secret, send
from earwitness.index.notices.delivery_rows import Deliveries
from earwitness.index.notices.notice_records import Notice, Webhook

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
DELAYS_S: Final = (
    5.0, 5 * MINUTE_S, 30 * MINUTE_S, 2 * 60 * MINUTE_S, 5 * 60 * MINUTE_S, 10 * 60 * MINUTE_S,
    14 * 60 * MINUTE_S, 20 * 60 * MINUTE_S, DAY_S,
)  # fmt: skip
"""Seconds from one attempt to the next, as Standard Webhooks propose; the last one holds for all others."""
SET_ASIDE_AFTER_S: Final = 5 * DAY_S
"""Seconds for which an address may fail before nothing is sent to it any more."""
EVENT: Final = "notice.created"


@dataclass(slots=True, kw_only=True)
class Delivered:
    """What a run delivered.

    Attributes
    ----------
    failure : str or None
        Why the address took no more.
    set_aside : bool
        Whether the address is set aside now.
    """

    n_sent: int = 0
    failure: str | None = None
    set_aside: bool = False


def deliver_due(
    deliveries: Deliveries,
    settings: Settings,
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> Delivered:
    """Send the notices that are due, oldest first; end at the first that the address does not take.

    Parameters
    ----------
    stopped
        Whether to end before all are sent.
    """
    done = Delivered()
    hook = deliveries.webhook()
    while hook is not None and not stopped():
        notice = deliveries.claim()
        if notice is None:
            break
        try:
            send(
                hook.url,
                notice_body(notice),
                message_id=notice.message_id,
                secret=hook.secret,
                allow_private=settings.webhook_private,
            )
        except DeliveryFailed as error:
            done.failure = str(error)
            done.set_aside = deliveries.failed(
                notice,
                done.failure,
                delays_s=DELAYS_S,
                set_aside_after_s=0.0 if error.gone else SET_ASIDE_AFTER_S,
            )
            break
        deliveries.sent(notice)
        done.n_sent += 1
        hook = deliveries.webhook()
    return done


def notice_body(notice: Notice) -> bytes:
    """Return a notice as it is sent; the same bytes in every attempt."""
    body = {"type": EVENT, "timestamp": notice.created_at, "data": notice_json(notice)}
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()


def notice_json(notice: Notice) -> dict[str, Any]:
    """Return a notice as it is shown to programs: its contents, with number, date and sentences."""
    t = messages()
    return {
        "id": notice.id,
        "created_at": notice.created_at,
        "headline": notice_headline(notice.contents, t),
        "sentences": list(notice_sentences(notice.contents, t)),
        **notice.contents,
    }


def set_address(deliveries: Deliveries, settings: Settings, url: str, *, every: bool) -> tuple[Webhook, bool]:
    """Set the address that notices are sent to, and take it up again where it was set aside.

    Returns
    -------
    webhook, is_new
        Whether it has a new secret: not for the address that was set before.

    Raises
    ------
    BadWebhook
    """
    url = checked_url(url, allow_private=settings.webhook_private)
    before = deliveries.webhook()
    is_new = before is None or before.url != url
    secret = new_secret() if is_new or before is None else before.secret
    return deliveries.set_webhook(url, secret=secret, every=every), is_new


def address_of(deliveries: Deliveries) -> Webhook:
    """Return the address that notices are sent to; raises NoWebhook."""
    hook = deliveries.webhook()
    if hook is None:
        raise NoWebhook
    return hook


def seconds_to_next(deliveries: Deliveries, *, most_s: float) -> float:
    """Return how long nothing is due, at most `most_s`."""
    due = deliveries.next_due()
    return most_s if due is None else min(max(due - time.time(), 0.0), most_s)
