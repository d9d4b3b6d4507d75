"""Link lists name works; they are no evidence of audio."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.datasets.entries.identifiers import identifiers_of
from earwitness.api.datasets.items import Identifiers, SourceItem
from earwitness.api.datasets.link_matching import (
    LinkBasis,
    LinkFinding,
    LinkIndex,
    NamedWork,
    plain,
)
from earwitness.api.datasets.open_source import open_source
from earwitness.index.names.recording_ids import isrc_of

WORK = NamedWork(
    work_id="w1",
    identifiers=Identifiers(
        isrc="DE-A12-24-00001", youtube="dQw4w9WgXcQ", artist="Sigur Ró\u0301s", title="The Quiet Mill"
    ),
)
OTHER = NamedWork(work_id="w2", identifiers=Identifiers(artist="Somebody Else", title="The Quiet Mill"))


def entry(**identifiers: str) -> SourceItem:
    """An entry that only names a recording."""
    return SourceItem(item_id="e", path="list.csv", open=None, identifiers=Identifiers(**identifiers))


def find(*entries: SourceItem) -> list[LinkFinding]:
    """What the entries name among the two works."""
    return list(LinkIndex([WORK, OTHER]).find(entries))


@pytest.mark.parametrize(
    ("identifiers", "basis"),
    [
        ({"isrc": "dea122400001"}, LinkBasis.ISRC),
        ({"youtube": "dQw4w9WgXcQ"}, LinkBasis.YOUTUBE),
        (
            {"artist": "SIGUR ROS feat. Nobody", "title": "The quiet mill (Official Video)"},
            LinkBasis.ARTIST_TITLE,
        ),
    ],
)
def test_an_entry_names_the_work_it_identifies(identifiers: dict[str, str], basis: LinkBasis) -> None:
    """An ISRC or id in any spelling names its work; so do artist and title, case and accents aside."""
    (finding,) = find(entry(**identifiers))
    assert (finding.work_id, finding.basis) == ("w1", basis)
    assert finding.score >= 90.0


def test_title_alone_names_nobody() -> None:
    """A title that two artists share is not enough."""
    assert not find(entry(artist="A Third One", title="The Quiet Mill"))


def test_the_strongest_basis_is_reported_once() -> None:
    """A work named by ISRC and by title is one finding."""
    (finding,) = find(entry(isrc="DEA122400001", artist="Sigur Ros", title="The Quiet Mill"))
    assert finding.basis is LinkBasis.ISRC


@given(st.text(max_size=40))
def test_a_plain_name_is_plain_already(text: str) -> None:
    """Making a name plain a second time changes nothing."""
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3",
        "https://youtu.be/dQw4w9WgXcQ",
        "https://music.youtube.com/watch?list=x&v=dQw4w9WgXcQ",
    ],
)
def test_a_video_is_known_by_its_url(url: str) -> None:
    """Every usual form of a YouTube URL gives the same id."""
    identifiers = identifiers_of({"url": url})
    assert identifiers is not None
    assert identifiers.youtube == "dQw4w9WgXcQ"


def test_what_is_no_isrc_is_none() -> None:
    """Only the twelve characters of an ISRC are one."""
    assert isrc_of("DE-A12-24-00001") == "DEA122400001"
    assert isrc_of("1234") is None


def test_a_list_without_audio_is_a_list_of_links(tmp_path: Path) -> None:
    """Rows that only identify recordings come as items that cannot be opened, never as audio."""
    (tmp_path / "disco.csv").write_text("song_id,title,artist_names\ndQw4w9WgXcQ,The Quiet Mill,Sigur Ros\n")
    items = list(open_source(tmp_path / "disco.csv"))
    assert [item.open for item in items if isinstance(item, SourceItem)] == [None]
    assert [f.basis for f in find(*(i for i in items if isinstance(i, SourceItem)))] == [LinkBasis.YOUTUBE]
