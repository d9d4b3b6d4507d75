"""Writes docs/settings.md, docs/errors.md and docs/http.md: ``python -m tests.house.reference_pages``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import earwitness.api
import earwitness.fingerprint
import earwitness.index
from earwitness.api.http.application import create_app
from earwitness.api.http.http_errors import RequestError
from earwitness.api.http.problems import STATUS_BY_CODE
from earwitness.api.settings import Settings, variable_of
from earwitness.fingerprint.errors import AudioError, EarwitnessError

DOCS: Final = Path(__file__).parents[2] / "docs"
GENERATED: Final = "Written by `python -m tests.house.reference_pages`; a test compares it with the code."


def settings_page() -> str:
    """Every setting with its variable, default value and meaning."""
    meanings = dict(_attributes(inspect.getdoc(Settings) or ""))
    lines = [
        "# Settings",
        "",
        "Settings are environment variables. `--home` and `--workers` of the commands win over them. What",
        "no variable sets is taken from the TOML file that `EARWITNESS_SETTINGS` names, if there is one:",
        "its keys are the names without the prefix in small letters, such as `port = 8765`. A key that is no",
        "setting is an error.",
        GENERATED,
        "",
    ]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "the user's data folder" if name == "home" else _shown(field.get_default())
        lines.append(f"| `{variable_of(name)}` | {default} | {meanings[name]} |")
    return "\n".join([*lines, ""])


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    """Names and meanings of a numpydoc section "Attributes"; names that share a meaning each get it."""
    section = text.partition("Attributes\n----------\n")[2]
    for entry in re.split(r"\n(?=\S)", section):
        head, _, body = entry.partition("\n")
        for name in head.partition(" : ")[0].split(","):
            yield name.strip(), " ".join(body.split()).replace("``", "`")


def _shown(value: object) -> str:
    return "none" if value is None or value == () else f"`{value}`"


def errors() -> list[type[EarwitnessError]]:
    """All errors that have a code, by code, name and module."""
    for package in (earwitness.fingerprint, earwitness.index, earwitness.api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.rpartition(".")[2].startswith("__") and "migrations" not in module.name:
                importlib.import_module(module.name)
    own = {each for each in _below(EarwitnessError) if each.__module__.startswith("earwitness.")}
    return sorted(
        (each for each in own if "code" in vars(each)),
        key=lambda each: (each.code, each.__name__, each.__module__),
    )


def _below(kind: type[EarwitnessError]) -> Iterator[type[EarwitnessError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def errors_page() -> str:
    """Every error code with its meaning and its HTTP status."""
    lines = [
        "# Errors",
        "",
        "Codes are stable: programs may rely on them. Messages and hints are for people. The status is",
        f"that of the HTTP API, where the error can be an answer of its own. {GENERATED}",
        "",
        "| code | meaning | HTTP |",
        "|---|---|---|",
    ]
    for code, same in groupby(errors(), key=lambda each: each.code):
        kinds = list(same)
        meanings = [" ".join((inspect.getdoc(each) or "").partition("\n\n")[0].split()) for each in kinds]
        statuses = sorted(set(filter(None, map(_status, kinds))))
        lines.append(f"| `{code}` | {' '.join(meanings)} | {', '.join(statuses)} |")
    return "\n".join([*lines, ""])


def _status(kind: type[EarwitnessError]) -> str:
    if issubclass(kind, RequestError):
        return str(kind.status)
    return str(STATUS_BY_CODE.get(kind.code, 422 if issubclass(kind, AudioError) else ""))


def http_page() -> str:
    """Every route with its summary and its answers."""
    described: dict[str, Any] = create_app(Settings(home=Path("unused"))).openapi()
    lines = [
        "# HTTP routes",
        "",
        "The server describes itself at `/openapi.json`, with schemas and examples.",
        f"[The server](server.md) explains jobs, keys and limits. {GENERATED}",
        "",
    ]
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            lines += [f"## {method.upper()} {path}", "", _text(route.get("summary", "")) + ".", ""]
            if route.get("description"):
                lines += [_text(route["description"]), ""]
            for parameter in route.get("parameters", ()):
                about = _text(parameter.get("description", ""))
                lines += [f"`{parameter['name']}` ({parameter['in']}){': ' + about if about else ''}", ""]
            answers = route["responses"].items()
            lines += ["| answer | meaning |", "|---|---|"]
            lines += [f"| {status} | {_text(answer['description'])} |" for status, answer in answers] + [""]
    return "\n".join(lines)


def _text(text: str) -> str:
    return " ".join(text.split()).rstrip(".") if text else ""


PAGES: Final[dict[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "http.md": http_page,
}


if __name__ == "__main__":
    for name, written in PAGES.items():
        (DOCS / name).write_text(written(), encoding="utf-8")
