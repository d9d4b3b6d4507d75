"""``earwitness schema``: print the JSON Schema of the findings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def schema(
    name: Annotated[Literal["finding"], typer.Argument(help="Name of the schema")] = "finding",
) -> None:
    """Print a JSON Schema (draft 2020-12)."""
    print((Path(__file__).parents[2] / "schemas" / f"{name}-1.json").read_text(encoding="utf-8"), end="")
