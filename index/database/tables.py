"""The tables of the catalog. Every key carries the tenant; everything else that is durable hangs on these."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

# SQLite numbers rows by itself only in a column declared INTEGER
NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")


def _tenant() -> Column[str]:
    return Column("tenant", String(64), nullable=False)


def _number() -> Column[int]:
    return Column("id", NUMBER, primary_key=True)


def _digest() -> Column[int]:
    return Column(
        "digest", BigInteger, nullable=False, server_default="0"
    )  # of the row: see `earwitness.index.database.row_digests`


HOME: Final = Table(
    "home",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("scheme", String(64), nullable=False),
    Column("epoch", NUMBER, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("contents", BigInteger, nullable=False, server_default="0"),
    _digest(),
)

COLLECTION: Final = Table(
    "collection",
    METADATA,
    _number(),
    _tenant(),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("scheme", String(64), nullable=False),
    Column("indexed_at", String(32), nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("n_items", NUMBER, nullable=False),
    Column("n_unreadable", NUMBER, nullable=False),
    Column("n_codes", NUMBER, nullable=False),
    Column("changed_epoch", NUMBER, nullable=False),
    Column("n_recordings", NUMBER, nullable=False, server_default="0"),
    _digest(),
    UniqueConstraint("tenant", "kind", "name", "version"),
    sqlite_autoincrement=True,  # a number is never used again: findings are kept under it
)

RECORDING: Final = Table(
    "recording",
    METADATA,
    _number(),
    _tenant(),
    Column("audio_key", String(128), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("active_s", Float, nullable=False),
    Column("n_codes", Integer, nullable=False),
    Column("summary", LargeBinary, nullable=True),
    _digest(),
    UniqueConstraint("tenant", "audio_key"),
    sqlite_autoincrement=True,
)

FINGERPRINT: Final = Table(
    "fingerprint",
    METADATA,
    Column("recording_id", NUMBER, ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True),
    _tenant(),
    Column("scheme", String(64), nullable=False),
    Column("codes", LargeBinary, nullable=False),
    Column("codes_sha256", String(64), nullable=False),
    Column("chromaprint", LargeBinary, nullable=False),
    Column("chromaprint_sha256", String(64), nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("peaks_sha256", String(64), nullable=False),
    _digest(),
)

THUMBNAIL: Final = Table(
    "picture",
    METADATA,
    Column("recording_id", NUMBER, ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True),
    _tenant(),
    Column("n_bands", Integer, nullable=False),
    Column("frame_s", Float, nullable=False),
    Column("lowest_db", Float, nullable=False),
    Column("step_db", Float, nullable=False),
    Column("levels", LargeBinary, nullable=False),
    Column("levels_sha256", String(64), nullable=False),
    _digest(),
)

CHANGED_COPIES: Final = Table(
    "changed_copies",  # of works: thinned codes at other speeds, pitches and tempos
    METADATA,
    Column("recording_id", NUMBER, ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True),
    _tenant(),
    Column("layout", Text, nullable=False),  # which changes, and how many codes of each: JSON
    Column("codes", LargeBinary, nullable=False),
    Column("codes_sha256", String(64), nullable=False),
    _digest(),
)

ITEM: Final = Table(
    "item",
    METADATA,
    _number(),
    _tenant(),
    Column("collection_id", NUMBER, ForeignKey("collection.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    Column("audio_key", String(128), nullable=False),  # empty where no bytes could be had
    Column("sha256", String(64), nullable=True),
    Column("size_bytes", NUMBER, nullable=True),
    Column("recording_id", NUMBER, ForeignKey("recording.id"), nullable=True),
    Column("error_code", String(64), nullable=True),
    Column("error_message", Text, nullable=True),
    Column("error_hint", Text, nullable=True),
    Column("title", Text, nullable=True),
    Column("owner", Text, nullable=True),
    Column("isrc", Text().with_variant(String(16), "sqlite"), nullable=True),  # as it was given, right or not
    Column("start_s", Float, nullable=True),
    Column("end_s", Float, nullable=True),
    Column("metadata", Text, nullable=False),
    Column("added_at", String(32), nullable=False),
    Column("artist", Text, nullable=True),
    Column("album", Text, nullable=True),
    _digest(),
    UniqueConstraint("tenant", "collection_id", "path", "audio_key"),
    Index("item_recording", "recording_id", "collection_id"),
    Index("item_audio", "collection_id", "audio_key"),
    sqlite_autoincrement=True,
)

SHARD: Final = Table(
    "segment",
    METADATA,
    _number(),
    _tenant(),
    Column("collection_id", NUMBER, ForeignKey("collection.id"), nullable=False),
    Column("file", String(128), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", NUMBER, nullable=False),
    Column("n_codes", NUMBER, nullable=False),
    Column("epoch", NUMBER, nullable=False),
    _digest(),
    sqlite_autoincrement=True,
)

MEMBERSHIP: Final = Table(
    "membership",  # which recordings a search of a collection finds; without a segment they wait for one
    METADATA,
    Column("collection_id", NUMBER, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True),
    Column("recording_id", NUMBER, ForeignKey("recording.id"), primary_key=True),
    _tenant(),
    Column("segment_id", NUMBER, ForeignKey("segment.id"), nullable=True),
    Column("epoch", NUMBER, nullable=False),
    Column("n_items", NUMBER, nullable=False, server_default="0"),
    _digest(),
    Index("membership_segment", "segment_id", "collection_id"),
    Index("membership_recording", "recording_id"),
)

FINDING: Final = Table(
    "finding",  # answers already worked out, under everything that they depend on
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("audio_key", String(128), primary_key=True),
    Column("scheme", String(64), primary_key=True),
    Column("effort", String(16), primary_key=True),
    Column("knowledge", String(64), primary_key=True),
    Column("finding", Text, nullable=False),
    _digest(),
)

CHANGE: Final = Table(
    "change",  # one row: how many transactions wrote to this catalog (see `change_counter`)
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", NUMBER, nullable=False),
)

JOB: Final = Table(
    "job",
    METADATA,
    Column("id", String(32), primary_key=True),
    _tenant(),
    Column("number", NUMBER, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("payload", Text, nullable=False),
    Column("spool_path", Text, nullable=True),
    Column("idempotency_key", String(255), nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("items_done", Integer, nullable=False, server_default="0"),
    Column("fruitless", Integer, nullable=False, server_default="0"),  # begun since it last got further
    Column("lease_until", Float, nullable=True),
    Column("heartbeat_at", Float, nullable=True),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float, nullable=True),
    Column("result", Text, nullable=True),
    Column("error_code", String(64), nullable=True),
    Column("error_message", Text, nullable=True),
    Column("error_hint", Text, nullable=True),
    Column("batch", String(32), nullable=True),  # of jobs that were queued together
    UniqueConstraint("tenant", "idempotency_key"),
    UniqueConstraint("tenant", "number"),
    Index("job_state", "state", "number"),
    Index("job_batch", "tenant", "batch", "number"),
)

WATCH: Final = Table(
    "watch",  # registered works whose owners want to know when a dataset holds them
    METADATA,
    Column(
        "item_id", NUMBER, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    _tenant(),
    Column("since", String(32), nullable=False),
    Column("epoch", NUMBER, nullable=False),  # of the home when the watch began
    _digest(),
)

SIGHTING: Final = Table(
    "sighting",  # items of datasets that match a watched work, as they were found while they were indexed
    METADATA,
    _number(),
    _tenant(),
    Column("item_id", NUMBER, ForeignKey("item.id", ondelete="CASCADE"), nullable=False),  # the work
    Column("collection_id", NUMBER, ForeignKey("collection.id", ondelete="CASCADE"), nullable=False),
    Column("finding", Text, nullable=False),
    _digest(),
    Index("sighting_of", "item_id", "collection_id"),
    Index("sighting_in", "collection_id"),
    sqlite_autoincrement=True,
)

COMPARISON: Final = Table(
    "comparison",  # how the items of a dataset were compared with the works while they were indexed
    METADATA,
    Column(
        "collection_id",
        NUMBER,
        ForeignKey("collection.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    _tenant(),
    Column("first_epoch", NUMBER, nullable=False),  # searched for the first item; -1 where that is not known
    Column("effort", String(16), nullable=False),  # the lowest of all runs
    Column("n_searched", NUMBER, nullable=False),
    Column("n_certain", NUMBER, nullable=False),
    Column("n_observed", NUMBER, nullable=False),
    Column("n_in_part", NUMBER, nullable=False),
    _digest(),
)

ANNOUNCED: Final = Table(
    "announced",  # the state of each dataset of which the owners of watched works have their notices
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("state", Text, nullable=False),
    _digest(),
)

NOTICE: Final = Table(
    "notice",
    METADATA,
    _number(),
    _tenant(),
    Column("item_id", NUMBER, ForeignKey("item.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", String(40), nullable=False, unique=True),  # the same in every attempt to deliver it
    Column("dataset", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("state", String(64), nullable=False),  # digest of what it says: the same is never said twice
    Column("outcome", String(20), nullable=False),
    Column("is_news", Boolean, nullable=False),  # something was found, or has gone
    Column("created_at", String(32), nullable=False),
    Column("contents", Text, nullable=False),
    Column("delivery", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Float, nullable=True),
    Column("sent_at", Float, nullable=True),
    Column("failure", Text, nullable=True),
    _digest(),
    UniqueConstraint("tenant", "item_id", "dataset", "version", "state"),
    Index("notice_due", "delivery", "next_at"),
    sqlite_autoincrement=True,
)

WEBHOOK: Final = Table(
    "webhook",  # where the notices of a tenant are sent
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("every", Boolean, nullable=False),  # notices that nothing was found as well
    Column("created_at", String(32), nullable=False),
    Column("failing_since", Float, nullable=True),
    Column("set_aside_at", Float, nullable=True),
    Column("failure", Text, nullable=True),
    _digest(),
)
