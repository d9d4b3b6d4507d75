"""The batch of a job, such as the tracks of one album; jobs of earlier versions are of none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its index without writing the table anew."""
    op.add_column("job", sa.Column("batch", sa.String(32), nullable=True))
    op.create_index("job_batch", "job", ["tenant", "batch", "number"])
