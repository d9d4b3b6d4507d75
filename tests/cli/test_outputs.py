"""Outputs that exist, standard output and devices as outputs, and answers as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app
from tests.made_once import made_once

SAMPLES = Path(__file__).parents[2] / "sample_audio"
WORK = SAMPLES / "originals/tin_parade.mp3"
SCRAPED = SAMPLES / "scraped.zip"
QUICK = ("--effort", "fast")
SCRIPT = Path(sys.executable).with_name("earwitness")


def earwitness(*arguments: object, home: Path) -> Result:
    """Run one command; its standard input is no terminal."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one work and one dataset."""

    def make(home: Path) -> None:
        assert earwitness("register", WORK, "--owner", "An Artist", *QUICK, home=home).exit_code == 0
        assert earwitness("index", SCRAPED, "--name", "scraped", *QUICK, home=home).exit_code == 0

    return made_once(tmp_path_factory, "home-of-one-work", make)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("scan", WORK, "--out", "NEW"), "--exclude-list"),
        (("scan", WORK, "--out", "NEW"), "--clean-manifest"),
        (("scan", WORK, "--out", "NEW"), "--report"),
        (("scan", WORK, "--out", "NEW"), "--links"),
        (("scan", WORK), "--out"),
        (("index", WORK, "--name", "again"), "--out"),
        (("dedup", WORK), "--out"),
        (("dedup", WORK), "--keep-list"),
        (("check", WORK), "--out"),
        (("backup",), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_no_output_replaces_a_file_unasked(
    command: tuple[object, ...], option: str, home: Path, tmp_path: Path
) -> None:
    """Without a terminal, an existing output is an error before any work is done."""
    existing = tmp_path / "existing"
    existing.write_text("mine")
    arguments = [tmp_path / "new" if each == "NEW" else each for each in command]
    arguments += [option, existing] if option else [existing]
    done = earwitness(*arguments, home=home)
    assert done.exit_code == 2
    assert "exists already" in done.stderr
    assert "--force" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["existing"]
    assert existing.read_text() == "mine"
    if command[0] in {"backup", "check"}:
        assert earwitness(*arguments, "--force", home=home).exit_code in {0, 1}
        assert existing.read_bytes() != b"mine"


def test_a_resumed_scan_does_not_ask_again(home: Path, tmp_path: Path) -> None:
    """--resume does not ask again whether to replace the old file."""
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    assert earwitness("scan", WORK, "--out", out, *QUICK, "--resume", home=home).exit_code == 2
    begun = earwitness("scan", SCRAPED, "--out", tmp_path / "other", *QUICK, home=home)
    assert begun.exit_code == 1
    (tmp_path / "out.jsonl.partial").write_text("")
    assert earwitness("scan", WORK, "--out", out, *QUICK, "--resume", home=home).exit_code == 1
    assert out.read_text() != "old"


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", WORK, "--out", "-"),
        ("scan", SCRAPED, "--out", "FILE", "--clean-manifest", "-"),
        ("index", WORK, "--name", "streamed", "--out", "-"),
        ("dedup", WORK, "--keep-list", "-"),
    ],
    ids=lambda value: " ".join(map(str, value))[:12] + str(value[-2:])[-18:],
)
def test_a_dash_is_standard_output_and_nothing_else_goes_there(
    arguments: tuple[object, ...], home: Path, tmp_path: Path
) -> None:
    """What was sent to standard output is the same as in a file, to the byte; people's text is on stderr."""
    given = [tmp_path / "findings" if each == "FILE" else each for each in arguments]
    streamed = earwitness(*given, *QUICK, home=home)
    assert streamed.exit_code in {0, 1}, streamed.output
    to_file = [tmp_path / "file" if each == "-" else each for each in given]
    again = earwitness(*to_file, *QUICK, *(["--force"] if "FILE" in arguments else []), home=home)
    assert again.exit_code == streamed.exit_code, again.output
    written, lines = (tmp_path / "file").read_text(), streamed.stdout
    if given[0] != "index":  # whose second run stores what is there already, and finds it all the same
        assert drop_times(lines) == drop_times(written)
    assert lines
    assert not (tmp_path / "-").exists()


def drop_times(text: str) -> list[object]:
    """Lines of JSON, or of text, without what differs from run to run."""
    lines: list[object] = []
    for line in text.splitlines():
        if line.startswith("{"):
            parsed = json.loads(line)
            parsed.pop("search", None)
            lines.append(parsed)
        else:
            lines.append(line)
    return lines


def test_two_outputs_do_not_share_a_place(home: Path, tmp_path: Path) -> None:
    """Neither a file nor standard output takes two outputs, however they are spelt."""
    (tmp_path / "sub").mkdir()
    for first, second in ((tmp_path / "x", tmp_path / "sub/../x"), ("-", "-")):
        done = earwitness("scan", WORK, "--out", first, "--exclude-list", second, home=home)
        assert done.exit_code == 2
        assert "two outputs" in done.stderr
    assert earwitness("scan", WORK, "--out", "-", "--json", home=home).exit_code == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_device_stays_a_device(home: Path) -> None:
    """An output to a device is written to it, or refused by it, and never replaces it."""
    for device, status in (("/dev/null", 1), ("/dev/full", 2)):
        done = earwitness("scan", WORK, "--out", device, *QUICK, home=home)
        assert done.exit_code == status, done.output
        assert Path(device).is_char_device()
    assert "no space left" in done.stderr


def test_findings_have_the_permissions_of_the_umask(home: Path, tmp_path: Path) -> None:
    """Every output of a scan has the permissions that the umask gives, with nothing left behind."""
    names = ("findings", "exclude", "clean", "report", "links")
    options = ("--out", "--exclude-list", "--clean-manifest", "--report", "--links")
    places = [
        each for pair in zip(options, (tmp_path / name for name in names), strict=True) for each in pair
    ]
    before = os.umask(0o077)
    try:
        assert earwitness("scan", WORK, *places, *QUICK, home=home).exit_code == 1
    finally:
        os.umask(before)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o600"}


VERBS: dict[str, tuple[object, ...]] = {
    "collections": (),
    "check": (WORK, *QUICK),
    "scan": (WORK, "--out", "NEW", *QUICK),
    "register": (WORK, "--owner", "An Artist", *QUICK),
    "index": (SCRAPED, "--name", "scraped", *QUICK),
    "dedup": (WORK,),
    "verify": (),
    "doctor": (),
    "selftest": (),
    "backup": ("NEW",),
    "rebuild": (),
    "keys": ("create",),
    "remove": ("--work", "nothing", "--yes"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_answers_in_json(verb: str, home: Path, tmp_path: Path) -> None:
    """With --json, standard output is one object of the verb's schema, or of an error's."""
    arguments = [tmp_path / "new" if each == "NEW" else each for each in VERBS[verb]]
    done = earwitness(verb, *arguments, "--json", home=home)
    parsed = json.loads(done.stdout)
    expected = "error" if done.exit_code == 2 else verb
    assert parsed["schema"] == f"earwitness.{expected}/1"
    assert done.exit_code in {0, 1} or verb == "remove"
    assert len(done.stdout.splitlines()) == 1


def test_an_error_is_json_too(tmp_path: Path) -> None:
    """If a command fails, its JSON has the stable error code."""
    done = earwitness("check", WORK, "--in", "nothing", "--json", home=tmp_path)
    assert json.loads(done.stdout)["code"] == "nothing_indexed"
    assert done.exit_code == 2


def test_exit_on_possible_counts_possible_matches() -> None:
    """--exit-on possible turns a possible match into exit 1; the summary has the chance number."""
    from earwitness.api.scan.tally import Tally
    from earwitness.api.sentences import counts_sentence, summary
    from earwitness.index.match import Verdict
    from tests.unit.api.made_findings import finding

    findings = [
        finding(Verdict.POSSIBLE, item="a"),
        *(finding(Verdict.NO_MATCH, item=str(n)) for n in range(39)),
    ]
    tally = Tally()
    for each in findings:
        tally.count(each)
    assert (tally.exit_code(strict=False), tally.exit_code(strict=False, exit_on="possible")) == (0, 1)
    assert "1 possible match; 0.4 would be expected by chance" in summary(tally)
    assert "1 possible (0.4 would be expected by chance)" in counts_sentence(findings, tally.audit)
    known = Tally()
    known.count(findings[0], known=True)
    assert known.exit_code(strict=False, exit_on="possible") == 0


def test_quiet_prints_only_results(home: Path, tmp_path: Path) -> None:
    """-q works before and after the command: standard error is empty, results and errors stay."""
    for place in (("-q", "scan"), ("scan", "-q")):
        done = earwitness(*place, WORK, "--out", tmp_path / "o", "--force", *QUICK, home=home)
        assert (done.exit_code, done.stderr) == (1, "")
    assert "exists already" in earwitness("scan", "-q", WORK, "--out", tmp_path / "o", home=home).stderr


def test_the_version_is_printed() -> None:
    """--version prints one line and needs nothing else."""
    done = subprocess.run([str(SCRIPT), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("earwitness ")
    assert len(done.stdout.splitlines()) == 1
