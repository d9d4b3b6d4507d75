"""Peaks beside the codes, and Chromaprint vectors in less room."""

from __future__ import annotations

import hashlib

import numpy as np
import sqlalchemy as sa
from alembic import op

from earwitness.index.database.packing import pack_peaks, pack_words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; recordings of before have no peaks, and their vectors are packed anew."""
    none = pack_peaks(np.empty((0, 2), dtype=np.int32))
    op.add_column("fingerprint", sa.Column("peaks", sa.LargeBinary(), nullable=True))
    op.add_column("fingerprint", sa.Column("peaks_sha256", sa.String(length=64), nullable=True))
    kept = sa.table(
        "fingerprint",
        *map(sa.column, ("recording_id", "chromaprint", "chromaprint_sha256", "peaks", "peaks_sha256")),
    )
    connection = op.get_bind()
    numbers = connection.execute(sa.select(kept.c.recording_id)).scalars().all()
    for number in numbers:
        here = kept.c.recording_id == number
        vector = connection.execute(sa.select(kept.c.chromaprint).where(here)).scalar_one()
        packed = pack_words(np.frombuffer(vector, dtype="<u4"))
        values = {"chromaprint": packed, "chromaprint_sha256": hashlib.sha256(packed).hexdigest()}
        connection.execute(
            sa.update(kept)
            .where(here)
            .values(**values, peaks=none, peaks_sha256=hashlib.sha256(none).hexdigest())
        )
    with op.batch_alter_table("fingerprint") as table:
        table.alter_column("peaks", existing_type=sa.LargeBinary(), nullable=False)
        table.alter_column("peaks_sha256", existing_type=sa.String(length=64), nullable=False)
