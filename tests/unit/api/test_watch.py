"""Watched works: one notice for each version of a dataset, which asserts no more than was compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pytest

from earwitness.api.pipeline import enroll as enrolling
from earwitness.api.pipeline.stored_works import correct_work, remove_dataset, remove_work
from earwitness.api.python_store import index_dataset
from earwitness.api.watch import announce as announcing
from earwitness.api.watch.announce import settle
from earwitness.api.watch.dataset_parts import dataset_parts
from earwitness.api.watch.watching import begin_watch, end_watch, note_registration, watched_works
from earwitness.index.database.records import ItemRow
from earwitness.index.database.tables import SIGHTING, WATCH
from earwitness.index.match import Effort, Verdict
from earwitness.index.notices.notice_records import Notice
from earwitness.index.store.verify import verify
from tests.unit.api.made_watch import (
    Made,
    MadeHome,
    MadePool,
    add_work,
    made_home,
    result_of,
    source,
    work_match,
)

__all__ = ["made_home"]


@pytest.fixture
def work(made_home: MadeHome) -> ItemRow:
    """A work that is watched."""
    work = add_work(made_home.writer, 0, title="Rain", artist="Night Bus", isrc="DEA122400001")
    assert begin_watch(made_home.writer, made_home.settings, [work.id]) == [work.id]
    return work


def limits(notice: Notice) -> dict[str, Any]:
    """What a notice says was not compared."""
    return {each["code"]: each["items"] for each in notice.contents["limits"]}


def test_a_watched_work_has_one_notice_for_each_version(made_home: MadeHome, work: ItemRow) -> None:
    """Found or not, once; the items that hold it are listed, and another run says nothing again."""
    items = [Made(seed=5), Made(seed=6, work=work), Made(seed=7, work=work, e_value=1e-6)]
    (notice,) = made_home.index("set", "1", items)
    assert (notice.item, notice.dataset, notice.version, notice.outcome) == (work.id, "set", "1", "match")
    assert [each["item"]["id"] for each in notice.contents["findings"]] == ["6.wav", "7.wav"]
    assert (notice.contents["found"], limits(notice), notice.contents["change"]) == ({"match": 2}, {}, None)
    (other,) = made_home.index("other", "1", [Made(seed=8)])
    assert (other.outcome, limits(other)) == ("no_match", {})
    assert made_home.index("set", "1", items) == []
    assert settle(made_home.writer, made_home.settings) == []
    assert verify(made_home.settings.home_address) == []


def test_nobody_watches_nothing_is_stored(made_home: MadeHome) -> None:
    """Without a watch there are no notices, and what is indexed before one is not noticed later."""
    work = add_work(made_home.writer, 0)
    assert made_home.index("set", "1", [Made(seed=5, work=work)]) == []
    begin_watch(made_home.writer, made_home.settings, [work.id])
    assert settle(made_home.writer, made_home.settings) == []
    assert made_home.notices.page(limit=9) == []


@pytest.mark.parametrize(
    ("item", "outcome", "found"),
    [
        (Made(seed=5, e_value=1e-3), "possible", {"possible": 1}),
        (Made(seed=5, e_value=9e-5), "match", {"match": 1}),
    ],
)
def test_an_uncertain_match_is_possible(
    made_home: MadeHome, work: ItemRow, item: Made, outcome: str, found: dict[str, int]
) -> None:
    """A notice has the verdict that the E-value gives, and no other."""
    made = Made(seed=item.seed, work=work, e_value=item.e_value)
    (notice,) = made_home.index("set", "1", [made])
    assert (notice.outcome, notice.contents["found"]) == (outcome, found)


def test_a_match_must_hold_for_all_items_of_the_dataset(made_home: MadeHome, work: ItemRow) -> None:
    """An E-value that suffices for one item is possible among 2,000, also when a run was cut in two."""
    made_home.index("set", "1", [Made(seed=seed) for seed in range(100, 140)])
    (notice,) = made_home.index("set", "1", [Made(seed=5, work=work, e_value=9e-5)])
    assert notice.outcome == "match"
    from earwitness.index.notices.notice_records import Comparison
    from earwitness.index.notices.watch_rows import comparison, store_comparison

    with made_home.writer.changing() as connection:
        number = made_home.writer.collections[-1].id
        stored = comparison(connection, number)
        assert stored is not None and stored.n_searched == 41
        more = Comparison(
            **{**{n: getattr(stored, n) for n in stored.__dataclass_fields__}, "n_searched": 2_000}
        )
        store_comparison(connection, "local", number, more)
    (again,) = made_home.index("set", "1", [Made(seed=8)])
    assert (again.outcome, again.contents["found"]) == ("possible", {"possible": 1})


def test_where_e_values_do_not_hold_nothing_matches(made_home: MadeHome, work: ItemRow) -> None:
    """A dataset that resembles the works more than chance does gives possible matches only."""
    alike = [Made(seed=seed, work=work, e_value=5e-3) for seed in range(100, 112)]
    (notice,) = made_home.index("set", "1", [Made(seed=5, work=work, e_value=1e-12), *alike])
    assert (notice.outcome, notice.contents["found"]) == ("possible", {"possible": 13})
    assert len(notice.contents["findings"]) == 10


@pytest.mark.parametrize(
    ("items", "stated"),
    [
        ([Made(seed=5), Made(seed=6, error="not_audio")], {"not_readable": 1}),
        ([Made(seed=5), Made(seed=6, in_part=True)], {"in_part": 1}),
        ([Made(seed=5), Made(seed=6, error="no_audio_track")], {}),
    ],
)
def test_what_was_not_compared_is_no_no_match(
    made_home: MadeHome, work: ItemRow, items: list[Made], stated: dict[str, int]
) -> None:
    """An item that was not read, or only in part, makes of "no match" that not all was compared."""
    (notice,) = made_home.index("set", "1", items)
    assert (notice.outcome, limits(notice)) == ("not_found" if stated else "no_match", stated)


def test_items_of_before_the_watch_were_not_compared_for_it(made_home: MadeHome, work: ItemRow) -> None:
    """Who begins to watch while a dataset grows has what came since, and is warned of the rest."""
    made_home.index("set", "1", [Made(seed=5)])
    late = add_work(made_home.writer, 1)
    begin_watch(made_home.writer, made_home.settings, [late.id])
    first, second = made_home.index("set", "1", [Made(seed=6, work=late), Made(seed=7, work=work)])
    assert (first.item, first.outcome, limits(first)) == (work.id, "match", {})
    assert (second.item, second.outcome, limits(second)) == (late.id, "match", {"watched_later": None})


def test_who_ends_the_watch_has_no_more_notices(made_home: MadeHome, work: ItemRow) -> None:
    """Earlier notices stay; ending it again changes nothing."""
    made_home.index("set", "1", [Made(seed=5, work=work)])
    assert (end_watch(made_home.writer, [work.id]), end_watch(made_home.writer, [work.id])) == (1, 0)
    assert made_home.index("set", "2", [Made(seed=6, work=work)]) == []
    assert len(made_home.notices.page(limit=9)) == 1
    assert watched_works(made_home.writer) == []


def test_a_deleted_work_takes_its_notices_along(made_home: MadeHome, work: ItemRow) -> None:
    """Watch, notices and what was found for it are deleted with the work; the home stays sound."""
    correct_work(made_home.writer, work.id, {"title": "Snow"})
    made_home.index("set", "1", [Made(seed=5, work=work)])
    remove_work(made_home.writer, work.id)
    assert made_home.notices.page(limit=9) == []
    with made_home.writer.catalog.reading() as connection:
        assert connection.execute(WATCH.select()).all() == connection.execute(SIGHTING.select()).all() == []
    assert verify(made_home.settings.home_address) == []


def changes(made_home: MadeHome, work: ItemRow, *versions: list[Made]) -> list[Any]:
    """Index versions of one dataset; return kind and reasons of the change of each."""
    found = list[Any]()
    for number, items in enumerate(versions, start=1):
        (notice,) = made_home.index("set", str(number), items)
        change = notice.contents["change"]
        found.append(None if change is None else (change["kind"], change["reasons"]))
    return found


def test_a_new_version_says_what_came_went_and_stayed(made_home: MadeHome, work: ItemRow) -> None:
    """Completely compared versions give came, stayed, went and absent, each against the version before."""
    holds, holds_not = [Made(seed=5, work=work)], [Made(seed=6)]
    seen = changes(made_home, work, holds_not, holds, [Made(seed=7, work=work)], holds_not, holds_not)
    assert seen == [None, ("came", []), ("stayed", []), ("went", []), ("absent", [])]
    went = made_home.notices.page(limit=9, dataset="set:4")[0].contents["change"]["before"]
    assert (went["version"], went["outcome"]) == ("3", "match")
    assert [(each["path"], each["bytes_in_later"]) for each in went["places"]] == [("7.wav", False)]


@pytest.mark.parametrize(
    ("later", "reasons"),
    [
        ([Made(seed=6, error="not_audio")], ["later_in_part"]),
        ([Made(seed=6, in_part=True)], ["later_in_part"]),
        ([Made(seed=5)], ["file_stayed"]),
    ],
)
def test_went_needs_a_complete_comparison(
    made_home: MadeHome, work: ItemRow, later: list[Made], reasons: list[str]
) -> None:
    """What was not read may hold the work, and a file that stayed still does: then nothing went."""
    seen = changes(made_home, work, [Made(seed=5, work=work)], [Made(seed=9), *later])
    assert seen[1] == ("unclear", reasons)


def test_only_a_possible_match_neither_comes_nor_goes(made_home: MadeHome, work: ItemRow) -> None:
    """A possible match in either version leaves the change unclear."""
    holds, may_hold, holds_not = Made(seed=5, work=work), Made(seed=6, work=work, e_value=1e-3), Made(seed=7)
    seen = changes(made_home, work, [holds], [may_hold], [holds_not], [may_hold])
    assert seen[1:] == [("unclear", ["only_possible"])] * 3


def test_a_lower_effort_shows_no_removal(made_home: MadeHome, work: ItemRow) -> None:
    """Where fewer changes of sound were searched for, nothing came or went."""
    made_home.index("set", "1", [Made(seed=5, work=work)], effort=Effort.STANDARD)
    (gone,) = made_home.index("set", "2", [Made(seed=6)], effort=Effort.FAST)
    (back,) = made_home.index("set", "3", [Made(seed=7, work=work)], effort=Effort.STANDARD)
    for notice in (gone, back):
        change = notice.contents["change"]
        assert (change["kind"], change["reasons"]) == ("unclear", ["less_searched"])


def test_the_check_at_registration_is_the_version_before(made_home: MadeHome) -> None:
    """A work that is registered and watched is compared with what its check found in earlier versions."""
    from dataclasses import replace

    made_home.index("set", "1", [Made(seed=5)])
    work = add_work(made_home.writer, 0)
    begin_watch(made_home.writer, made_home.settings, [work.id])
    result = result_of(Made(seed=0), made_home.writer, Effort.STANDARD)
    assert result.finding is not None
    (searched,) = result.finding.search.collections
    search = replace(result.finding.search, collections=(replace(searched, name="set", version="1"),))
    holds = replace(work_match(work, e_value=1e-9), collection="set", version="1")
    finding = replace(result.finding, search=search, matches=(holds,), verdict=Verdict.MATCH)
    note_registration(made_home.writer, made_home.settings, work, finding)
    (known,) = made_home.notices.page(limit=9)
    assert (known.outcome, known.delivery, known.contents["asked"]["sound"]) == (
        "match",
        "none",
        "registration",
    )
    (notice,) = made_home.index("set", "2", [Made(seed=6)])
    assert notice.contents["change"]["kind"] == "went"


def test_a_dataset_that_is_indexed_anew_is_noticed_anew(made_home: MadeHome, work: ItemRow) -> None:
    """A removed dataset that comes back under its name is another event."""
    items = [Made(seed=5, work=work)]
    made_home.index("set", "1", items)
    remove_dataset("set", writer=made_home.writer, settings=made_home.settings)
    (notice,) = made_home.index("set", "1", items)
    assert (notice.outcome, notice.contents["change"]) == ("match", None)


def test_a_dataset_that_changes_meanwhile_is_not_noticed_half(
    made_home: MadeHome, work: ItemRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another run has begun to add items, the notices are made at its end, of all of them."""
    with monkeypatch.context() as killed:  # before its notices are made
        killed.setattr(enrolling, "settle", lambda *_, **__: [])
        made_home.index("set", "1", [Made(seed=5)])
    (stale,) = dataset_parts(made_home.writer.collections, made_home.settings)
    assert stale.is_settled and stale.collection is not None
    made_home.writer.mark(stale.collection.id, complete=False)
    with monkeypatch.context() as begun:
        begun.setattr(announcing, "dataset_parts", lambda *_: [stale])
        assert settle(made_home.writer, made_home.settings) == []
    (notice,) = made_home.index("set", "1", [Made(seed=6, work=work)])
    assert notice.outcome == "match"


def test_from_python_indexing_returns_the_notices(made_home: MadeHome, work: ItemRow) -> None:
    """What was indexed says which notices were made, as programs get them; a second run makes none."""
    MadePool.writer = made_home.writer
    found = []
    for _ in range(2):
        reader = cast(Any, MadeReader([Made(seed=5, work=work), Made(seed=6)]))
        found.append(
            index_dataset(
                reader,
                name="set",
                version="1",
                writer=made_home.writer,
                settings=made_home.settings,
                effort=Effort.FAST,
            )
        )
    (notice,) = found[0].notices
    assert (notice["outcome"], notice["headline"]) == ("match", "Night Bus – Rain is in set:1")
    assert (found[0].n_added, found[1].n_already, found[1].notices) == (2, 2, ())


class MadeReader:
    """A reader of made items."""

    passed_over: Mapping[str, int] = {}

    def __init__(self, items: Sequence[Made]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return source(self._items)
