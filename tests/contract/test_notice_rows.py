"""What the store promises of watches, notices and deliveries; on PostgreSQL too (`test_postgres`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.index.notices import watch_rows
from earwitness.index.notices.delivery_rows import Deliveries
from earwitness.index.notices.notice_records import Comparison, Delivery, NewNotice
from earwitness.index.notices.notice_rows import Notices, add_notices
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, DATASET, WORKS, some_item


@pytest.fixture
def writer(home: Path) -> Iterator[Writer]:
    """A writer of a new home."""
    with Writer.open(HomeAddress(home), codec=CODEC) as opened:
        yield opened


def new(item: int, version: str = "1", *, state: str = "s", is_news: bool = True) -> NewNotice:
    """A notice to store."""
    return NewNotice(
        item=item,
        dataset="set",
        version=version,
        state=state,
        outcome="match" if is_news else "no_match",
        contents={"text": "\ud800 ü \x00"},
        is_news=is_news,
    )


def registered(writer: Writer, *seeds: int) -> list[int]:
    """Register works, and return their numbers."""
    return [each.item for each in writer.add(writer.collection(WORKS), [some_item(seed) for seed in seeds])]


def test_the_same_is_noticed_once(writer: Writer) -> None:
    """However often a notice is added, it is stored once; another state of its version is another notice."""
    (work,) = registered(writer, 0)
    with writer.changing() as connection:
        assert len(add_notices(connection, "local", [new(work), new(work), new(work, state="t")])) == 2
    with writer.changing() as connection:
        assert add_notices(connection, "local", [new(work)]) == []
    notices = Notices(writer.catalog, tenant="local")
    assert notices.last_number() == notices.page(limit=9)[0].id
    assert [each.delivery for each in notices.since(0)] == [Delivery.NONE] * 2
    assert notices.since(0)[0].contents == {"text": "\\ud800 ü \\x00"}


def test_notices_are_chosen_by_work_dataset_and_news(writer: Writer) -> None:
    """Each choice gives those that it names, newest first; another tenant has none of them."""
    one, other = registered(writer, 0, 1)
    with writer.changing() as connection:
        add_notices(connection, "local", [new(one), new(other, "2"), new(one, "2", is_news=False)])
    notices = Notices(writer.catalog, tenant="local")
    first, second, third = notices.since(0)
    assert notices.page(limit=1) == [third] and notices.page(limit=9, before=third.id) == [second, first]
    assert notices.page(limit=9, item=one) == [third, first]
    assert notices.page(limit=9, dataset="set:2") == [third, second]
    assert notices.page(limit=9, dataset="set") == [third, second, first]
    assert notices.page(limit=9, only_news=True) == [second, first]
    assert notices.get(first.id) == first
    foreign = Notices(writer.catalog, tenant="other")
    assert foreign.get(first.id) is None and foreign.page(limit=9) == [] and foreign.last_number() == 0


def test_watches_and_what_is_found_go_with_the_work(writer: Writer) -> None:
    """A removed work takes its watch, findings and notices along; a removed dataset takes its findings."""
    one, other = registered(writer, 0, 1)
    dataset = writer.collection(DATASET, "set")
    with writer.changing() as connection:
        assert watch_rows.add_watches(connection, "local", [one, other, one]) == [one, other]
        watch_rows.add_sightings(connection, "local", dataset, [(one, "a"), (other, "b"), (one, "c")])
        for effort in ("full", "fast"):
            values = Comparison(first_epoch=3, effort=effort, n_searched=7)
            watch_rows.store_comparison(connection, "local", dataset, values)
        for state in ("x", "y"):
            watch_rows.store_announced(connection, "local", "set", "1", state)
        add_notices(connection, "local", [new(one), new(other)])
    with writer.catalog.reading() as connection:
        assert watch_rows.sightings(connection, "local", dataset) == {one: ["a", "c"], other: ["b"]}
        assert watch_rows.comparison(connection, dataset) == values
        assert watch_rows.announced(connection, "local") == {("set", "1"): "y"}
        assert watch_rows.watches(connection, "other") == {} and watch_rows.is_watching(connection, "local")
        works = [("0.wav", some_item(0).sha256 or ""), ("1.wav", "another")]
        assert watch_rows.watched_items(connection, "local", works) == {works[0]: one}
    writer.remove(writer.collection(WORKS), items=[one])
    with writer.catalog.reading() as connection:
        assert list(watch_rows.watches(connection, "local")) == [other]
        assert watch_rows.sightings(connection, "local", dataset) == {other: ["b"]}
    assert [each.item for each in Notices(writer.catalog, tenant="local").since(0)] == [other]
    writer.remove(dataset)
    with writer.catalog.reading() as connection:
        assert watch_rows.sightings(connection, "local", dataset) == {}
        assert watch_rows.comparison(connection, dataset) is None


def test_a_failure_puts_off_all_notices(writer: Writer) -> None:
    """One that fails is not followed by all the others at once; what is sent is not due again."""
    works = registered(writer, 0, 1, 2)
    deliveries = Deliveries(writer.catalog, tenant="local")
    deliveries.set_webhook("https://example.org/", secret="whsec_AAAA", every=False)
    with writer.changing() as connection:
        add_notices(connection, "local", [*map(new, works), new(works[0], "2", is_news=False)])
    first = deliveries.claim()
    assert first is not None and deliveries.count_pending() == 3
    assert not deliveries.failed(first, "down", delays_s=(60.0,), set_aside_after_s=1e6)
    hook = deliveries.webhook()
    assert deliveries.claim() is None and hook is not None and hook.failure == "down"
    deliveries.set_webhook("https://example.org/", secret="whsec_AAAA", every=False)
    for _ in works:
        notice = deliveries.claim()
        assert notice is not None
        deliveries.sent(notice)
    assert (deliveries.claim(), deliveries.count_pending(), deliveries.next_due()) == (None, 0, None)
    assert [each.attempts for each in Notices(writer.catalog, tenant="local").since(0)] == [2, 1, 1, 0]


def test_one_notice_that_is_never_taken_keeps_no_other_back(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are tried before it is tried again; its own delays grow, and those of the address do not."""
    works, clock = registered(writer, 0, 1, 2), [1e9]
    monkeypatch.setattr("earwitness.index.notices.delivery_rows.time.time", lambda: clock[0])
    deliveries = Deliveries(writer.catalog, tenant="local")
    deliveries.set_webhook("https://example.org/", secret="whsec_AAAA", every=False)
    with writer.changing() as connection:
        add_notices(connection, "local", list(map(new, works)))
    delays_s, tried = (5.0, 60.0, 600.0), list[int]()
    while (notice := deliveries.claim()) is not None or deliveries.count_pending() > 1:
        if notice is None:
            clock[0] = (deliveries.next_due() or 0) + 0.1
            continue
        tried.append(notice.item)
        if notice.item == works[0]:
            deliveries.failed(notice, "it answers 400", delays_s=delays_s, set_aside_after_s=1e6)
        else:
            deliveries.sent(notice)
    assert tried == [*works, works[0]] and clock[0] < 1e9 + 10
    for delay_s in (60.0, 600.0, 600.0):
        assert (deliveries.next_due() or 0) - clock[0] == pytest.approx(delay_s, abs=1)
        clock[0] = (deliveries.next_due() or 0) + 0.1
        poison = deliveries.claim()
        assert poison is not None
        deliveries.failed(poison, "it answers 400", delays_s=delays_s, set_aside_after_s=1e6)
