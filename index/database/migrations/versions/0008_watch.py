"""Watched works, what was found of them while datasets were indexed, notices, and where these are sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables; works of before are not watched."""
    op.create_table(
        "watch",
        _of("item", is_key=True),
        _tenant(),
        sa.Column("since", sa.String(32), nullable=False),
        sa.Column("epoch", NUMBER, nullable=False),
        _digest(),
    )
    op.create_table(
        "sighting",
        sa.Column("id", NUMBER, primary_key=True),
        _tenant(),
        _of("item"),
        _of("collection"),
        sa.Column("finding", sa.Text(), nullable=False),
        _digest(),
        sqlite_autoincrement=True,
    )
    op.create_index("sighting_of", "sighting", ["item_id", "collection_id"])
    op.create_index("sighting_in", "sighting", ["collection_id"])
    op.create_table(
        "comparison",
        _of("collection", is_key=True),
        _tenant(),
        sa.Column("first_epoch", NUMBER, nullable=False),
        sa.Column("effort", sa.String(16), nullable=False),
        *(
            sa.Column(name, NUMBER, nullable=False)
            for name in ("n_searched", "n_certain", "n_observed", "n_in_part")
        ),
        _digest(),
    )
    op.create_table(
        "announced",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("dataset", sa.Text(), primary_key=True),
        sa.Column("version", sa.Text(), primary_key=True),
        sa.Column("state", sa.Text(), nullable=False),
        _digest(),
    )
    _create_notices()


def _create_notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", NUMBER, primary_key=True),
        _tenant(),
        _of("item"),
        sa.Column("message_id", sa.String(40), nullable=False, unique=True),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("is_news", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("contents", sa.Text(), nullable=False),
        sa.Column("delivery", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_at", sa.Float(), nullable=True),
        sa.Column("sent_at", sa.Float(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        _digest(),
        sa.UniqueConstraint("tenant", "item_id", "dataset", "version", "state"),
        sqlite_autoincrement=True,
    )
    op.create_index("notice_due", "notice", ["delivery", "next_at"])
    op.create_table(
        "webhook",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("every", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("failing_since", sa.Float(), nullable=True),
        sa.Column("set_aside_at", sa.Float(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        _digest(),
    )


def _of(table: str, *, is_key: bool = False) -> sa.Column[int]:
    named = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    if is_key:
        return sa.Column(f"{table}_id", NUMBER, named, primary_key=True, autoincrement=False)
    return sa.Column(f"{table}_id", NUMBER, named, nullable=False)


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.String(64), nullable=False)


def _digest() -> sa.Column[int]:
    return sa.Column("digest", sa.BigInteger(), nullable=False, server_default="0")
