"""``earwitness schema``: the JSON Schema of what the commands write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def schema(
    name: Annotated[Literal["finding"], typer.Argument(help="Which schema")] = "finding",
) -> None:
    """Print a JSON Schema (draft 2020-12)."""
    print((Path(__file__).parents[2] / "schemas" / f"{name}-1.json").read_text(encoding="utf-8"), end="")
