"""Print the notices that a command made, and deliver what waits for delivery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from earwitness.api.cli.options import to_stderr, to_stdout

if TYPE_CHECKING:
    from earwitness.api.settings import Settings
    from earwitness.api.watch.deliver import Delivered
    from earwitness.index.notices.delivery_rows import Deliveries
    from earwitness.index.notices.notice_records import Notice
    from earwitness.index.notices.notice_rows import Notices


@contextmanager
def opened_notices(settings: Settings) -> Iterator[tuple[Notices, Deliveries]]:
    """Open the notices and deliveries of a home; raises HomeMissing where nothing was ever stored."""
    from earwitness.index.database.catalog import open_catalog
    from earwitness.index.notices.delivery_rows import Deliveries
    from earwitness.index.notices.notice_rows import Notices

    catalog = open_catalog(settings.home_address)
    try:
        tenant = settings.tenant
        yield Notices(catalog, tenant=tenant), Deliveries(catalog, tenant=tenant)
    finally:
        catalog.close()


def last_notice(settings: Settings) -> int:
    """Return the number of the newest notice; 0 without any."""
    from earwitness.index.store.store_errors import HomeMissing

    try:
        with opened_notices(settings) as (notices, _):
            return notices.last_number()
    except HomeMissing:
        return 0


def settle_and_report(settings: Settings, since: int) -> list[dict[str, Any]]:
    """Make the notices about what a command has added, print them, and deliver."""
    from earwitness.api.watch.announce import settle_home
    from earwitness.index.store.store_errors import HomeBusy, HomeMissing

    try:
        settle_home(settings)
        return report_notices(settings, since)
    except HomeBusy as error:
        to_stderr().print(f"Notices are made by the next command: {error.message}.", soft_wrap=True)
    except HomeMissing:  # only lists of names and packs are stored
        return []
    return []


def report_notices(settings: Settings, since: int) -> list[dict[str, Any]]:
    """Print the notices after the number `since`, and deliver; return the notices for ``--json``."""
    from earwitness.api.watch.deliver import notice_json

    with opened_notices(settings) as (notices, deliveries):
        new = notices.since(since)
        if new:
            show_notices([each for each in new if each.is_news])
            show_counts(new)
        deliver(settings, deliveries)
    return [notice_json(each) for each in new]


def show_notices(notices: Sequence[Notice]) -> None:
    """Print notices in full."""
    from earwitness.api.answers.messages import messages
    from earwitness.api.watch.notice_words import notice_headline, notice_sentences

    t, console = messages(), to_stdout()
    for each in notices:
        headline = notice_headline(each.contents, t)
        console.print(f"notice {each.id} of {each.created_at[:10]}: {headline}.", soft_wrap=True)
        for sentence in notice_sentences(each.contents, t):
            console.print(f"  {sentence}", soft_wrap=True)


def show_counts(notices: Sequence[Notice]) -> None:
    """Print of how many watched works there are new notices, and where the rest can be read."""
    from earwitness.api.sentences import count

    n_silent = sum(not each.is_news for each in notices)
    rest = f"; {n_silent:,} found nothing (`earwitness watch notices --all` shows them)" if n_silent else ""
    to_stdout().print(f"{count(len(notices), 'notice')} about watched works{rest}.", soft_wrap=True)


def deliver(settings: Settings, deliveries: Deliveries) -> Delivered | None:
    """Deliver the notices that are due, and print what came of it; None where no address is set."""
    from earwitness.api.sentences import count
    from earwitness.api.watch.deliver import deliver_due

    hook = deliveries.webhook()
    if hook is None:
        return None
    done = deliver_due(deliveries, settings)
    console = to_stderr()
    if done.n_sent:
        console.print(f"{count(done.n_sent, 'notice')} sent to {hook.url}.", soft_wrap=True)
    waiting = deliveries.count_pending()
    if done.set_aside or hook.set_aside_at is not None:
        console.print(
            f"{hook.url} has failed for too long and is set aside; {count(waiting, 'notice')} waiting.\n"
            f"  What to do: mend it, then `earwitness watch webhook {hook.url}`.",
            soft_wrap=True,
        )
    elif done.failure is not None:
        console.print(
            f"A notice could not be sent to {hook.url} ({done.failure}); {waiting:,} waiting.\n"
            "  It is tried again by the next command, by `earwitness watch deliver`, or by the server.",
            soft_wrap=True,
        )
    return done
