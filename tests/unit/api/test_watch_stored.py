"""Datasets that come without audio are asked by what is stored of a work, and no more is claimed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from earwitness.api.answers.messages import messages
from earwitness.api.packs.add_pack import add_pack
from earwitness.api.settings import Settings
from earwitness.api.shelf.stored_names import store_names
from earwitness.api.watch.announce import settle, settle_home
from earwitness.api.watch.notice_words import notice_headline, notice_sentences
from earwitness.api.watch.watching import begin_watch
from earwitness.index.database.records import ItemRow
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.recording_ids import ids_of
from earwitness.index.names.stored_rows import row_of
from earwitness.index.notices.notice_records import Notice
from tests.unit.api.made_packs import file_row, made_pack
from tests.unit.api.made_watch import MadeHome, add_work, made_home, made_item

__all__ = ["made_home"]


@pytest.fixture
def work(made_home: MadeHome) -> ItemRow:
    """A work that is watched, long enough for a Chromaprint."""
    work = add_work(made_home.writer, 0, title="Rain", artist="Night Bus", isrc="DEA122400001")
    begin_watch(made_home.writer, made_home.settings, [work.id])
    return work


def add_sound(made_home: MadeHome, *, same_bytes: bool = False, is_copy: bool = True) -> Notice:
    """Add a dataset as a pack with sound does; return its only notice."""
    item = made_item(made_home.writer, 0 if is_copy else 7)
    if not same_bytes:
        item = replace(item, sha256="ab" * 32)
    item = replace(item, path="theirs.mp3", origin="pack-0123456789ab")
    batches = [[item, made_item(made_home.writer, 9)]]
    made_home.writer.add_dataset("packed", "1", batches, indexed_at="2026-01-02T03:04:05Z", complete=True)
    (number,) = settle(made_home.writer, made_home.settings)
    notice = made_home.notices.get(number)
    assert notice is not None
    return notice


def words(notice: Notice) -> str:
    """A notice in English."""
    t = messages()
    return " ".join([notice_headline(notice.contents, t), *notice_sentences(notice.contents, t)])


@pytest.mark.parametrize(
    ("same_bytes", "is_copy", "outcome", "stated"),
    [
        (False, True, "possible", "Rain may be in packed:1"),
        (True, True, "same_file", "packed:1 has the very file of Night Bus – Rain"),
        (False, False, "not_found", "was not found in what could be compared of packed:1"),
    ],
)
def test_a_pack_with_sound_is_asked_for_whole_copies_only(
    made_home: MadeHome, work: ItemRow, same_bytes: bool, is_copy: bool, outcome: str, stated: str
) -> None:
    """A Chromaprint alone makes nothing but "possible", and the notice says what was not searched for."""
    notice = add_sound(made_home, same_bytes=same_bytes, is_copy=is_copy)
    limits = [each["code"] for each in notice.contents["limits"]]
    assert (notice.outcome, limits) == (outcome, ["stored_fingerprint"])
    assert stated in words(notice) and "only whole, unchanged copies" in words(notice)
    assert settle(made_home.writer, made_home.settings) == []


def test_a_pack_with_digests_names_the_very_file(made_home: MadeHome, work: ItemRow, tmp_path: Path) -> None:
    """The digest of the work's file in a list of files is the same file, and no sound."""
    contents = b"0"
    assert work.sha256 == hashlib.sha256(contents).hexdigest()
    files = [file_row("music/1.mp3", contents), file_row("2.mp3", b"x")]
    pack = made_pack(tmp_path / "files.pack", files=files)
    made_home.writer.close()
    add_pack(pack, made_home.settings, unsigned=True)
    settle_home(made_home.settings)
    with_notices = _notices(made_home.settings)
    (notice,) = with_notices
    assert (notice.outcome, [each["code"] for each in notice.contents["limits"]]) == (
        "same_file",
        ["no_sound"],
    )
    assert "music/1.mp3" in words(notice)


def test_a_list_of_names_says_that_it_names(made_home: MadeHome, work: ItemRow) -> None:
    """The same ISRC is named, not found; a list that was cut off says so."""
    settings = made_home.settings
    named = NameEntry(place="row 1", title="x", ids=ids_of([("isrc", "DEA122400001")]))
    for name, entry, complete in (
        ("named", named, lambda: True),
        ("cut", NameEntry(place="1", artists=("Z",), title="Other"), lambda: False),
    ):
        row = row_of(entry)
        assert row is not None
        store_names([row], settings, name=name, version="1", layout="CSV", is_complete=complete)
    numbers = settle(made_home.writer, settings)
    cut, found = (made_home.notices.get(number) for number in numbers)
    assert cut is not None and found is not None
    assert (found.outcome, [each["code"] for each in found.contents["limits"]]) == ("named", ["no_sound"])
    assert "named:1 names Night Bus – Rain" in words(found) and "A name is no sound" in words(found)
    assert cut.outcome == "not_found"
    assert [each["code"] for each in cut.contents["limits"]] == ["no_sound", "not_complete"]
    assert settle(made_home.writer, settings) == []


def _notices(settings: Settings) -> list[Notice]:
    from earwitness.index.database.catalog import open_catalog
    from earwitness.index.notices.notice_rows import Notices

    catalog = open_catalog(settings.home_address)
    try:
        return Notices(catalog, tenant=settings.tenant).page(limit=9)
    finally:
        catalog.close()
