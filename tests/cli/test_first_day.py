"""The first day: a home with nothing in it, or with lists only, says what it can and what it cannot."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app
from tests.unit.api.made_packs import file_row, made_pack

SAMPLES = Path(__file__).parents[2] / "sample_audio"
WORK = SAMPLES / "originals" / "night_bus.opus"
MD5 = hashlib.md5(WORK.read_bytes()).digest()


def earwitness(*arguments: object, home: Path) -> Result:
    """Run one command."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


@pytest.fixture(params=["nothing", "a list", "a pack of files"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A home without any sound."""
    home = tmp_path / "home"
    if request.param == "a list":
        (tmp_path / "l.csv").write_text("artist,title\nA,B\nEarwitness,Night Bus\n")
        assert earwitness("index", tmp_path / "l.csv", "--name", "l", home=home).exit_code == 0
    if request.param == "a pack of files":
        pack = made_pack(tmp_path / "a.pack", files=[file_row("x/night.opus", WORK.read_bytes())])
        assert earwitness("pack", "add", pack, "--unsigned", home=home).exit_code == 0
    return home


@pytest.mark.parametrize("verb", ["check", "scan"])
def test_bytes_are_looked_up_where_there_is_no_sound(home: Path, tmp_path: Path, verb: str) -> None:
    """Every item is looked up; the answer says that no sound was compared, and never ends with 0."""
    out, source = tmp_path / "out.jsonl", SAMPLES / "originals"
    ran = earwitness(verb, source, "--out", out, home=home)
    missing = "dataset is indexed" if verb == "check" else "work is registered"
    assert ran.exit_code == 3, ran.output
    assert f"No sound was compared: no {missing}" in ran.stderr
    assert "with the digests of 270,1" in ran.stderr
    items = [json.loads(line) for line in out.read_text().splitlines()]
    assert {each["schema"] for each in items} == {"earwitness.same-file/1"}
    (night,) = [each for each in items if each["item"].endswith("night_bus.opus")]
    assert night["digests"]["md5"] == MD5.hex()
    known = [(each["dataset"], each["paths"]) for each in night["same_file"]]
    has_pack = any((home / "packs").glob("*/known.files"))
    assert known == ([("made-up", ["x/night.opus"])] if has_pack else [])
    assert ("made-up" in ran.stdout) == has_pack


@pytest.mark.parametrize("verb", ["check", "scan"])
def test_the_json_says_that_no_sound_was_compared(home: Path, tmp_path: Path, verb: str) -> None:
    """A program sees it in one field, and finds no verdict."""
    extra = ("--out", tmp_path / "out") if verb == "scan" else ()
    answer: dict[str, Any] = json.loads(earwitness(verb, WORK, *extra, "--json", home=home).stdout)
    assert answer["schema"] == f"earwitness.{verb}/1"
    assert answer["compared_by_sound"] is False
    assert answer["reason"] == ("nothing_indexed" if verb == "check" else "nothing_registered")
    assert answer["items"] == len(answer["looked_up"]) == 1
    assert "verdict" not in json.dumps(answer)


def test_a_text_of_links_is_told_how_it_is_asked(tmp_path: Path) -> None:
    """A list of one's works that is given as audio gets the option that reads it, once."""
    source = tmp_path / "links.txt"
    source.write_text("https://www.youtube.com/watch?v=dQw4w9WgXcQ\nRick Astley - Never Gonna Give You Up\n")
    ran = earwitness("check", source, home=tmp_path / "home")
    assert ran.exit_code == 3
    assert f"`earwitness check --catalogue {source}`" in ran.stdout


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("links.txt", "https://www.youtube.com/watch?v=dQw4w9WgXc{n}"),
        ("links.jsonl", '{{"audio": {{"path": "https://youtu.be/dQw4w9WgXc{n}"}}}}'),
    ],
)
def test_a_list_of_videos_is_a_list_of_links(tmp_path: Path, name: str, row: str) -> None:
    """Rows that are links alone hold no audio, which is said of each; what to do is said once."""
    source = tmp_path / name
    source.write_text("".join(row.format(n=n) + "\n" for n in range(3)))
    ran = earwitness("check", source, home=tmp_path / "home")
    assert ran.exit_code == 3
    assert ran.stdout.count("the list links to it, but holds no audio") == 3
    assert ran.stdout.count("What to do") == 1


def test_names_are_asked_too(tmp_path: Path) -> None:
    """Where a list is here, items are looked up by their tags and by their row in a list."""
    home, rows = tmp_path / "home", [f"A {n},B {n}" for n in range(40)]
    (tmp_path / "l.csv").write_text("\n".join(["artist,title", *rows]))
    assert earwitness("index", tmp_path / "l.csv", "--name", "l", home=home).exit_code == 0
    (tmp_path / "clips.csv").write_text(f"path,artist,title\n{WORK},a 7,B 7\n")
    ran = earwitness("scan", tmp_path / "clips.csv", "--root", SAMPLES, "--out", tmp_path / "o", home=home)
    assert ran.exit_code == 3, ran.output
    assert "; names with l (40 entries)" in ran.stderr
    assert "1 by l" in ran.stderr
    (item,) = map(json.loads, (tmp_path / "o").read_text().splitlines())
    assert [each["e_value"] for each in item["names"]] == [0.025]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("check", WORK, "--in", "x"), "no dataset is indexed"),
        (("check", WORK, "--format", "csv"), "no dataset is indexed"),
        (("scan", WORK, "--out", "-", "--format", "csv"), "no work is registered"),
        (("scan", WORK, "--out", "-", "--links", "LINKS"), "no work is registered"),
    ],
)
def test_what_needs_sound_is_an_error_with_the_right_hint(
    home: Path, tmp_path: Path, arguments: tuple[object, ...], text: str
) -> None:
    """The hint names what can be asked in this home: its lists by name, or bytes."""
    ran = earwitness(*(tmp_path / "links" if each == "LINKS" else each for each in arguments), home=home)
    assert ran.exit_code == 2
    assert text in ran.stderr
    asks_names = arguments[0] == "check" and any((home / "names").glob("*.names"))
    assert ("check --catalogue" in ran.stderr) == asks_names
    assert ("same-file" in ran.stderr) != asks_names


def test_a_list_that_is_registered_as_audio_is_told_how_it_is_kept(tmp_path: Path) -> None:
    """Nothing of a list of links is registered without `--catalogue`, and the hint does not say so."""
    source = tmp_path / "links.txt"
    source.write_text("https://www.youtube.com/watch?v=dQw4w9WgXcQ\n")
    ran = earwitness("register", source, home=tmp_path / "home")
    assert ran.exit_code == 3
    assert "What to do: `earwitness register --catalogue FILE` keeps works by name" in ran.stdout
    assert "is compared by" not in ran.output
