"""The evidence "by name": lists are kept as names, works are answered, and no verdict is raised by a name."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app
from earwitness.api.finding_json import from_json, schema, to_json
from earwitness.api.findings import Finding
from earwitness.api.scan.outputs import write_findings
from earwitness.api.scan.tally import Tally
from earwitness.api.sentences import sentence, summary
from earwitness.api.shelf.names_evidence import NamedEntry, NamedIn, surest_first
from earwitness.api.shelf.stored_names import LOCK_FILE
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding

VIDEO = "dQw4w9WgXcQ"
BY_ID = NamedIn(
    dataset="AudioCaps",
    version="2",
    card="audiocaps",
    kind="youtube",
    value=VIDEO,
    e_value=None,
    entries=(NamedEntry(place="l.csv#1", artists=(), title=None, album=None, ids=(f"youtube:{VIDEO}",)),),
    n_entries=1,
    n_listed=49_810,
    listed_by="indexed here",
)
BY_NAME = replace(
    BY_ID,
    dataset="DISCO",
    card=None,
    kind="artist_title",
    value="A: B",
    e_value=3e-7,
    entries=(NamedEntry(place="l.csv#2", artists=("A",), title="B", album="C", ids=()),),
    n_entries=2,
)
NOISE = replace(BY_NAME, dataset="Other", e_value=4.0)
SONGS = [
    ("Forss", "Flickermood", f"https://youtu.be/{VIDEO}"),
    *((f"Artist {n}", f"Song {n}", "") for n in range(99)),
]


def absent(**changed: object) -> Finding:
    """A finding without a match."""
    return replace(finding(), verdict=Verdict.NO_MATCH, matches=(), error=None, **changed)  # type: ignore[arg-type]


def run(home: Path, *arguments: object) -> Result:
    """Run a command in a home."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


def table(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    """Write a list of artists, titles and links."""
    lines = ["artist,title,link", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the names of one dataset."""
    songs = table(tmp_path / "songs.csv", SONGS)
    ran = run(tmp_path / "home", "index", songs, "--name", "Some Songs", "--version", "3")
    assert ran.exit_code == 0, ran.output
    assert "Some Songs version 3: a list without audio, 100 names kept" in ran.stdout
    return tmp_path / "home"


def test_a_finding_with_names_has_the_form_of_the_schema(tmp_path: Path) -> None:
    """The evidence is written and read without loss in every form; without it the key is left out."""
    named = absent(names=(BY_ID, BY_NAME, NOISE))
    fields = to_json(named)
    jsonschema.validate(fields, schema())
    assert from_json(json.loads(json.dumps(fields))).names == (BY_ID, BY_NAME, NOISE)
    assert "names" not in to_json(absent())
    write_findings([named, absent()], tmp_path / "a.parquet", form="parquet")
    first, second = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert (first["names"], second["names"]) == (fields["names"], None)


def test_names_do_not_change_the_verdict() -> None:
    """The sentence by sound stays as it is; names are said in sentences of their own."""
    plain, named = absent(), absent(names=(BY_ID, BY_NAME, NOISE))
    assert sentence(named) == (
        f"{sentence(plain)} By name: AudioCaps has 1 entry with the same YouTube identifier;"
        " DISCO has 2 entries with this artist and title (3.0e-07 expected by chance)."
        " Entries with this artist and title in Other show nothing: such names are common there."
    )
    assert named.verdict is plain.verdict
    tally = Tally()
    tally.count(named)
    assert tally.exit_code(strict=True) == 0
    assert tally.names == {"AudioCaps": 1, "DISCO": 1}
    assert "By their names, items are listed by known datasets: 1 by AudioCaps, 1 by DISCO." in summary(tally)


def test_identifiers_come_before_names() -> None:
    """The surest evidence is the first."""
    assert surest_first([NOISE, BY_NAME, BY_ID]) == (BY_ID, BY_NAME, NOISE)


def test_a_list_is_kept_as_names_without_findings(home: Path) -> None:
    """A list without audio becomes no collection of unreadable items; the shelf shows its entries."""
    stored = json.loads(run(home, "collections", "--json").stdout)
    assert stored["collections"] == []
    assert "By name only: 1 list of a dataset" in run(home, "collections").stdout
    (entry,) = [
        each
        for each in json.loads(run(home, "shelf", "--json").stdout)["datasets"]
        if each["id"] == "Some Songs"
    ]
    assert [(each["kind"], each["n_entries"], each["version"]) for each in entry["evidence"]] == [
        ("name", 100, "3")
    ]


def test_works_without_audio_are_answered_by_name(home: Path, tmp_path: Path) -> None:
    """A creator's list is asked without being stored: by link, by artist and title, or not at all."""
    mine = table(
        tmp_path / "mine.csv",
        [
            ("Me", "Mine", f"https://www.youtube.com/watch?v={VIDEO}"),
            ("artist 7", "SONG 7", ""),
            ("Me", "Other", ""),
        ],
    )
    out = tmp_path / "answers.jsonl"
    ran = run(home, "check", "--catalogue", mine, "--json", "--out", out)
    assert ran.exit_code == 1, ran.output
    answer = json.loads(ran.stdout)
    assert answer["named"] == 2
    found = [[(each["kind"], each["e_value"]) for each in one["names"]] for one in answer["works"]]
    assert found == [[("youtube", None)], [("artist_title", 0.01)], []]
    assert [json.loads(line) for line in out.read_text().splitlines()] == answer["works"]
    assert run(home, "check", "--catalogue", table(mine, [("No", "body", "")])).exit_code == 0
    assert not list((home / "names").glob("*.works"))


def test_a_list_without_a_header_is_read_line_by_line(home: Path, tmp_path: Path) -> None:
    """Links and ``artist - title`` lines are asked; a line that is nothing of this is named by its place."""
    mine = tmp_path / "mine.txt"
    mine.write_text(f"https://youtu.be/{VIDEO}\n\nArtist 7 - Song 7\nsomething else\nMe - Other\n")
    ran = run(home, "check", "--catalogue", mine, "--json")
    assert ran.exit_code == 1 and "something else" in ran.stderr, ran.output
    answer = json.loads(ran.stdout)
    assert [[each["kind"] for each in one["names"]] for one in answer["works"]] == [
        ["youtube"],
        ["artist_title"],
        [],
    ]
    assert [one["work"]["place"] for one in answer["works"]] == ["mine.txt#0", "mine.txt#1", "mine.txt#3"]
    assert answer["unknown"] == ["mine.txt#2: something else"]
    ran = run(home, "register", "--catalogue", mine)
    assert "3 works registered by name, 3 of them new" in ran.stdout


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_list_without_a_header_may_be_text_of_windows(home: Path, tmp_path: Path, encoding: str) -> None:
    """UTF-8 and UTF-16 with a byte order mark are read; of other text the reason is said."""
    mine = tmp_path / "mine.txt"
    other = "M\N{LATIN SMALL LETTER E WITH ACUTE} - Other"
    mine.write_bytes(f"https://youtu.be/{VIDEO}\r\n{other}\r\n".encode(encoding))
    assert run(home, "check", "--catalogue", mine).exit_code == 1
    mine.write_bytes(other.encode("latin-1"))
    ran = run(home, "check", "--catalogue", mine)
    assert ran.exit_code == 2 and "no text in UTF-8" in ran.stderr


def test_registered_names_are_found_by_later_lists(home: Path, tmp_path: Path) -> None:
    """A work that was registered by name is named when a list that holds it is indexed."""
    mine = table(tmp_path / "mine.csv", [("New", "Thing", ""), ("Forss", "flickermood", "")])
    ran = run(home, "register", "--catalogue", mine)
    assert ran.exit_code == 0 and "2 works registered by name, 2 of them new" in ran.stdout
    assert "flickermood by Forss. By name: Some Songs has 1 entry" in ran.stdout
    assert "2 works registered by name, 0 of them new" in run(home, "register", "--catalogue", mine).stdout
    later = table(tmp_path / "later.csv", [("New", "Thing (Official Video)", ""), *SONGS[1:]])
    ran = run(home, "index", later, "--name", "Later")
    assert "It names 1 registered work:" in ran.stdout and "Thing by New" in ran.stdout


def test_a_list_is_replaced_and_removed(home: Path, tmp_path: Path) -> None:
    """Indexing a list again replaces its names; removing the dataset removes them."""
    fewer = table(tmp_path / "fewer.csv", SONGS[:3])
    assert "3 names kept" in run(home, "index", fewer, "--name", "Some Songs", "--version", "3").stdout
    ran = run(home, "remove", "Some Songs", "--yes", "--json")
    assert ran.exit_code == 0 and json.loads(ran.stdout)["names"] == 3
    mine = table(tmp_path / "mine.csv", SONGS[:1])
    ran = run(home, "check", "--catalogue", mine)
    assert ran.exit_code == 2 and "holds no list of names" in ran.stderr


def test_what_is_no_list_of_works_is_refused(home: Path, tmp_path: Path) -> None:
    """A file without works, a missing one, and a command without audio end with an error and a hint."""
    (tmp_path / "a.csv").write_text("colour,size\nred,1\n")
    for name in ("a.csv", "missing.csv"):
        ran = run(home, "check", "--catalogue", tmp_path / name)
        assert ran.exit_code == 2 and "cannot be read as a list of works" in ran.stderr
    assert run(home, "check").exit_code == 2
    assert run(home, "register", "x.wav", "--catalogue", tmp_path / "a.csv").exit_code == 2


def test_rows_without_a_work_are_reported(home: Path, tmp_path: Path) -> None:
    """A row that names nothing is counted, and the status says that not all rows are works."""
    ran = run(home, "register", "--catalogue", table(tmp_path / "m.csv", [("A", "B", ""), ("A", "", "")]))
    assert ran.exit_code == 3 and "Left out: 1 row with neither" in ran.stderr


def test_a_mistyped_link_is_not_passed_over_in_silence(home: Path, tmp_path: Path) -> None:
    """A text that is no identifier is named, and the status says that not all was asked."""
    mine = table(tmp_path / "mine.csv", [("No", "Body", "https://youtu.be/mistyped")])
    for verb in ("check", "register"):
        ran = run(home, verb, "--catalogue", mine, "--json")
        assert ran.exit_code == 3 and "mine.csv#0: https://youtu.be/mistyped" in ran.stderr
        answer = json.loads(ran.stdout)
        assert (answer["not_understood"], answer["complete"]) == (1, True)


def test_a_list_that_was_not_read_to_its_end_is_named_where_it_is_asked(home: Path, tmp_path: Path) -> None:
    """An answer of an incomplete list says so: what it does not name, it may name in its rest."""
    lines = "".join(f"A {number},{number * 7919}\n" for number in range(20_000))
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(f"artist,title\n{lines}".encode())[:-20_000])
    assert "not read to its end" in run(home, "index", tmp_path / "cut.csv.gz", "--name", "Cut").stdout
    ran = run(home, "check", "--catalogue", table(tmp_path / "m.csv", [("No", "body", "")]), "--json")
    assert "Not read to their end when they were indexed: Cut." in ran.stderr
    lists = {each["dataset"]: each["complete"] for each in json.loads(ran.stdout)["lists"]}
    assert lists["Cut"] is False


def test_what_a_killed_run_left_is_deleted_and_two_runs_do_not_mix(home: Path, tmp_path: Path) -> None:
    """An unfinished list is no list; while one process changes the names, another is refused."""
    left = home / "names" / ".tmp-left"
    left.write_bytes(b"half")
    songs = table(tmp_path / "more.csv", SONGS[:5])
    with FileLock(home / "names" / LOCK_FILE):
        ran = run(home, "index", songs, "--name", "More")
        assert ran.exit_code == 2 and "names" in ran.stderr
    assert run(home, "index", songs, "--name", "More").exit_code == 0
    assert not left.exists()
    assert len(list((home / "names").glob("*.names"))) == 2
