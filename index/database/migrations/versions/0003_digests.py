"""A digest in every row that answers rest on, counts that show what vanished, and the number of changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from earwitness.index.database.row_digests import digest_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AT_ONCE = 5_000

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INTEGERS = ("id", "epoch", "n_items", "n_unreadable", "n_codes", "changed_epoch", "n_recordings", "contents",
            "recording_id", "collection_id", "n_bands", "size_bytes")  # fmt: skip
FLOATS = ("duration_s", "active_s", "frame_s", "lowest_db", "step_db", "start_s", "end_s")

# in the order in which the digest takes them; as `row_digests` had them when this step was written
COVERED = {
    "collection": ("id", "tenant", "kind", "name", "version", "scheme", "indexed_at", "complete", "n_items",
                   "n_unreadable", "n_codes", "changed_epoch", "n_recordings"),
    "recording": ("id", "tenant", "audio_key", "sha256", "duration_s", "active_s", "n_codes", "summary"),
    "fingerprint": ("recording_id", "tenant", "scheme", "codes_sha256", "chromaprint_sha256", "peaks_sha256"),
    "picture": ("recording_id", "tenant", "n_bands", "frame_s", "lowest_db", "step_db", "levels_sha256"),
    "item": ("id", "tenant", "collection_id", "path", "audio_key", "sha256", "size_bytes", "recording_id",
             "error_code", "error_message", "error_hint", "title", "owner", "isrc", "start_s", "end_s",
             "metadata", "added_at"),
    "segment": ("id", "tenant", "collection_id", "file", "sha256", "size_bytes", "n_codes", "epoch"),
    "membership": ("collection_id", "recording_id", "tenant", "epoch", "n_items"),
    "finding": ("tenant", "audio_key", "scheme", "effort", "knowledge", "finding"),
    "home": ("tenant", "scheme", "epoch", "created_at", "contents"),
}  # fmt: skip
KEYS = {
    "fingerprint": ("recording_id",),
    "picture": ("recording_id",),
    "membership": ("collection_id", "recording_id"),
    "finding": ("tenant", "audio_key", "scheme", "effort", "knowledge"),
    "home": ("tenant",),
}


def upgrade() -> None:
    """Add the columns without writing the tables anew, count, and give every row its digest."""
    for table in COVERED:
        op.add_column(table, sa.Column("digest", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("home", sa.Column("contents", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("collection", sa.Column("n_recordings", NUMBER, nullable=False, server_default="0"))
    op.add_column("membership", sa.Column("n_items", NUMBER, nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":  # SQLite does not hold a text to its length
        op.alter_column("item", "isrc", existing_type=sa.String(length=16), type_=sa.Text())
    op.create_table(
        "change",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", NUMBER, nullable=False),
    )
    op.execute("INSERT INTO change (id, number) VALUES (1, 1)")
    op.execute(
        "UPDATE membership SET n_items = (SELECT count(*) FROM item WHERE item.recording_id ="
        " membership.recording_id AND item.collection_id = membership.collection_id)"
    )
    op.execute(
        "UPDATE collection SET n_recordings ="
        " (SELECT count(*) FROM membership WHERE membership.collection_id = collection.id)"
    )
    for table in COVERED:
        if table == "home":
            _state_contents()
        _seal(table)


def _columns(names: Sequence[str]) -> list[sa.ColumnClause[Any]]:
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        **dict.fromkeys(INTEGERS, sa.BigInteger()),
        **dict.fromkeys(FLOATS, sa.Float()),
        "complete": sa.Boolean(),
        "summary": sa.LargeBinary(),
    }
    return [sa.column(name, kinds.get(name, sa.Text())) for name in names]


def _seal(name: str) -> None:
    keys = KEYS.get(name, ("id",))
    covered = _columns(COVERED[name])
    table = sa.table(name, *covered, sa.column("digest", sa.BigInteger()))
    places = [COVERED[name].index(key) for key in keys]
    connection = op.get_bind()
    found = connection.execute(sa.select(*covered).select_from(table).execution_options(yield_per=AT_ONCE))
    digests = [(*(row[place] for place in places), digest_of(row)) for row in found]
    statement = (
        sa.update(table)
        .where(*(table.c[key] == sa.bindparam(f"of_{key}") for key in keys))
        .values(digest=sa.bindparam("of_row"))
    )
    names = (*(f"of_{key}" for key in keys), "of_row")
    for start in range(0, len(digests), AT_ONCE):
        some = digests[start : start + AT_ONCE]
        connection.execute(statement, [dict(zip(names, values, strict=True)) for values in some])


def _state_contents() -> None:
    home, collection = (
        sa.table(name, *_columns(("id", "tenant", "contents")), sa.column("digest", sa.BigInteger()))
        for name in ("home", "collection")
    )
    connection = op.get_bind()
    for tenant in connection.execute(sa.select(home.c.tenant)).scalars().all():
        theirs = sa.select(collection.c.digest).where(collection.c.tenant == tenant).order_by(collection.c.id)
        contents = digest_of(connection.execute(theirs).scalars())
        connection.execute(sa.update(home).where(home.c.tenant == tenant).values(contents=contents))
