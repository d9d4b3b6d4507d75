"""Numbered steps that bring a catalog to the newest schema; never edited after release."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def upgrade(engine: Engine, *, revision: str = "head") -> None:
    """Run the steps that are missing, each in one transaction with the number that records it."""
    config = Config()
    # a configuration value: a percent sign in the path would be read as a variable
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["engine"] = engine
    command.upgrade(config, revision)
