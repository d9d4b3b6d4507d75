"""``earwitness schema``: print the JSON Schema of the findings."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def schema(
    name: Annotated[
        Literal["finding", "finding-1"],
        typer.Argument(help="finding: what is written today; finding-1: what earlier versions wrote"),
    ] = "finding",
) -> None:
    """Print a JSON Schema (draft 2020-12)."""
    from earwitness.api.finding_json import SCHEMAS

    print(SCHEMAS[name].read_text(encoding="utf-8"), end="")
