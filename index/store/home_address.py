"""Which home a command works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SHARD_FOLDER: Final = "segments"
NAMES_FOLDER: Final = "names"
"""Folder of the lists of names."""
PACKS_FOLDER: Final = "packs"
"""Folder of the packs that were added."""


@dataclass(frozen=True, slots=True)
class HomeAddress:
    """A home's folder, the tenant whose rows are meant, and the catalog's database.

    Attributes
    ----------
    path : Path
        Folder of the shards and, without `database_url`, of the catalog.
    database_url : str or None
        SQLAlchemy address (``postgresql+psycopg://...``), password included; None where the catalog is the
        folder's SQLite file.
    """

    path: Path
    tenant: str = "local"
    database_url: str | None = field(default=None, repr=False)

    @property
    def shard_folder(self) -> Path:
        """Folder of the FAISS files."""
        return self.path / SHARD_FOLDER
