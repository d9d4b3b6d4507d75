"""Bad settings, system errors and closed outputs: a message, a hint, and exit status 2."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from earwitness.api.cli.app import app
from earwitness.api.cli.command_guard import DEFECT, report_error
from earwitness.api.cli.system_errors import explained
from earwitness.fingerprint.errors import EarwitnessError

SCRIPT = Path(sys.executable).with_name("earwitness")
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")


def earwitness(
    *arguments: object, stdout: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does; `stdout` names a file to take its output."""
    command = [str(SCRIPT), *map(str, arguments)]
    settings = os.environ | environment
    if stdout is None:
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    with open(stdout, "w") as file:  # noqa: PTH123
        return subprocess.run(
            command, env=settings, stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("WORKERS", "-3"),
        ("WORKERS", "2.5"),
        ("SANDBOX", "none"),
        ("MAX_SECONDS", "nan"),
        ("MAX_SECONDS", "inf"),
        ("MAX_ITEM_BYTES", "2GB"),
        ("DECODE_WALL_S", "0"),
        ("KEEP_FINDINGS_DAYS", "-1"),
        ("HOME", "~nobody-of-this-name/x"),
    ],
)
def test_a_bad_setting_is_named(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variable, its value and the reason; the hint says what to do."""
    monkeypatch.setenv("EARWITNESS_HOME", str(tmp_path))
    monkeypatch.setenv(f"EARWITNESS_{variable}", value)
    done = CliRunner().invoke(app, ["collections"])
    assert done.exit_code == 2
    assert f"EARWITNESS_{variable}={value} cannot be used" in done.stderr
    assert f"correct EARWITNESS_{variable}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_password_is_not_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that cannot be used is an error that does not repeat it."""
    monkeypatch.setenv("EARWITNESS_DATABASE_URL", "nonsense-with-secret")
    done = CliRunner().invoke(app, ["--home", str(tmp_path), "collections"])
    assert done.exit_code == 2
    assert "EARWITNESS_DATABASE_URL" in done.stderr
    assert "secret" not in done.stderr


def test_a_variable_that_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable leaves the default: an empty home is not the current folder."""
    monkeypatch.setenv("EARWITNESS_HOME", "")
    monkeypatch.setenv("EARWITNESS_PORT", "")
    from earwitness.api.settings import Settings, default_home

    assert Settings().home == default_home()


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EROFS, "permissions"),
        (errno.EACCES, "permissions"),
        (errno.ENOENT, "another file"),
        (errno.EISDIR, "another file"),
        (errno.ENAMETOOLONG, "another file"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EADDRINUSE, "--port"),
        (errno.EIO, "disk"),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
)
def test_a_system_error_has_a_message_and_a_hint(number: int, hint: str) -> None:
    """Each system error names the file and a hint, at any place in a chain of causes."""
    try:
        try:
            raise OSError(number, os.strerror(number), "/some/file")
        except OSError as error:
            raise RuntimeError("while writing") from error
    except RuntimeError as error:
        known = explained(error)
    assert isinstance(known, EarwitnessError)
    assert "/some/file" in known.message
    assert hint in known.hint


@pytest.mark.parametrize(
    "words", ["attempt to write a readonly database", "unable to open database file", "disk I/O error"]
)
def test_a_database_error_is_printed_without_its_statement(words: str) -> None:
    """SQLite's complaints become one line that names the database, not the SQL."""
    known = explained(OperationalError("SELECT secrets", {}, Exception(words)))
    assert known is not None
    assert words in known.message
    assert "SELECT" not in known.message


def test_a_defect_stays_a_defect(capsys: pytest.CaptureFixture[str]) -> None:
    """What only a mistake in this program explains is not dressed up as the user's."""
    assert report_error(ValueError("a mistake \x1b[2J")) == DEFECT
    output = capsys.readouterr().err
    assert "defect" in output
    assert "\x1b" not in output


@needs_full
@pytest.mark.parametrize(
    "arguments", [("schema",), ("--help",), ("doctor",), ("keys", "create")], ids=" ".join
)
def test_output_to_a_full_disk_is_an_error(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A result that could not be written does not end with 0."""
    done = earwitness(*arguments, stdout=str(FULL), EARWITNESS_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "no space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_does_not_exit_0(tmp_path: Path) -> None:
    """If the output is closed before its end, the exit status is not 0."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([SCRIPT, "schema"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (2, "")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for nothing, where the tests may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a file system")
    try:
        (folder / "fill").write_bytes(bytes(40_000))
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


COMMANDS = (
    ("register", "SOUND"),
    ("index", "SOUND", "--name", "x"),
    ("backup", "HOME/backup"),
    ("restore", "JUNK"),
    ("rebuild",),
    ("verify",),
    ("remove", "x", "--yes"),
    ("collections",),
    ("check", "SOUND"),
    ("scan", "SOUND", "--out", "HOME/out"),
)


def test_no_command_has_a_traceback_for_a_full_disk_or_a_home_that_is_read_only(
    tiny_disk: Path, tmp_path: Path
) -> None:
    """Every command on a full, and then on a read-only disk ends with a message, not with a defect."""
    sound = Path(__file__).parents[2] / "sample_audio/originals/tin_parade.mp3"
    junk = tmp_path / "junk"
    junk.write_bytes(b"no backup")
    places = {"SOUND": str(sound), "HOME": str(tiny_disk / "home"), "JUNK": str(junk)}
    for state in ("full", "read-only"):
        for command in COMMANDS:
            arguments = [places.get(each, each.replace("HOME", places["HOME"])) for each in command]
            done = CliRunner().invoke(app, ["--home", places["HOME"], *arguments])
            assert done.exit_code in {0, 2}, (state, command, done.output)
            assert "Traceback" not in done.output
        subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)


@pytest.mark.parametrize(
    ("is_installed", "hint"),
    [(False, "apt-get install bubblewrap"), (True, "allow this account user")],
)
def test_doctor_advises_what_bubblewrap_lacks(is_installed: bool, hint: str, tmp_path: Path) -> None:
    """Where bubblewrap is installed and denied, as in a container, doctor does not advise to install it."""
    if is_installed:
        denied = tmp_path / "bwrap"
        denied.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
        denied.chmod(0o755)
    done = earwitness("doctor", PATH=str(tmp_path), EARWITNESS_HOME=str(tmp_path / "home"))
    assert done.returncode == 1
    (advice,) = [line for line in done.stdout.splitlines() if "what to do:" in line and "rlimits" in line]
    assert hint in advice
