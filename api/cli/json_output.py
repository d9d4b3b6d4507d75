"""Results as one JSON object on standard output: ``earwitness.VERB/1``, and nothing else there."""

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from earwitness.api.cli.console import keep_stdout_free

if TYPE_CHECKING:
    from earwitness.fingerprint.errors import EarwitnessError

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object")]

_WANTED: ContextVar[bool] = ContextVar("answers are JSON", default=False)


def want_json(wanted: bool) -> None:
    """Reserve standard output for one JSON object; texts for people go to standard error."""
    _WANTED.set(wanted)
    if wanted:
        keep_stdout_free()


def print_json(verb: str, **fields: Any) -> None:
    """Print the object; characters beyond ASCII are escaped, so it is safe to print in a terminal."""
    result = {"schema": f"earwitness.{verb}/1", **fields}
    print(json.dumps(result, default=_plain, allow_nan=False), flush=True)


def print_json_error(error: EarwitnessError) -> None:
    """Print an error as JSON, if the command's result was requested as JSON."""
    if _WANTED.get():
        print_json("error", code=error.code, message=error.message, hint=error.hint)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
