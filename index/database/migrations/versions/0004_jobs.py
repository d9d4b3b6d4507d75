"""How far a job has come, and how often it was begun since it last got further."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; jobs of before have made no progress that is known of."""
    for name in ("items_done", "fruitless"):
        op.add_column("job", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
