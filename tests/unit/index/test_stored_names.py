"""Lists of names: what they find, with what E-value, and what they refuse."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.index.names import write_name_list
from earwitness.index.names.name_entries import NamedDataset, NameEntry
from earwitness.index.names.name_errors import FullTextMissing, NameListDamaged, NameListTooNew
from earwitness.index.names.name_keys import artist_keys, title_key
from earwitness.index.names.name_list import ENTRIES_SHOWN, NameList
from earwitness.index.names.recording_ids import KINDS, RecordingId, linked_id, recording_id
from earwitness.index.names.stored_rows import checked_row, entry_of, row_of
from earwitness.index.names.write_name_list import NameListWriter

ABOUT = {
    "name": "made up",
    "version": "1",
    "card": None,
    "layout": "a test",
    "listed_by": "a test",
    "date": "2026-11-30T00:00:00Z",
}
VALUES = {
    "isrc": "DEA122400001",
    "youtube": "dQw4w9WgXcQ",
    "spotify": "4uLU6hMCjMI75M1A2tKUQC",
    "musicbrainz": "b1a9c0e9-d987-4042-ae91-78d6a3267d69",
    "deezer": "3135556",
    "freesound": "123456",
    "jamendo": "948",
    "soundcloud": "forss/flickermood",
    "bandcamp": "forss/flickermood",
    "acoustid": "9ff43b6a-4f16-427c-93c2-92307ca505e0",
}


def written(path: Path, entries: Iterable[NameEntry]) -> NameList:
    """Write entries as a list, and open it."""
    with NameListWriter(path) as writer:
        writer.add(row for row in map(row_of, entries) if row is not None)
        writer.finish(ABOUT)
    return NameList(path)


def named(artist: str, title: str, place: str = "", **others: object) -> NameEntry:
    """An entry with artist and title."""
    return NameEntry(place=place, artists=(artist,), title=title, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Don't Stop", "dont stop (feat. Ana) - Remastered 2011"),
        ("Halo", "HALO (Official Video)"),
        ("Fade", "Fade [2011 Remaster]"),
        ("Café del Mar", "Cafe Del Mar"),
        ("Love & Hate", "love and hate"),
        ("Ｆｕｌｌ", "full"),
        ("Straße", "STRASSE"),
        ("Song", "Song ft. Somebody Else"),
        ("が", "か\u3099"),
        ("Song", "Song - 2009 Digital Remaster"),
        ("Song", "Song - Remastered Version"),
        ("Song", "Song (with Ana)"),
        ("Song (Live)", "Song ft. Ana (Live) - Remastered 2011"),
        ("The Wall", "Wall, The"),
        ("Rock 'n' Roll", "Rock & Roll"),
        ("Song, Pt. 2", "Song (Part 2)"),
        ("U.S.A.", "USA"),
        ("Mørke Nætter", "Morke Naetter"),
    ],
)
def test_one_title_in_two_spellings_has_one_key(one: str, other: str) -> None:
    """Case, accents, punctuation, guests and remarks do not tell titles apart."""
    assert title_key(one) == title_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Song", "Song (Live)"),
        ("Song", "Song (Somebody Remix)"),
        ("Part 1", "Part 2"),
        ("Song", "Song (Live, Remastered)"),
        ("N", "And"),
        ("3.14", "314"),
        ("???", "!!!"),
        ("か", "が"),
        ("हिन्दी", "हन्दी"),
    ],
)
def test_different_titles_have_different_keys(one: str, other: str) -> None:
    """What makes another recording, or another word in any script, stays in the key."""
    assert title_key(one) != title_key(other)


def test_each_of_several_artists_is_found() -> None:
    """An artist's name is compared as a whole, and by each name that it may list."""
    assert {"simon_and_garfunkel", "simon", "garfunkel"} <= set(artist_keys("Simon & Garfunkel"))
    assert {"queen", "david_bowie"} <= set(artist_keys("Queen feat. David Bowie"))
    assert artist_keys("The Beatles") == artist_keys("Beatles - Topic") == ("beatles",)
    assert artist_keys("Beatles, The") == ("beatles",)
    assert set(artist_keys("Guns N' Roses")) & set(artist_keys("Guns and Roses"))
    assert (artist_keys("Ke$ha"), artist_keys("P!nk"), artist_keys("R.E.M.")) == (
        ("kesha",),
        ("pink",),
        ("rem",),
    )


@given(text=st.text(max_size=40))
def test_a_key_is_one_word_that_does_not_change(text: str) -> None:
    """A key holds no blank and no quotation mark, and is its own key."""
    key = title_key(text)
    assert not any(char.isspace() or char == '"' for char in key)
    assert title_key(key.replace("_", " ")) == key or not key


@pytest.mark.parametrize("kind", KINDS)
def test_identifiers_of_every_kind_are_known_by_their_form(kind: str) -> None:
    """An identifier is taken in its normal form, and refused with a wrong length or sign."""
    value = VALUES[kind]
    assert recording_id(kind, f" {value} ") == RecordingId(kind, value)
    assert recording_id(kind, "") is recording_id(kind, "?" * 11) is recording_id(kind, value + "\0") is None


def test_the_last_sign_of_a_video_is_checked() -> None:
    """Only 16 signs can end the id of a video: words of eleven letters are not taken for ids."""
    assert recording_id("youtube", "dQw4w9WgXcR") is None
    assert recording_id("youtube", "Yr1nicOVtvkQ.wav") == RecordingId("youtube", "r1nicOVtvkQ")
    assert recording_id("youtube", "---g-f_I2yQ_000001") == RecordingId("youtube", "---g-f_I2yQ")


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://youtu.be/dQw4w9WgXcQ?si=x", "youtube:dQw4w9WgXcQ"),
        ("http://www.youtube.com/watch?list=a&v=dQw4w9WgXcQ&t=1", "youtube:dQw4w9WgXcQ"),
        ("https://music.youtube.com/watch?v=dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("m.youtube.com/shorts/dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        (
            "https://open.spotify.com/intl-de/track/4uLU6hMCjMI75M1A2tKUQC?si=1",
            "spotify:4uLU6hMCjMI75M1A2tKUQC",
        ),
        ("spotify:track:4uLU6hMCjMI75M1A2tKUQC", "spotify:4uLU6hMCjMI75M1A2tKUQC"),
        ("https://soundcloud.com/Forss/flickermood?in=x", "soundcloud:forss/flickermood"),
        ("forss.bandcamp.com/track/flickermood", "bandcamp:forss/flickermood"),
        ("https://www.deezer.com/en/track/3135556", "deezer:3135556"),
        ("https://freesound.org/people/a/sounds/123456/", "freesound:123456"),
        ("https://freesound.org/s/123456/", "freesound:123456"),
        ("https://www.jamendo.com/track/948/title", "jamendo:948"),
        ("https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQC", "None"),
        ("https://soundcloud.com/forss/sets/soulhack", "None"),
        ("https://youtube.com.example.org/watch?v=dQw4w9WgXcQ", "None"),
        ("https://example.org/?u=https://youtu.be/dQw4w9WgXcQ", "None"),
        ("https://[", "None"),
        ("javascript:alert(1)", "None"),
    ],
)
def test_pasted_links_name_a_recording_or_nothing(link: str, expected: str) -> None:
    """A link is known by its host and path; albums, playlists and other hosts are none."""
    assert str(linked_id(link)) == expected


@given(text=st.text(max_size=80))
def test_no_text_breaks_the_reading_of_links(text: str) -> None:
    """Any text is a link of a known form, or none."""
    for each in (text, f"https://{text}", f"https://youtu.be/{text}", f"https://soundcloud.com/{text}"):
        found = linked_id(each)
        assert found is None or recording_id(found.kind, found.value) == found


def test_an_identifier_is_found_with_its_case(tmp_path: Path) -> None:
    """The index does not keep case, the answer does."""
    one, other = RecordingId("youtube", "dQw4w9WgXcQ"), RecordingId("youtube", "DQw4w9WgXcQ")
    names = written(tmp_path / "a", [NameEntry(place="1", ids=(one,)), NameEntry(place="2", ids=(other,))])
    (found,) = names.find(NameEntry(place="", ids=(other,)))
    assert (found.kind, found.e_value, [each.place for each in found.entries]) == ("youtube", None, ["2"])


def test_identifiers_of_every_kind_are_found(tmp_path: Path) -> None:
    """Each kind finds its own entry only, also where another kind has the same text."""
    ids = [RecordingId(kind, value) for kind, value in VALUES.items()]
    names = written(tmp_path / "a", [NameEntry(place=str(each), ids=(each,)) for each in ids])
    for each in ids:
        (found,) = names.find(NameEntry(place="", ids=(each,)))
        assert [entry.place for entry in found.entries] == [str(each)]


words = st.sampled_from(["rain", "Intro", "Love", "night bus", "???", "Ümlaut", "夜"])
lists = st.lists(st.tuples(words, words), min_size=1, max_size=30)


@given(pairs=lists, artist=words, title=words)
def test_a_look_up_agrees_with_counting_by_hand(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], artist: str, title: str
) -> None:
    """Entries and E-value are those that a loop over the list counts."""
    path = tmp_path_factory.mktemp("names") / "a"
    names = written(path, [named(a, t, place=str(n)) for n, (a, t) in enumerate(pairs)])
    both = [str(n) for n, pair in enumerate(pairs) if pair == (artist, title)]
    expected = sum(a == artist for a, _ in pairs) * sum(t == title for _, t in pairs) / len(pairs)
    found = names.find(named(artist, title))
    assert names.expected(named(artist, title)) == pytest.approx(expected)
    assert [(each.n_entries, each.e_value) for each in found] == ([(len(both), expected)] if both else [])
    for each in found:
        assert [entry.place for entry in each.entries] == both[:ENTRIES_SHOWN]
    names.close()


def test_shuffled_pairs_match_as_often_as_claimed(tmp_path: Path) -> None:
    """Artists and titles that are drawn apart from each other match as often as their E-values add up to."""
    draw = random.Random(7)
    artists = [f"artist {int(draw.paretovariate(0.7))}" for _ in range(2_000)]
    titles = [f"title {int(draw.paretovariate(0.6))}" for _ in range(2_000)]
    names = written(tmp_path / "a", map(named, artists, titles))
    asked = [named(draw.choice(artists), draw.choice(titles)) for _ in range(1_500)]
    claimed = sum(names.expected(each) for each in asked)
    observed = sum(each.n_entries for one in asked for each in names.find(one))
    assert claimed / 2 < observed < claimed * 2


def test_common_names_show_nothing_and_rare_ones_do(tmp_path: Path) -> None:
    """ "Intro" by "Alex" is expected by chance in a list where both are common; a rare title is not."""
    entries = [named("Alex", f"Song {n}") for n in range(100)]
    entries += [named(f"Artist {n}", "Intro") for n in range(100)]
    entries += [named("Alex", "Intro"), named("Alex", "Quiet Mill of Vik")]
    entries += [named(f"Other {n}", f"Piece {n}") for n in range(5_000)]
    names = written(tmp_path / "a", entries)
    (common,), (rare,) = names.find(named("Alex", "Intro")), names.find(named("Alex", "Quiet Mill of Vik"))
    assert common.e_value is not None and common.e_value > 1
    assert rare.e_value is not None and rare.e_value < 0.1


@given(
    artists=st.lists(st.text(min_size=1, max_size=5), max_size=3),
    title=st.none() | st.text(min_size=1, max_size=5),
    album=st.none() | st.text(max_size=5),
    duration_s=st.none() | st.floats(1, 1e6),
    kinds=st.lists(st.sampled_from(KINDS), unique=True, max_size=3),
)
def test_a_row_gives_back_its_entry(
    artists: list[str], title: str | None, album: str | None, duration_s: float | None, kinds: list[str]
) -> None:
    """What is stored is what was given, in one line, or nothing where it names nothing."""
    ids = tuple(RecordingId(kind, VALUES[kind]) for kind in kinds)
    entry = NameEntry(
        place="p", artists=tuple(artists), title=title, album=album, duration_s=duration_s, ids=ids
    )
    row = row_of(entry)
    if row is None:
        assert not ids and entry.keys is None
        return
    assert checked_row(list(row)) == row
    stored = entry_of(*row[:6])
    assert (stored.ids, stored.duration_s) == (ids, duration_s)
    assert row.is_named == (entry.keys is not None)
    if title is not None:
        assert stored.title == " ".join((stored.title or "").split()) or title.isascii()


@pytest.mark.parametrize(
    "row",
    [
        [None, None, None, None, None, None, "t:a", True],
        ["p", 1, None, None, None, None, "t:a", True],
        ["p", None, "\ud800", None, None, None, "t:a", True],
        ["p", None, None, None, float("nan"), None, "t:a", True],
        ["p", None, None, None, -1.0, None, "t:a", True],
        ["p", None, None, None, None, None, "x" * 10**6, True],
        ["p", None, None, None, None, None, "t:a", 1],
        ["p"],
    ],
)
def test_rows_of_a_wrong_form_are_refused(row: list[object]) -> None:
    """Nothing of another process is stored that is no row."""
    with pytest.raises(ValueError):
        checked_row(row)


def test_an_unfinished_list_leaves_nothing(tmp_path: Path) -> None:
    """A list appears when it is finished; one that was begun and not finished leaves the earlier one."""
    path = tmp_path / "a"
    written(path, [named("A", "B", place="old")]).close()
    with pytest.raises(KeyError), NameListWriter(path) as writer:
        writer.add([row for row in [row_of(named("A", "B", place="new"))] if row])
        raise KeyError
    (found,) = NameList(path).find(named("A", "B"))
    assert [each.place for each in found.entries] == ["old"]
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_damaged_or_newer_list_is_named(tmp_path: Path) -> None:
    """A list that is not as it was written is refused with its path."""
    path = tmp_path / "a"
    written(path, [named("A", "B")]).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE head SET value = 'earwitness.names/9' WHERE key = 'format'")
    with pytest.raises(NameListTooNew, match="names/9"):
        NameList(path)
    path.write_bytes(b"no database" * 100)
    with pytest.raises(NameListDamaged, match=str(path)):
        NameList(path)


def test_the_head_states_what_is_in_the_list(tmp_path: Path) -> None:
    """Entries that name nothing are not stored, and those with artist and title are counted."""
    entries = [
        named("A", "B"),
        NameEntry(place="x"),
        NameEntry(place="", ids=(RecordingId("isrc", "DEA122400001"),)),
    ]
    names = written(tmp_path / "a", entries)
    assert names.dataset == NamedDataset(**ABOUT, n_entries=2, n_named=1)  # type: ignore[arg-type]
    assert len(list(names.entries())) == 2


def test_a_python_without_full_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite has no FTS5, the error says so, and no file is left."""
    monkeypatch.setattr(write_name_list, "_SCHEMA", write_name_list._SCHEMA.replace("fts5", "fts5_missing"))
    with pytest.raises(FullTextMissing, match="no such module"):
        NameListWriter(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
