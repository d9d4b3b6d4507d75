"""The only file of this folder that imports the product: its commands and its application."""

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
class Ended:
    """What a command left: its exit status and what it wrote."""

    exit: int
    stdout: str
    stderr: str


def earwitness(*arguments: object, home: Path) -> Ended:
    """Run one command in this process."""
    done = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(exit=done.exit_code, stdout=done.stdout, stderr=done.stderr)


@contextmanager
def served(home: Path) -> Iterator[TestClient]:
    """Serve a home in this process, with its lanes and their workers."""
    settings = Settings(home=home, workers=1)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        yield client
