"""Tags of a file become the label of a registered work, where its owner gave none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.api.findings import FindingItem, FindingRecording
from earwitness.api.pipeline.enroll import Label, Outcome, label_of, register_one, with_names
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.tally import work_label
from earwitness.fingerprint.types import NO_TAGS, Tags
from earwitness.index.database.records import WORKS, CollectionKind, ItemRow
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList
from earwitness.index.names.stored_rows import row_of
from earwitness.index.names.write_name_list import NameListWriter
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, some_item
from tests.unit.api.made_findings import match

TAGS = Tags(title="Night Bus", artist="The Tin Parade", album="Stops", isrc="qz-abc-24-00001")
TAGGED = Label(title="Night Bus", artist="The Tin Parade", album="Stops", isrc="QZABC2400001")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """The writer of a new home."""
    with Writer.open(HomeAddress(tmp_path), codec=CODEC) as opened:
        yield opened


def new(number: int, tags: Tags = TAGS) -> ItemResult:
    """A decoded file that is fit as a work."""
    item = some_item(number)
    described = FindingItem(id=item.path, path=item.path, sha256=item.sha256, duration_s=20.0)
    return ItemResult(item=described, new=item, tags=tags)


def again(stored: ItemRow, tags: Tags = TAGS) -> ItemResult:
    """A file whose audio is registered, and which was not decoded."""
    described = FindingItem(id=stored.path, path=stored.path, sha256=stored.sha256, duration_s=None)
    return ItemResult(item=described, existing=stored, tags=tags)


def stored_label(writer: Writer, works: int) -> tuple[ItemRow, Label]:
    """The only work of the home, and its label."""
    (row,) = writer.find(works, "1.wav")
    names = ("title", "artist", "album", "owner", "isrc")
    return row, Label(**{name: getattr(row, name) for name in names})


def test_what_is_given_goes_before_the_tags(writer: Writer) -> None:
    """A text that is given is stored, and the tags fill the others; the artist does not become the owner."""
    works = writer.collection(CollectionKind.WORKS)
    enrolled = register_one(writer, works, new(1), Label(title="Bus 12", owner="Example Records"))
    expected = Label(
        title="Bus 12", artist=TAGS.artist, album=TAGS.album, isrc="QZABC2400001", owner="Example Records"
    )
    assert (enrolled.outcome, enrolled.label) == (Outcome.ADDED, expected)
    assert stored_label(writer, works)[1] == expected


def test_a_work_is_asked_by_the_names_that_it_was_registered_under(writer: Writer, tmp_path: Path) -> None:
    """A title that is given goes before that of the tags, also in lists of names."""
    titles, artist = ("Night Bus", "Bus 12"), TAGS.artist or ""
    entries = [NameEntry(place=title, artists=(artist,), title=title) for title in titles]
    with NameListWriter(tmp_path / "a.names") as names:
        names.add([row for row in map(row_of, entries) if row is not None])
        about = {"name": "A list", "version": "1", "card": None, "layout": "a test"}
        names.finish({**about, "listed_by": "a test", "date": "2026-11-30"})
    works = writer.collection(CollectionKind.WORKS)
    enrolled = register_one(writer, works, new(1), Label(title="Bus 12"))
    (found,) = with_names(enrolled, [NameList(tmp_path / "a.names")]).result.names
    assert [each.place for each in found.entries] == ["Bus 12"]
    assert with_names(enrolled, []) is enrolled


def test_a_work_of_before_gets_what_it_lacks(writer: Writer) -> None:
    """Registering again fills empty texts from the tags, and replaces only what is given."""
    works = writer.collection(CollectionKind.WORKS)
    register_one(writer, works, new(1, NO_TAGS), Label(title="Old"))
    row, label = stored_label(writer, works)
    assert label == Label(title="Old")
    enrolled = register_one(writer, works, again(row), Label(album="Given"))
    expected = Label(title="Old", artist=TAGS.artist, album="Given", isrc="QZABC2400001")
    assert (enrolled.outcome, enrolled.label) == (Outcome.UPDATED, expected)
    assert stored_label(writer, works)[1] == expected
    assert register_one(writer, works, again(row), Label()).outcome is Outcome.ALREADY


def test_a_work_of_another_owner_keeps_its_label(writer: Writer) -> None:
    """Nothing is changed, and nothing is returned of the other's label."""
    works = writer.collection(CollectionKind.WORKS)
    register_one(writer, works, new(1, NO_TAGS), Label(owner="Ada"))
    enrolled = register_one(writer, works, new(1), Label(owner="Bob", title="Mine"))
    assert (enrolled.outcome, enrolled.label) == (Outcome.OF_ANOTHER_OWNER, None)
    assert stored_label(writer, works)[1] == Label(owner="Ada")


@pytest.mark.parametrize(
    ("text", "isrc"),
    [
        ("QZABC2400001", "QZABC2400001"),
        ("qz-abc-24-00001", "QZABC2400001"),
        ("none; QZABC2400002;QZABC2400003", "QZABC2400002"),
        ("a compact disc", None),
        ("", None),
    ],
)
def test_only_an_isrc_is_taken_as_one(text: str, isrc: str | None) -> None:
    """RIFF calls the source of a recording ISRC too: what has not the form of a code is left out."""
    assert label_of(Tags(isrc=text)).isrc == isrc


def test_a_work_is_shown_with_its_artist_and_its_owner() -> None:
    """Title or path come first, then the artist, then the owner in brackets."""

    def shown(**texts: str) -> str:
        none = dict.fromkeys(("title", "owner", "isrc"))
        recording = FindingRecording(id="ab" * 32, path="bus.mp3", **none | texts)
        return work_label(match(collection=WORKS, recording=recording))

    assert shown() == "bus.mp3"
    assert shown(title="Bus", artist="Bea", owner="Ada") == "Bus by Bea (Ada)"
    assert shown(artist="Bea") == "bus.mp3 by Bea"
