"""The image, the compose files and the unit of systemd agree with the program that they run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from configparser import RawConfigParser
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url
from typer.main import get_command

from earwitness.api.cli.app import app
from earwitness.api.http.server import GRACE_S
from earwitness.api.http.service import PATIENCE_S
from earwitness.api.settings import FILE_VARIABLE, Settings, variable_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs" / "guide-deploy.md"
SERVER_ENDS_WITHIN_S = GRACE_S + 2 * PATIENCE_S
"""Requests get the grace; then the sender of notices and the lanes are waited for."""
FOR_AN_IMAGE = {"ca-certificates", "python3", "tini"}
"""Packages that an image needs and a machine with this program already has, or does not need."""
CALLS_OF_BUBBLEWRAP = {"clone", "mount", "openat2", "pivot_root", "prctl", "umount2", "unshare"}


def _instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile, each with its arguments on one line."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (name, rest.strip())
        for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def _of(instruction: str) -> list[str]:
    return [rest for name, rest in _instructions() if name == instruction]


def _copied() -> list[str]:
    """Paths of this project that the Containerfile copies into the image."""
    copies = [rest.split() for rest in _of("COPY") if not rest.startswith("--from=")]
    return [source for *sources, _ in copies for source in sources]


def _last_stage_packages() -> set[str]:
    """Debian packages of the stage that becomes the image."""
    installs = [rest for rest in _of("RUN") if "apt-get install" in rest]
    return _installed_by(installs[-1])


def _installed_by(command: str) -> set[str]:
    listed = re.search(r"apt-get install(.*?)(?:&&|$)", command)
    assert listed
    return {word for word in listed[1].split() if not word.startswith("-")}


def _setup_packages() -> set[str]:
    """Debian packages without which `scripts/setup.sh run` is not content."""
    script = (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    always = script.partition('if [ "$what" = dev ]')[0]
    return set(re.findall(r"wanted\+=\((.*?)\)", always))


def _unit() -> dict[str, list[str]]:
    """Values of the unit's section of the service, by key."""
    values = dict[str, list[str]]()
    lines = (DEPLOY / "earwitness.service").read_text(encoding="utf-8").partition("[Service]")[2].splitlines()
    for line in lines:
        key, found, value = line.partition("=")
        if found and not line.startswith("#"):
            values.setdefault(key, []).append(value)
    return values


def _services(name: str) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))["services"]
    return services


def test_the_image_is_built_from_files_that_are_there() -> None:
    """What the Containerfile copies exists and is not ignored, and holds all that the wheel is built from."""
    copied = _copied()
    admitted = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line[:1] == "!"}
    admitted = {path.relative_to(ROOT).as_posix() for each in admitted for path in ROOT.glob(each)}
    assert copied
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert set(copied) == admitted
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build = project["tool"]["hatch"]["build"]
    needed = [project["project"]["readme"], build["targets"]["wheel"]["hooks"]["custom"]["path"]]
    needed += [
        path.resolve().relative_to(ROOT).as_posix()
        for path in (ROOT / "src/earwitness").iterdir()
        if path.is_symlink()
    ]
    assert len(needed) == 5
    assert set(needed) <= set(copied)
    assert (ROOT / ".dockerignore").samefile(ROOT / ".containerignore"), "Docker reads the other name"


def test_the_image_has_what_setup_installs() -> None:
    """The Debian packages of the image are those of `scripts/setup.sh run`, and what only an image needs."""
    assert len(_setup_packages()) >= 2
    assert _last_stage_packages() - FOR_AN_IMAGE == _setup_packages()
    guide = GUIDE.read_text(encoding="utf-8").replace("\\\n", " ")
    on_a_machine = [_installed_by(line) for line in guide.splitlines() if "apt-get install" in line]
    assert any(_setup_packages() <= packages for packages in on_a_machine)


def test_every_variable_is_a_setting() -> None:
    """Every EARWITNESS_ variable in the files and in the guide is a setting."""
    settings = {variable_of(name) for name in Settings.model_fields} | {FILE_VARIABLE}
    files = [ROOT / "Containerfile", GUIDE, *(path for path in DEPLOY.iterdir() if path.suffix != ".lock")]
    named = {(path.name, name) for path in files for name in re.findall(r"EARWITNESS_\w+", path.read_text())}
    assert len({path for path, _ in named}) >= 6
    assert [each for each in sorted(named) if each[1] not in settings] == []


def _parses(words: Sequence[str]) -> bool:
    """Whether the command line has this command with these options; raises where it has not."""
    command, rest = get_command(app), list(words)
    context = command.make_context("earwitness", [], resilient_parsing=True)
    found = command.get_command(context, rest[0])  # type: ignore[attr-defined]
    return found is not None and bool(found.make_context(rest[0], rest[1:], parent=context))


def test_what_is_started_is_a_command() -> None:
    """The unit and the image start `earwitness` with a command and options that it has."""
    (start,) = _unit()["ExecStart"]
    program, *words = shlex.split(start)
    assert Path(program).name == "earwitness"
    assert _parses(words)
    (entrance,), (default,) = (json.loads(_of(name)[0]) for name in ("ENTRYPOINT",)), _of("CMD")
    assert entrance[-1] == "earwitness"
    assert _parses(json.loads(default))


def test_the_server_has_the_time_to_end() -> None:
    """systemd and compose wait longer than the server takes to end, and kill its processes only then."""
    unit, server = _unit(), _services("compose.yaml")["server"]
    assert float(unit["TimeoutStopSec"][0]) > SERVER_ENDS_WITHIN_S
    assert unit["KillMode"] == ["mixed"]
    assert float(server["stop_grace_period"].removesuffix("s")) > SERVER_ENDS_WITHIN_S


@contextmanager
def _answering(status: int) -> Iterator[int]:
    """A server that answers /livez with a status, and all else with 404; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (503, False)])
def test_the_health_check_asks_the_server(status: int, is_well: bool) -> None:
    """The image's health check passes where the server answers /livez with 200, and fails elsewhere."""
    command = json.loads(_of("HEALTHCHECK")[0].partition("CMD ")[2])
    assert command[0] == "python"
    with _answering(status) as port:
        environment = {"EARWITNESS_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
        done = subprocess.run(
            [sys.executable, *command[1:]], env=environment, capture_output=True, check=False
        )
    assert (done.returncode == 0) == is_well, done.stderr


def test_compose_holds_no_secret() -> None:
    """Secrets of the compose file are from the environment, required, and listed in its example."""
    secret = re.compile(r"PASSWORD|API_KEYS")
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    services = _services("compose.yaml")
    values = [
        pair for each in services.values() for pair in each["environment"].items() if secret.search(pair[0])
    ]
    assert len(values) == 3
    assert [name for name, value in values if not re.fullmatch(r"\$\{\w+:\?[^}]+\}", value)] == []
    example = RawConfigParser(interpolation=None)
    example.optionxform = str  # type: ignore[assignment, method-assign]
    example.read_string("[env]\n" + (DEPLOY / "compose.env.example").read_text(encoding="utf-8"))
    assert set(example["env"]) == set(re.findall(r"\$\{(\w+)", text))
    assert [name for name, value in example["env"].items() if value and secret.search(name)] == []


def test_compose_names_its_own_database() -> None:
    """The server's database is the one that the compose file makes, by the driver that the image installs."""
    services = _services("compose.yaml")
    url = make_url(services["server"]["environment"]["EARWITNESS_DATABASE_URL"])
    made = services[url.host or ""]["environment"]
    assert (url.username, url.database) == (made["POSTGRES_USER"], made["POSTGRES_DB"])
    assert url.password is None
    driver = re.search(rf"^{url.get_driver_name()}==", (DEPLOY / "postgres.lock").read_text(), re.MULTILINE)
    assert driver and "deploy/postgres.lock" in _copied()


def test_bubblewrap_may_do_its_work() -> None:
    """Neither the unit nor the compose files' profile denies what bubblewrap needs to isolate a decoder."""
    unit = _unit()
    assert {"RestrictNamespaces", "RestrictSUIDSGID"} & set(unit) == set(), "the second denies openat2"
    assert "@mount" in unit["SystemCallFilter"][0].split()
    assert "AF_NETLINK" in unit["RestrictAddressFamilies"][0].split()
    profile = json.loads((DEPLOY / "seccomp.json").read_text(encoding="utf-8"))
    denied = {name for rule in profile["syscalls"] for name in rule["names"]}
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW" and {"bpf", "init_module", "setns"} <= denied
    assert denied & CALLS_OF_BUBBLEWRAP == set()
    options = _services("compose.sandbox.yaml")["server"]["security_opt"]
    named = [
        value for key, value in (each.split("=", 1) for each in options if "=" in each) if key == "seccomp"
    ]
    assert [(DEPLOY / name).samefile(DEPLOY / "seccomp.json") for name in named] == [True]


@pytest.mark.parametrize("name", ["build.lock", "postgres.lock"])
def test_the_image_has_the_versions_that_were_tested(name: str) -> None:
    """What the image installs besides the runtime lock has the versions of the developers' lock."""
    tested = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    windows = "tzdata=="
    pinned = re.findall(r"^(\S+==\S+)", (DEPLOY / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert len(pinned) >= 4
    assert [each for each in pinned if not each.startswith(windows) and f"\n{each} " not in tested] == []
