"""Runs commands and the server; the only module of this folder that imports them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.testclient import TestClient
from typer.testing import CliRunner

from earwitness.api.cli.app import app
from earwitness.api.http.application import create_app
from earwitness.api.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """Exit status and output of a command."""

    exit: int
    stdout: str
    stderr: str


def earwitness(*arguments: object, home: Path) -> CommandResult:
    """Run one command in this process."""
    result = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CommandResult(exit=result.exit_code, stdout=result.stdout, stderr=result.stderr)


@contextmanager
def served(home: Path) -> Iterator[TestClient]:
    """Serve a home in this process, with its job lanes."""
    settings = Settings(home=home, workers=1)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        yield client
