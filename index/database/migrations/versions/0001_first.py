"""The first schema: collections, recordings and their fingerprints, items, segments, findings, jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table, children after their parents."""
    op.create_table(
        "collection",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("scheme", sa.String(length=64), nullable=False),
        sa.Column("indexed_at", sa.String(length=32), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("n_items", NUMBER, nullable=False),
        sa.Column("n_unreadable", NUMBER, nullable=False),
        sa.Column("n_codes", NUMBER, nullable=False),
        sa.Column("changed_epoch", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "kind", "name", "version"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "finding",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("audio_key", sa.String(length=128), nullable=False),
        sa.Column("scheme", sa.String(length=64), nullable=False),
        sa.Column("effort", sa.String(length=16), nullable=False),
        sa.Column("knowledge", sa.String(length=64), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "audio_key", "scheme", "effort", "knowledge"),
    )
    op.create_table(
        "home",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("scheme", sa.String(length=64), nullable=False),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("spool_path", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("heartbeat_at", sa.Float(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_hint", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "idempotency_key"),
        sa.UniqueConstraint("tenant", "number"),
    )
    op.create_index("job_state", "job", ["state", "number"], unique=False)
    op.create_table(
        "recording",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("audio_key", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("active_s", sa.Float(), nullable=False),
        sa.Column("n_codes", sa.Integer(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "audio_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "fingerprint",
        sa.Column("recording_id", NUMBER, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("scheme", sa.String(length=64), nullable=False),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.Column("codes_sha256", sa.String(length=64), nullable=False),
        sa.Column("chromaprint", sa.LargeBinary(), nullable=False),
        sa.Column("chromaprint_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording_id"),
    )
    op.create_table(
        "item",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("collection_id", NUMBER, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("audio_key", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size_bytes", NUMBER, nullable=True),
        sa.Column("recording_id", NUMBER, nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_hint", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("isrc", sa.String(length=16), nullable=True),
        sa.Column("start_s", sa.Float(), nullable=True),
        sa.Column("end_s", sa.Float(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("added_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collection.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "collection_id", "path", "audio_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("item_audio", "item", ["collection_id", "audio_key"], unique=False)
    op.create_index("item_recording", "item", ["recording_id", "collection_id"], unique=False)
    op.create_table(
        "picture",
        sa.Column("recording_id", NUMBER, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("n_bands", sa.Integer(), nullable=False),
        sa.Column("frame_s", sa.Float(), nullable=False),
        sa.Column("lowest_db", sa.Float(), nullable=False),
        sa.Column("step_db", sa.Float(), nullable=False),
        sa.Column("levels", sa.LargeBinary(), nullable=False),
        sa.Column("levels_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording_id"),
    )
    op.create_table(
        "segment",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("collection_id", NUMBER, nullable=False),
        sa.Column("file", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", NUMBER, nullable=False),
        sa.Column("n_codes", NUMBER, nullable=False),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("file"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "membership",
        sa.Column("collection_id", NUMBER, nullable=False),
        sa.Column("recording_id", NUMBER, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("segment_id", NUMBER, nullable=True),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collection.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["segment.id"],
        ),
        sa.PrimaryKeyConstraint("collection_id", "recording_id"),
    )
    op.create_index("membership_recording", "membership", ["recording_id"], unique=False)
    op.create_index("membership_segment", "membership", ["segment_id", "collection_id"], unique=False)
