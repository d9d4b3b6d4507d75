"""Artist and album of an item; a row that has neither keeps its digest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns without writing the table anew."""
    for name in ("artist", "album"):
        op.add_column("item", sa.Column(name, sa.Text(), nullable=True))
