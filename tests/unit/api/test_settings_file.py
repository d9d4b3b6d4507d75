"""Settings from a file: below the variables, and wrong ones are named with the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.api.cli.cli_errors import BadSetting
from earwitness.api.cli.options import settings_of


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file that the environment names."""
    path = tmp_path / "earwitness.toml"
    monkeypatch.setenv("EARWITNESS_SETTINGS", str(path))
    return path


def test_a_file_gives_what_variables_do_not(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option goes before a variable, and a variable before the file."""
    file.write_text('port = 1000\nworkers = 3\ntenant = "studio"\nhosts = ["a.example", "b.example"]\n')
    monkeypatch.setenv("EARWITNESS_PORT", "2000")
    settings = settings_of(workers=4)
    assert (settings.port, settings.workers, settings.tenant) == (2000, 4, "studio")
    assert settings.hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('port = "abc"', "port in .*earwitness.toml=abc cannot be used"),
        ("prot = 1", "has 'prot', which is no setting; port may be meant"),
        ("port = ", "is no TOML"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_file_is_named(file: Path, text: str | None, reason: str) -> None:
    """A wrong value, an unknown name, a wrong form and a missing file say so, and where."""
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadSetting, match=reason) as raised:
        settings_of()
    assert str(file) in raised.value.message


def test_a_wrong_variable_is_not_blamed_on_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the variable has the wrong value, it is the variable that is named."""
    file.write_text("port = 1000\n")
    monkeypatch.setenv("EARWITNESS_PORT", "abc")
    with pytest.raises(BadSetting, match=r"^EARWITNESS_PORT=abc cannot be used"):
        settings_of()
