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

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer with one JSON object, for programs")]

_WANTED: ContextVar[bool] = ContextVar("answers are JSON", default=False)


def want_json(wanted: bool) -> None:
    """Keep standard output for one JSON object; what people read goes to standard error."""
    _WANTED.set(wanted)
    if wanted:
        keep_stdout_free()


def print_json(verb: str, **fields: Any) -> None:
    """Print the object; characters beyond ASCII are escaped, so it is safe to show as it is."""
    said = {"schema": f"earwitness.{verb}/1", **fields}
    print(json.dumps(said, default=_plain, allow_nan=False), flush=True)


def print_json_error(error: EarwitnessError) -> None:
    """Print why a command could not be carried out, where its answer was to be JSON."""
    if _WANTED.get():
        print_json("error", code=error.code, message=error.message, hint=error.hint)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
