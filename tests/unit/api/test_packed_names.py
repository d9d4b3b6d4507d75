"""Names in packs: they answer as the list that they are from, and hostile rows are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app
from earwitness.api.packs.add_pack import add_pack
from earwitness.api.packs.pack_errors import PackDamaged
from earwitness.api.packs.verify_pack import verify_pack
from earwitness.api.shelf.stored_names import open_names
from tests.unit.api.made_packs import made_pack, settings

VIDEO = "dQw4w9WgXcQ"
ROW: dict[str, Any] = {
    "place": "l.csv#0",
    "artists": ["A", "B"],
    "title": "Nacht",
    "album": None,
    "duration_s": 12.5,
    "ids": [f"youtube:{VIDEO}", "soundcloud:a/b"],
}
HOSTILE: dict[str, dict[str, Any]] = {
    "an unknown kind": {"ids": [f"yt:{VIDEO}"]},
    "an invalid identifier": {"ids": ["youtube:short"]},
    "an identifier without kind": {"ids": [VIDEO]},
    "a long title": {"title": "x" * 5_000},
    "many artists": {"artists": ["x"] * 1_000},
    "a negative length": {"duration_s": -1.0},
    "an infinite length": {"duration_s": float("inf")},
    "a row that names nothing": {"ids": [], "title": None},
    "no place": {"place": None},
}


def run(home: Path, *arguments: object) -> Result:
    """Run a command in a home."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


def test_a_pack_of_names_answers_as_its_list(tmp_path: Path) -> None:
    """What a list answers in one home, its pack answers in another; it is shown and removed as a pack."""
    songs, mine, pack = tmp_path / "songs.csv", tmp_path / "mine.csv", tmp_path / "songs.pack"
    rows = [f"Artist {n},Song {n}," for n in range(50)]
    songs.write_text("\n".join(["artist,title,link", *rows, f"X,Y,https://youtu.be/{VIDEO}"]))
    mine.write_text(f"artist,title,link\nArtist 3,song 3,\nMe,Mine,youtu.be/{VIDEO}\nMe,Other,\n")
    one, other = tmp_path / "one", tmp_path / "other"
    assert run(one, "index", songs, "--name", "songs").exit_code == 0
    made = run(one, "pack", "make", "songs", "--out", pack)
    assert made.exit_code == 0 and "names of 51 entries" in made.stdout
    assert "names of 51 entries" in run(other, "pack", "verify", pack).stdout
    assert run(other, "pack", "add", pack, "--unsigned").exit_code == 0
    answers = []
    for home in (one, other):
        answer = json.loads(run(home, "check", "--catalogue", mine, "--json").stdout)
        for each in (found for work in answer["works"] for found in work["names"]):
            assert each.pop("listed_by").endswith("indexed here" if home == one else "nobody signed it")
            assert each.pop("card") == (None if home == one else "songs")
        answers.append(answer)
    assert answers[0] == answers[1]
    assert answers[0]["named"] == 2
    assert run(other, "pack", "remove", "songs").exit_code == 0
    assert run(other, "check", "--catalogue", mine).exit_code == 2


def test_names_can_be_left_out(tmp_path: Path) -> None:
    """A pack of a list without its names would hold nothing, and is not made."""
    songs = tmp_path / "songs.csv"
    songs.write_text("artist,title\nA,B\n")
    run(tmp_path / "home", "index", songs, "--name", "songs")
    made = run(tmp_path / "home", "pack", "make", "songs", "--out", tmp_path / "a.pack", "--without", "names")
    assert made.exit_code == 2 and not (tmp_path / "a.pack").exists()


def test_names_of_a_pack_are_read_back(tmp_path: Path) -> None:
    """Every column of an entry is kept, with who made the list."""
    add_pack(made_pack(tmp_path / "a.pack", names=[ROW]), settings(tmp_path / "home"), unsigned=True)
    (names,) = open_names(settings(tmp_path / "home"))
    (entry,) = names.entries()
    assert (entry.place, entry.artists, entry.title, entry.duration_s) == (
        "l.csv#0",
        ("A", "B"),
        "Nacht",
        12.5,
    )
    assert list(map(str, entry.ids)) == ROW["ids"]
    assert (names.dataset.card, names.dataset.listed_by) == (
        "made_up",
        "pack of 2026-01-03, nobody signed it",
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_and_leave_nothing(tmp_path: Path, name: str) -> None:
    """A row that is not valid is named with its part, and nothing of the pack is there afterwards."""
    home = settings(tmp_path / "home")
    pack = made_pack(tmp_path / "a.pack", names=[ROW, {**ROW, **HOSTILE[name]}])
    with pytest.raises(PackDamaged, match=r"names\.parquet has a row that is not valid \(1\)"):
        verify_pack(pack, home)
    with pytest.raises(PackDamaged, match=r"names\.parquet"):
        add_pack(pack, home, unsigned=True)
    assert open_names(home) == []
