"""A process that dies at any commit while a dataset is indexed leaves each watched work one notice."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.engine.default import DefaultDialect

from earwitness.api.pipeline import enroll as enrolling
from earwitness.api.settings import Settings
from earwitness.api.watch.announce import settle
from earwitness.api.watch.watching import begin_watch, watches_of
from earwitness.index.database.records import ItemRow
from earwitness.index.notices.delivery_rows import Deliveries
from earwitness.index.notices.notice_records import Delivery
from earwitness.index.notices.notice_rows import Notices
from earwitness.index.store.backup import backup, restore
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import HomeBusy
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.unit.api.made_watch import Made, MadeHome, MadePool, add_work

Scenario = Callable[[Path], None]


def dies_at_commit(moment: int, scenario: Scenario, home: Path) -> bool:
    """Run a scenario in a process that dies just before or after a commit; return whether it lived."""
    child = os.fork()
    if child == 0:
        steps, commit = 0, cast(Any, DefaultDialect.do_commit)

        def counted(*arguments: Any) -> None:
            nonlocal steps
            for is_done in (False, True):
                if is_done:
                    commit(*arguments)
                steps += 1
                if steps == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

        DefaultDialect.do_commit = counted  # type: ignore[method-assign]
        try:
            scenario(home)
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, "the scenario itself failed"
    return not os.WIFSIGNALED(status)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ItemRow]:
    """A home with a watched work, of which a first version of a dataset was indexed."""
    monkeypatch.setattr(enrolling, "Pool", MadePool)
    monkeypatch.setattr(enrolling, "BATCH_ITEMS", 1)
    settings = Settings(home=tmp_path / "home")
    with Writer.open(settings.home_address) as writer:
        work = add_work(writer, 0)
        begin_watch(writer, settings, [work.id])
        MadeHome(settings=settings, writer=writer).index("set", "1", [Made(seed=4, work=work)])
        Deliveries(writer.catalog, tenant="local").set_webhook(
            "https://x.example/", secret="whsec_AA==", every=True
        )
    return settings.home, work


def test_each_work_has_one_notice_wherever_a_run_is_killed(made: tuple[Path, ItemRow]) -> None:
    """Killed at any commit and run again, the notice is there once, and lists all that either run found."""
    home, work = made
    items = [Made(seed=5, work=work), Made(seed=6), Made(seed=7, work=work)]

    def index(path: Path) -> None:
        settings = Settings(home=path)
        with Writer.open(settings.home_address) as writer:
            MadeHome(settings=settings, writer=writer).index("set", "2", items)

    lived, moment = False, 0
    while not lived:
        moment += 1
        copy = Path(shutil.copytree(home, home.parent / f"dies-at-{moment}"))
        lived = dies_at_commit(moment, index, copy)
        settings = Settings(home=copy)
        with Writer.open(settings.home_address) as writer:
            settle(writer, settings)  # as any later command does
            early = Notices(writer.catalog, tenant="local").page(limit=9, dataset="set:2")
        assert all(each.outcome == "match" for each in early), "a cut run says nothing"
        index(copy)
        with Writer.open(settings.home_address) as writer:
            (notice,) = Notices(writer.catalog, tenant="local").page(limit=9, dataset="set:2")
        assert [each["item"]["id"] for each in notice.contents["findings"]] == ["5.wav", "7.wav"]
        assert (notice.contents["change"]["kind"], notice.delivery) == ("stayed", Delivery.PENDING)
        assert not early or early[0].id == notice.id
        assert verify(settings.home_address, settled_s=0) == []
        shutil.rmtree(copy)
    assert moment > 12, "the deaths were not planted"


def test_a_delivery_that_is_killed_is_claimed_again_under_its_id(
    made: tuple[Path, ItemRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was claimed and not marked is due again after some time; what was marked is not."""
    home, work = made
    settings = Settings(home=home)
    with Writer.open(settings.home_address) as writer:
        MadeHome(settings=settings, writer=writer).index("set", "2", [Made(seed=5, work=work)])
        deliveries = Deliveries(writer.catalog, tenant="local")
        first = deliveries.claim()
        assert first is not None and (first.attempts, deliveries.claim()) == (1, None)
        due = deliveries.next_due() or 0
        monkeypatch.setattr("time.time", lambda: due + 1)
        again = deliveries.claim()
        assert again is not None and (again.message_id, again.attempts) == (first.message_id, 2)
        deliveries.sent(again)
        monkeypatch.setattr("time.time", lambda: 1e12)
        assert (deliveries.claim(), deliveries.count_pending()) == (None, 0)


def test_two_processes_make_and_claim_each_notice_once(
    made: tuple[Path, ItemRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many look for notices to make or to send at once, each is made and claimed by one."""
    home, work = made
    settings = Settings(home=home)
    with Writer.open(settings.home_address) as writer:
        for seed in range(20, 24):
            begin_watch(writer, settings, [add_work(writer, seed).id])
        with monkeypatch.context() as killed:  # at the end of its run, before the notices are made
            killed.setattr(enrolling, "settle", lambda *_, **__: [])
            MadeHome(settings=settings, writer=writer).index("other", "1", [Made(seed=5, work=work)])
        assert Notices(writer.catalog, tenant="local").page(limit=9, dataset="other") == []
    _in_processes(3, lambda: _settle(settings))
    with Writer.open(settings.home_address) as writer:
        notices = Notices(writer.catalog, tenant="local").page(limit=9, dataset="other")
    assert sorted(each.item for each in notices) == sorted({each.item for each in notices})
    assert len(notices) == 5
    claimed = _in_processes(4, lambda: _claim_all(settings))
    assert len(claimed) == len(set(claimed)) == 5


def _settle(settings: Settings) -> list[str]:
    while True:
        try:
            with Writer.open(settings.home_address) as writer:
                settle(writer, settings)
                return []
        except HomeBusy:
            continue


def test_a_backup_holds_watches_notices_and_the_address(made: tuple[Path, ItemRow], tmp_path: Path) -> None:
    """A restored home watches on, has the same notices, and sends them to the same address."""
    home, work = made
    packed, again = tmp_path / "packed", tmp_path / "again"
    backup(HomeAddress(home), packed)
    restore(packed, HomeAddress(again))
    assert verify(HomeAddress(again), settled_s=0) == []
    found = []
    for path in (home, again):
        with Writer.open(HomeAddress(path)) as writer:
            hook = Deliveries(writer.catalog, tenant="local").webhook()
            notices = Notices(writer.catalog, tenant="local").since(0)
            found.append((hook, notices, watches_of(writer, [work.id])))
    assert found[0] == found[1] and found[0][1] and found[0][2]


def _claim_all(settings: Settings) -> list[str]:
    from earwitness.index.database.catalog import open_catalog

    catalog = open_catalog(settings.home_address)
    deliveries, claimed = Deliveries(catalog, tenant="local"), list[str]()
    while (notice := deliveries.claim()) is not None:
        claimed.append(notice.message_id)
    catalog.close()
    return claimed


def _in_processes(number: int, work: Callable[[], list[str]]) -> list[str]:
    reading, writing = os.pipe()
    children = []
    for _ in range(number):
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, "".join(f"{each}\n" for each in work()).encode())
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    os.close(writing)
    with os.fdopen(reading) as written:
        lines = written.read().split()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * number
    return lines
