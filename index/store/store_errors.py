"""Errors of a home: its lock, its catalog, its shards, its disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from earwitness.fingerprint.errors import EarwitnessError

if TYPE_CHECKING:
    from earwitness.index.match import Match

RESTORE = "restore a backup into a new home (`earwitness --home NEW restore FILE`)"


class StoreError(EarwitnessError):
    """An error of the store, not of one item's audio."""

    code = "index"


class HomeMissing(StoreError):
    """The home is empty: nothing was ever stored in it."""

    code = "home_missing"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"{home} holds no index yet",
            hint="register a work, index a dataset or add a pack first, or name another home",
        )


class HomeUnusable(StoreError):
    """The home cannot be made, or cannot be written."""

    code = "home_unusable"

    def __init__(self, *, home: str, reason: str) -> None:
        self.home, self.reason = home, reason
        super().__init__(
            f"{home} cannot be used as a home: {reason}",
            hint="name a folder that you may write to with --home",
        )


class SearchTimeout(StoreError):
    """A search reached its time limit before the end of the query.

    Attributes
    ----------
    matches : sequence of earwitness.index.match.Match
        The matches until then.
    compared_s : float
        Seconds of the query that were searched.
    """

    code = "search_timeout"

    def __init__(
        self, *, matches: Sequence[Match], compared_s: float, duration_s: float, wall_s: float
    ) -> None:
        self.matches, self.compared_s = list(matches), compared_s
        super().__init__(
            f"{compared_s:,.0f} of {duration_s:,.0f} s were compared within the time limit of {wall_s:g} s",
            hint="raise EARWITNESS_SEARCH_WALL_S, use a lower effort, or split the file;"
            " the rest was not compared",
        )


class NameReserved(StoreError):
    """A dataset has the name of the registry of works."""

    code = "name_reserved"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} is the name of the registry of works; a dataset cannot have this name",
            hint="give the dataset another name, such as the one under which it was published",
        )


class HomeBusy(StoreError):
    """Another process holds the home's writer lock."""

    code = "home_busy"

    def __init__(self, *, home: str, holder: str) -> None:
        self.home, self.holder = home, holder
        super().__init__(
            f"{home} is being written by {holder}",
            hint="wait until it has finished; only one command may write at a time",
        )


class HomeServed(StoreError):
    """Another server runs on the home."""

    code = "home_served"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"a server runs on {home} already",
            hint="use that server, or stop it first; commands work beside it",
        )


class HomeNotEmpty(StoreError):
    """The target of a restore is not empty."""

    code = "home_not_empty"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(f"{home} is not empty", hint="restore into a new, empty home; nothing was changed")


class CatalogTooNew(StoreError):
    """A newer version of earwitness wrote the catalog."""

    code = "catalog_too_new"

    def __init__(self, *, home: str, schema: str, known: str) -> None:
        self.home, self.schema, self.known = home, schema, known
        super().__init__(
            f"the catalog of {home} has schema {schema}; this version reads schemas up to {known}",
            hint="use the newer earwitness that wrote it, or restore a backup made before the upgrade",
        )


class CatalogUnreachable(StoreError):
    """The external database that holds the catalog does not answer."""

    code = "catalog_unreachable"

    def __init__(self, *, where: str, reason: str) -> None:
        self.where, self.reason = where, " ".join(reason.split())
        super().__init__(
            f"the catalog at {where} cannot be reached ({self.reason})",
            hint="start that database, correct EARWITNESS_DATABASE_URL, or install earwitness[postgres]",
        )


class CatalogNotUnicode(StoreError):
    """The external database cannot store every title and path, as its encoding is not UTF8."""

    code = "catalog_not_unicode"

    def __init__(self, *, where: str, encoding: str) -> None:
        self.where, self.encoding = where, encoding
        super().__init__(
            f"the catalog at {where} is in a database with the encoding {encoding}",
            hint="make a database with UTF8 (createdb --template template0 --encoding UTF8 NAME),"
            " and name it in EARWITNESS_DATABASE_URL",
        )


class CatalogElsewhere(StoreError):
    """The catalog is in an external database, which earwitness does not back up."""

    code = "catalog_elsewhere"

    def __init__(self) -> None:
        super().__init__(
            "the catalog of this home is in the database that EARWITNESS_DATABASE_URL names",
            hint="back up that database with pg_dump; `earwitness rebuild` builds the shards again from it",
        )


class CatalogDamaged(StoreError):
    """The catalog cannot be read, or stored bytes do not match their checksum."""

    code = "catalog_damaged"

    def __init__(self, *, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(
            f"{where} is damaged: {reason}",
            hint=f"run `earwitness verify` to list all damage; {RESTORE}, "
            "or register and index again in a new home",
        )


class CatalogMissing(StoreError):
    """The home holds other files of a store, but no catalog."""

    code = "catalog_missing"

    def __init__(self, *, home: str, catalog: str, left: str) -> None:
        self.home = home
        super().__init__(
            f"{home} held an index, but its {catalog} is gone",
            hint=f"put that file back, or {RESTORE}; to start again without the stored data, delete {left}",
        )


class ChangesLost(StoreError):
    """The catalog lacks changes that were stored."""

    code = "changes_lost"

    def __init__(self, *, where: str, present: int, stored: int, counter: str) -> None:
        self.where, self.present, self.stored = where, present, stored
        super().__init__(
            f"the last {stored - present} changes of {where} are lost: its log was damaged or deleted",
            hint=f"{RESTORE}; or, to continue without "
            f"them, delete {counter}, then register and index again what was added last",
        )


class ShardDamaged(StoreError):
    """A shard file is missing or differs from its catalog row; stored fingerprints are not affected."""

    code = "segment_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the search shard {path} {reason}",
            hint="run `earwitness rebuild`: it builds the shards again from the stored fingerprints",
        )


class ShardMissing(ShardDamaged):
    """A shard file does not exist: it was deleted, or a writer has replaced it."""

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path, reason="is missing")


class DiskFull(StoreError):
    """The disk is full; a partly written file is deleted."""

    code = "disk_full"

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(
            f"the disk is full: {path} cannot be written",
            hint="free some space and run the same command again; it continues where it stopped",
        )


class StoreUnwritable(StoreError):
    """A file of the store cannot be written: the disk is read-only, or the permission is missing."""

    code = "store_unwritable"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be written ({reason})",
            hint="give this user permission to write there, or name another folder; stored data is readable",
        )


class DiskFailed(StoreError):
    """The system could not read or write a file of the store."""

    code = "disk_failed"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the disk failed at {path} ({reason})",
            hint="check the disk, then run `earwitness verify`; this command's last step stored nothing",
        )


class TooManyOpenFiles(StoreError):
    """The system opens no further file for this process."""

    code = "too_many_open_files"

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be opened: too many files are open",
            hint="raise the limit of open files (ulimit -n), or run fewer commands at a time",
        )


class CollectionExists(StoreError):
    """The home holds a dataset of this name and version already."""

    code = "collection_exists"

    def __init__(self, *, name: str, version: str) -> None:
        self.name, self.version = name, version
        super().__init__(
            f"this home holds {name}:{version} already",
            hint=f"remove it first (`earwitness remove {name}:{version}`), or use another home",
        )


class CollectionUnknown(StoreError):
    """No collection has this number or name."""

    code = "collection_unknown"

    def __init__(self, *, collection: str) -> None:
        self.collection = collection
        super().__init__(
            f"there is no collection {collection}", hint="`earwitness collections` lists all collections"
        )


class ItemUnknown(StoreError):
    """No item of this collection has this number."""

    code = "item_unknown"

    def __init__(self, *, item: str) -> None:
        self.item = item
        super().__init__(f"there is no item {item}", hint="`earwitness collections` lists all collections")


class RecordingUnknown(StoreError):
    """The recording is not in this epoch, or an item names audio without a fingerprint."""

    code = "recording_unknown"

    def __init__(self, *, recording: str) -> None:
        self.recording = recording
        super().__init__(f"there is no recording {recording}", hint="add the item with its fingerprint")


class RecordingTooLong(StoreError):
    """A recording has more codes than the store allows."""

    code = "recording_too_long"

    def __init__(self, *, name: str, n_codes: int, limit: int) -> None:
        self.name, self.n_codes, self.limit = name, n_codes, limit
        super().__init__(
            f"{name} has {n_codes} codes; the limit is {limit}", hint="cut the recording into parts"
        )


class BackupDamaged(StoreError):
    """A backup file is truncated, changed or no backup."""

    code = "backup_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} is not a complete backup: {reason}", hint="restore from another backup file"
        )


class JobLost(StoreError):
    """A worker changed a job whose lease belongs to another worker."""

    code = "job_lost"

    def __init__(self, *, job: str) -> None:
        self.job = job
        super().__init__(
            f"job {job} was taken over by another worker",
            hint="discard this result; the other worker's result is used",
        )


class KeyReused(StoreError):
    """An idempotency key was used for two different requests."""

    code = "key_reused"

    def __init__(self, *, key: str) -> None:
        self.key = key
        super().__init__(
            f"the idempotency key {key} was used for another request",
            hint="use a new key for a new request",
        )
