"""Changed copies of works; works of earlier versions have none until they are registered again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "changed_copies",
        sa.Column("recording_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.Column("codes_sha256", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording_id"),
    )
