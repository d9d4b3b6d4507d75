"""The commands as a user gives them, end to end on the sample audio."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile as sf
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app
from earwitness.api.finding_json import schema
from earwitness.api.pipeline.searched_collections import open_library, works_of
from earwitness.api.settings import Settings
from tests.made_once import made_once

SAMPLES = Path(__file__).parents[2] / "sample_audio"
ORIGINALS, SCRAPED = SAMPLES / "originals", SAMPLES / "scraped.zip"
VALIDATOR = jsonschema.Draft202012Validator(schema())


def earwitness(*arguments: object, home: Path) -> Result:
    """Run one command."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample works registered and the sample dataset indexed; tests only read it."""

    def make(home: Path) -> None:
        two_workers = ("--effort", "fast", "--workers", "2")
        registered = earwitness("register", ORIGINALS, "--owner", "An Artist", *two_workers, home=home)
        assert registered.exit_code == 0, registered.output
        indexed = earwitness("index", SCRAPED, "--name", "scraped", *two_workers, home=home)
        assert indexed.exit_code == 0, indexed.output
        assert "registered" in registered.stdout

    return made_once(tmp_path_factory, "home-of-the-sample", make)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that cannot be read."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "empty.mp3").touch()
    (folder / "text.mp3").write_text("this is a letter\n" * 50)
    (folder / "inner.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + SCRAPED.read_bytes())
    (folder / "link.wav").symlink_to("/dev/null")
    write_wav(folder / "silent.wav", np.zeros(11_025 * 5))
    write_wav(folder / "short.wav", 0.3 * np.sin(np.arange(5_000) / 7))
    return folder


def write_wav(path: Path, samples: np.ndarray) -> None:
    """Write mono 16-bit sound at 11,025 Hz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(11_025)
        file.writeframes((samples * 32_000).astype("<i2").tobytes())


def lines_of(text: str) -> list[dict[str, Any]]:
    """Parse findings, each held to the schema."""
    findings = [json.loads(line) for line in text.splitlines()]
    for finding in findings:
        VALIDATOR.validate(finding)
    return findings


def test_a_work_matches_in_the_dataset(home: Path) -> None:
    """Checking an original names the dataset, the item and the segments; the exit status is 1."""
    done = earwitness("check", ORIGINALS / "paper_lanterns.opus", "--effort", "fast", home=home)
    assert done.exit_code == 1
    assert "paper_lanterns.opus is in scraped (version 1)" in done.stdout
    assert "item shard-0/clip_01.mp3" in done.stdout


def test_check_answers_in_json_and_csv(home: Path) -> None:
    """Every format has the same verdict for the same file."""
    arguments = ("check", ORIGINALS / "night_bus.opus", "--effort", "fast", "--format")
    (finding,) = lines_of(earwitness(*arguments, "jsonl", home=home).stdout)
    table = earwitness(*arguments, "csv", home=home).stdout
    assert finding["verdict"] == "match"
    assert finding["item"]["sha256"] in table


def test_a_scan_writes_a_finding_for_every_item(home: Path, tmp_path: Path) -> None:
    """Each item has its line, unreadable ones with the reason; the exclude list names what matches."""
    out, listed = tmp_path / "out.jsonl", tmp_path / "exclude.txt"
    done = earwitness("scan", SCRAPED, "--out", out, "--exclude-list", listed, "--effort", "fast", home=home)
    findings = {each["item"]["id"]: each for each in lines_of(out.read_text())}
    with zipfile.ZipFile(SCRAPED) as archive:
        assert list(findings) == [name for name in archive.namelist() if not name.endswith("/")]
    matched = [name for name, each in findings.items() if each["verdict"] == "match"]
    assert done.exit_code == 1
    assert listed.read_text().split() == matched
    assert "could not be read" in done.stderr
    assert [path.name for path in tmp_path.iterdir()].count("out.jsonl.partial") == 0


def test_a_scan_writes_every_requested_output(home: Path, tmp_path: Path) -> None:
    """The page shows item and work in a figure and loads nothing; the clean manifest lacks what matched."""
    names = ("report.html", "clean.jsonl", "links.jsonl")
    page, clean, links = (tmp_path / name for name in names)
    extras = ("--report", page, "--clean-manifest", clean, "--links", links)
    out = tmp_path / "out.jsonl"
    earwitness("scan", SCRAPED, "--out", out, "--effort", "fast", *extras, home=home)
    findings = {each["item"]["id"]: each["verdict"] for each in lines_of(out.read_text())}
    text = page.read_text()
    assert text.count("data:image/png") == text.count("<figure>") > 0
    assert "http" not in text.replace("http-equiv", "")
    remaining = {json.loads(line)["id"] for line in clean.read_text().splitlines()}
    assert remaining == {name for name, verdict in findings.items() if verdict != "match"}
    assert links.read_text() == ""


@pytest.mark.parametrize("with_report", [False, True])
def test_only_a_report_loads_what_draws(home: Path, tmp_path: Path, with_report: bool) -> None:
    """A scan loads matplotlib and librosa where it draws figures of matches, and otherwise neither."""
    command = [
        "earwitness",
        "--home",
        str(home),
        "scan",
        str(ORIGINALS / "tin_parade.mp3"),
        "--effort",
        "fast",
    ]
    command += ["--out", str(tmp_path / "out.jsonl")]
    command += ["--report", str(tmp_path / "page.html")] if with_report else []
    code = (
        f"import sys\nfrom earwitness.api.cli import main\nsys.argv = {command!r}\n"
        "try:\n    main()\nfinally:\n"
        "    print('LOADED', sorted({'librosa', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr  # it matches itself
    assert f"LOADED {['librosa', 'matplotlib'] if with_report else []}" in done.stderr


def test_dedup_leaves_one_of_each_group(tmp_path: Path) -> None:
    """The same piece twice, once cut short, is one group, of which the longer stays."""
    source = tmp_path / "source"
    source.mkdir()
    sound, rate = sf.read(ORIGINALS / "tin_parade.mp3")
    sf.write(source / "song.wav", sound, rate)
    sf.write(source / "cut.wav", sound[: rate * 10], rate)
    shutil.copy(ORIGINALS / "slow_harbour.mp3", source / "other.mp3")
    keep, groups = tmp_path / "keep", tmp_path / "groups"
    done = earwitness("dedup", source, "--keep-list", keep, "--out", groups, home=tmp_path / "home")
    assert done.exit_code == 1, done.output
    assert keep.read_text().split() == ["other.mp3", "song.wav"]
    assert json.loads(groups.read_text())["others"] == ["cut.wav"]


def test_a_scan_has_the_same_findings_in_any_archive_format(home: Path, tmp_path: Path) -> None:
    """A folder and a zip of the same files give the same findings, of which the second are remembered."""
    with zipfile.ZipFile(SCRAPED) as archive:
        archive.extractall(tmp_path / "folder")  # our own file
    outs = [tmp_path / "zip.jsonl", tmp_path / "folder.jsonl"]
    for source, out in zip((SCRAPED, tmp_path / "folder"), outs, strict=True):
        earwitness("scan", source, "--out", out, "--effort", "fast", home=home)
    by_id = [sorted(out.read_text().splitlines()) for out in outs]
    assert by_id[0] == by_id[1]


def test_a_diff_of_a_scan_with_itself_is_empty(home: Path, tmp_path: Path) -> None:
    """A match of an earlier scan is `still there`; in a baseline it does not count."""
    arguments = ("scan", SCRAPED, "--effort", "fast", "--out")
    earwitness(*arguments, tmp_path / "old.jsonl", home=home)
    known = ("--diff", tmp_path / "old.jsonl", "--baseline", tmp_path / "old.jsonl")
    done = earwitness(*arguments, tmp_path / "new.jsonl", *known, home=home)
    assert "added: 0" in done.stdout
    assert "removed: 0" in done.stdout
    assert done.exit_code == 3  # no new match, and one item is unreadable


def test_a_quick_look_is_marked_as_partial(home: Path, tmp_path: Path) -> None:
    """If not every item was compared, the report is partial."""
    quick = ("--sample-every", "3", "--effort", "fast")
    done = earwitness("scan", SCRAPED, "--out", tmp_path / "o", *quick, home=home)
    assert "partial" in done.stderr
    assert len((tmp_path / "o").read_text().splitlines()) == 3


def test_nothing_unread_reads_as_no_match(home: Path, bad: Path, tmp_path: Path) -> None:
    """Every bad file is accounted for by its own reason, and none of them by "no match"."""
    out = tmp_path / "out.jsonl"
    done = earwitness("scan", bad, "--out", out, "--effort", "fast", home=home)
    codes = {each["item"]["id"]: each["error"]["code"] for each in lines_of(out.read_text())}
    assert codes == {
        "empty.mp3": "empty_file",
        "inner.7z": "closed_archive",
        "link.wav": "link_refused",
        "short.wav": "too_short_or_silent",
        "silent.wav": "too_short_or_silent",
        "text.mp3": "not_audio",
    }
    assert done.exit_code == 3


def test_a_missing_file_does_not_stop_the_others(home: Path, tmp_path: Path) -> None:
    """A path that does not exist is one finding; the next file is checked all the same."""
    options = (
        tmp_path / "nowhere.mp3",
        ORIGINALS / "night_bus.opus",
        "--effort",
        "fast",
        "--format",
        "jsonl",
    )
    missing, there = lines_of(earwitness("check", *options, home=home).stdout)
    assert missing["error"]["code"] == "source_not_found"
    assert there["verdict"] == "match"


def test_registering_again_is_reported(home: Path) -> None:
    """The same audio of the same owner is one work."""
    again = ORIGINALS / "night_bus.opus"
    done = earwitness("register", again, "--owner", "An Artist", home=home)
    assert "is registered already." in done.stdout
    assert done.exit_code == 0


def test_registering_again_updates_title_and_isrc(tmp_path: Path) -> None:
    """New metadata of the same owner is stored, also for a moved file; another owner's is not."""
    home, first, moved = tmp_path / "home", tmp_path / "song.mp3", tmp_path / "moved.mp3"
    shutil.copy(ORIGINALS / "tin_parade.mp3", first)
    shutil.copy(first, moved)

    def again(path: Path, *output: str) -> tuple[str, int, list[tuple[str | None, str | None, str | None]]]:
        done = earwitness("register", path, *output, "--effort", "fast", home=home)
        with open_library(Settings(home=home)) as library:
            works = works_of(library.collections)[0]
            rows = [(item.title, item.owner, item.isrc) for item in library.listing(works.id)]
        return done.stdout, done.exit_code, rows

    assert again(first)[2] == [(None, None, None)]
    output, code, rows = again(first, "--owner", "A", "--title", "One")
    assert ("was updated" in output, code, rows) == (True, 0, [("One", "A", None)])
    output, code, rows = again(moved, "--owner", "A", "--isrc", "QZABC2400001")
    assert ("was updated" in output, code, rows) == (True, 0, [("One", "A", "QZABC2400001")])
    output, code, rows = again(moved, "--title", "One")
    assert ("registered already." in output, code, rows) == (True, 0, [("One", "A", "QZABC2400001")])
    output, code, rows = again(first, "--owner", "B", "--title", "Mine")
    assert ("another owner" in output, code, rows) == (True, 3, [("One", "A", "QZABC2400001")])
    assert len(again(moved, "--owner", "B")[2]) == 2


def test_what_is_no_work_is_refused_with_the_reason(home: Path, bad: Path) -> None:
    """Silence does not become a work."""
    done = earwitness("register", bad / "silent.wav", home=home)
    assert "silent.wav was not registered" in done.stdout
    assert "What to do" in done.stdout
    assert done.exit_code == 3


def test_indexing_again_adds_nothing(home: Path) -> None:
    """What is indexed already is there already."""
    done = earwitness("index", SCRAPED, "--name", "scraped", "--effort", "fast", home=home)
    assert "0 items added" in done.stdout


def test_upkeep(home: Path, tmp_path: Path) -> None:
    """Everything stored is intact, is written to one file, and is restored from it."""
    assert earwitness("verify", home=home).exit_code == 0
    assert earwitness("backup", tmp_path / "b", home=home).exit_code == 0
    elsewhere = tmp_path / "elsewhere"
    assert earwitness("restore", tmp_path / "b", home=elsewhere).exit_code == 0
    assert earwitness("remove", "scraped", "--yes", home=elsewhere).exit_code == 0
    removed = earwitness("remove", "--work", "night_bus.opus", "--yes", home=elsewhere)
    assert "1 items and 1 fingerprints" in removed.stdout
    known = earwitness("collections", "--format", "jsonl", home=elsewhere)
    assert [json.loads(line)["n_items"] for line in known.stdout.splitlines()] == [4]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("check", ORIGINALS / "night_bus.opus", "--format", "csv"), "no dataset is indexed"),
        (("scan", SCRAPED, "--out", "-", "--report", "/tmp/none.html"), "no work is registered"),
        (("scan", SCRAPED, "--out", "/nowhere/out"), "/nowhere does not exist"),
        (("index", "/nowhere", "--name", "x"), "/nowhere does not exist"),
        (("restore", "/nowhere"), "/nowhere does not exist"),
        (("scan",), ""),
        (("check", "x", "--effort", "utmost"), ""),
    ],
    ids=lambda value: " ".join(map(str, value))[:30] if isinstance(value, tuple) else "",
)
def test_a_command_that_cannot_run_exits_2(arguments: tuple[object, ...], text: str, tmp_path: Path) -> None:
    """A search of an empty home is an error with a hint, never `no_match`."""
    done = earwitness(*arguments, home=tmp_path / "home")
    assert done.exit_code == 2
    assert text in done.stderr


def test_no_dataset_is_not_no_match(tmp_path: Path) -> None:
    """With works only, a check has no sound to compare with, says so, and never ends with 0."""
    work = tmp_path / "work.mp3"
    shutil.copy(ORIGINALS / "tin_parade.mp3", work)
    assert earwitness("register", work, home=tmp_path / "home").exit_code == 0
    done = earwitness("check", work, home=tmp_path / "home")
    assert done.exit_code == 3
    assert "No sound was compared: no dataset is indexed" in done.stderr


def test_a_home_that_is_written_is_busy(home: Path) -> None:
    """Of two writers at once, the second gets an error that names the first, with a hint."""
    from earwitness.index.store.home_address import HomeAddress
    from earwitness.index.writer import Writer

    with Writer.open(HomeAddress(home)):
        done = earwitness("index", SCRAPED, "--name", "other", home=home)
    assert done.exit_code == 2
    assert "is being written by" in done.stderr


@pytest.mark.parametrize("centre", ["voice", "music"])
def test_a_work_out_of_phase_under_other_sound_matches(home: Path, tmp_path: Path, centre: str) -> None:
    """Left holds the work and other sound as loud, right the other sound and the work turned round."""
    rate_hz, length = 22_050, 10 * 22_050
    work, other = (
        sf.read(ORIGINALS / name, frames=length, always_2d=True, dtype="float32")[0].mean(axis=1)
        for name in ("tin_parade.mp3", "slow_harbour.mp3")
    )
    if centre == "voice":  # loud and soft by turns, as syllables are
        other = np.random.default_rng(3).standard_normal(length).astype(np.float32)
        other *= np.maximum(0, np.sin(2 * np.pi * 3 * np.arange(length) / rate_hz)).astype(np.float32)
    other *= np.std(work) / np.std(other)
    path = tmp_path / "sides.wav"
    sf.write(path, 0.3 * np.stack([other + work, other - work], axis=1), rate_hz)
    out = tmp_path / "findings.jsonl"
    earwitness("scan", path, "--out", out, "--effort", "fast", home=home)
    (finding,) = lines_of(out.read_text())
    assert "tin_parade.mp3" in {match["recording"]["path"].rpartition("/")[2] for match in finding["matches"]}


def test_the_shelf_lists_datasets_by_evidence(home: Path, tmp_path: Path) -> None:
    """Cards and known files are there without an index; what is indexed is added by sound."""
    fresh = earwitness("shelf", "--json", home=tmp_path / "fresh")
    by_id = {each["id"]: each for each in json.loads(fresh.stdout)["datasets"]}
    assert [each["kind"] for each in by_id["fsd50k"]["evidence"]] == ["file"]
    assert by_id["laion_disco_12m"]["evidence"] == []
    with_index = earwitness("shelf", "--json", home=home)
    indexed = {each["id"]: each for each in json.loads(with_index.stdout)["datasets"]}
    assert [each["kind"] for each in indexed["scraped"]["evidence"]] == ["sound"]
    table = earwitness("shelf", home=tmp_path / "fresh")
    assert table.exit_code == 0 and "51,197" in table.stdout


def test_the_shelf_shows_a_card(tmp_path: Path) -> None:
    """A card shows its sources and what presence does not prove; an unknown name gets similar ones."""
    card = earwitness("shelf", "FSD50K", home=tmp_path)
    assert card.exit_code == 0
    assert "soundata 0.1.3, soundata/datasets/fsd50k.py, 2024-02-07" in card.stdout
    assert "does not show that anybody trained" in card.stdout
    unknown = earwitness("shelf", "laion-disco", home=tmp_path)
    assert unknown.exit_code == 2 and "laion_disco_12m" in unknown.stderr
