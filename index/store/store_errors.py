"""What can go wrong with a home: its lock, its catalog, its shards, its disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from earwitness.fingerprint.errors import EarwitnessError

if TYPE_CHECKING:
    from earwitness.index.match import Match

RESTORE = "restore a backup into a new home (`earwitness --home NEW restore FILE`)"


class StoreError(EarwitnessError):
    """Something is wrong with the store, not with one item's audio."""

    code = "index"


class HomeMissing(StoreError):
    """Nothing was ever stored in this home, so nothing can be asked of it."""

    code = "home_missing"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"{home} holds no index yet",
            hint="register a work or index a dataset first, or name another home",
        )


class HomeUnusable(StoreError):
    """The home cannot be made, or not be written to."""

    code = "home_unusable"

    def __init__(self, *, home: str, reason: str) -> None:
        self.home, self.reason = home, reason
        super().__init__(
            f"{home} cannot be used as a home: {reason}",
            hint="name a folder that you may write to with --home",
        )


class SearchTimeout(StoreError):
    """A query was not searched to its end in the time that a search may take.

    Attributes
    ----------
    matches : sequence of earwitness.index.match.Match
        What was found by then.
    compared_s : float
        Seconds of the query that were searched.
    """

    code = "search_timeout"

    def __init__(
        self, *, matches: Sequence[Match], compared_s: float, duration_s: float, wall_s: float
    ) -> None:
        self.matches, self.compared_s = list(matches), compared_s
        super().__init__(
            f"{compared_s:,.0f} of {duration_s:,.0f} s were compared in the {wall_s:g} s that this may take",
            hint="raise EARWITNESS_SEARCH_WALL_S, take less effort, or split the file;"
            " nothing can be said about the rest",
        )


class NameReserved(StoreError):
    """A dataset was to be called what the registry of works is called."""

    code = "name_reserved"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} is the name of the registry of works, so that no dataset can be called so",
            hint="give the dataset another name, such as the one that it was published under",
        )


class HomeBusy(StoreError):
    """Another process holds the home's one writer lock."""

    code = "home_busy"

    def __init__(self, *, home: str, holder: str) -> None:
        self.home, self.holder = home, holder
        super().__init__(
            f"{home} is being written by {holder}",
            hint="wait until it has finished; several commands may read at once, but only one may write",
        )


class HomeNotEmpty(StoreError):
    """A restore was asked for into a home that holds something already."""

    code = "home_not_empty"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(f"{home} is not empty", hint="restore into a new, empty home; nothing was changed")


class CatalogTooNew(StoreError):
    """The catalog was written by a newer program than this one."""

    code = "catalog_too_new"

    def __init__(self, *, home: str, found: str, known: str) -> None:
        self.home, self.found, self.known = home, found, known
        super().__init__(
            f"the catalog of {home} has schema {found}, this program knows {known}",
            hint="use the newer earwitness that wrote it, or restore a backup made before the upgrade",
        )


class CatalogUnreachable(StoreError):
    """The catalog is in a database of its own, and that does not answer."""

    code = "catalog_unreachable"

    def __init__(self, *, where: str, reason: str) -> None:
        self.where, self.reason = where, " ".join(reason.split())
        super().__init__(
            f"the catalog at {where} cannot be reached ({self.reason})",
            hint="start that database, mend EARWITNESS_DATABASE_URL, or install earwitness[postgres]",
        )


class CatalogElsewhere(StoreError):
    """The catalog is in a database of its own, which this program does not back up."""

    code = "catalog_elsewhere"

    def __init__(self) -> None:
        super().__init__(
            "the catalog of this home is in the database that EARWITNESS_DATABASE_URL names",
            hint="back that up with pg_dump; shards can be built again from it by `earwitness rebuild`",
        )


class CatalogDamaged(StoreError):
    """The catalog is not a database that can be read, or stored bytes changed under their checksum."""

    code = "catalog_damaged"

    def __init__(self, *, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(
            f"{where} is damaged: {reason}",
            hint=f"run `earwitness verify` for the extent; {RESTORE}, "
            "or register and index again in a new home",
        )


class CatalogMissing(StoreError):
    """The home holds other files of a store, but its catalog is gone."""

    code = "catalog_missing"

    def __init__(self, *, home: str, catalog: str, left: str) -> None:
        self.home = home
        super().__init__(
            f"{home} held an index, but its {catalog} is gone",
            hint=f"put that file back, or {RESTORE}; to begin anew without what was stored, delete {left}",
        )


class ChangesLost(StoreError):
    """The catalog is at an earlier change than the last one that was stored."""

    code = "changes_lost"

    def __init__(self, *, where: str, found: int, stored: int, counter: str) -> None:
        self.where, self.found, self.stored = where, found, stored
        super().__init__(
            f"the last {stored - found} changes of {where} are lost: its log was damaged or deleted",
            hint=f"{RESTORE}; or, to go on without "
            f"them, delete {counter}, then register and index again what was added last",
        )


class ShardDamaged(StoreError):
    """A shard file is missing or is not what the manifest says; stored fingerprints are not affected."""

    code = "segment_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the search shard {path} {reason}",
            hint="run `earwitness rebuild`: shards are made again from the stored fingerprints",
        )


class ShardMissing(ShardDamaged):
    """A shard file is not there: deleted by somebody else, or a writer has put another in its place."""

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path, reason="is missing")


class DiskFull(StoreError):
    """The disk had no room for what was to be written; nothing half-written was kept."""

    code = "disk_full"

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(
            f"no room left to write {path}", hint="free some space and run the same command again; it goes on"
        )


class StoreUnwritable(StoreError):
    """A file of the store may not be written: a read-only disk, or no permission."""

    code = "store_unwritable"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be written ({reason})",
            hint="give this user the right to write there, or name another place; what is stored can be read",
        )


class DiskFailed(StoreError):
    """The system could not read or write a file of the store."""

    code = "disk_failed"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the disk failed at {path} ({reason})",
            hint="look after the disk, then run `earwitness verify`; this command's last step stored nothing",
        )


class CollectionUnknown(StoreError):
    """No collection has this number or name."""

    code = "collection_unknown"

    def __init__(self, *, collection: str) -> None:
        self.collection = collection
        super().__init__(
            f"there is no collection {collection}", hint="`earwitness collections` lists what there is"
        )


class ItemUnknown(StoreError):
    """No item of this collection has this number."""

    code = "item_unknown"

    def __init__(self, *, item: str) -> None:
        self.item = item
        super().__init__(f"there is no item {item}", hint="`earwitness collections` lists what there is")


class RecordingUnknown(StoreError):
    """No such recording in the opened epoch, or an item names audio that was never fingerprinted."""

    code = "recording_unknown"

    def __init__(self, *, recording: str) -> None:
        self.recording = recording
        super().__init__(f"there is no recording {recording}", hint="add the item with its fingerprint")


class RecordingTooLong(StoreError):
    """A recording has more codes than a shard can number."""

    code = "recording_too_long"

    def __init__(self, *, name: str, n_codes: int, limit: int) -> None:
        self.name, self.n_codes, self.limit = name, n_codes, limit
        super().__init__(
            f"{name} has {n_codes} codes, a recording may have {limit}", hint="cut the recording into parts"
        )


class BackupDamaged(StoreError):
    """A backup file cannot be unpacked to what was packed."""

    code = "backup_damaged"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} is not a whole backup: {reason}", hint="restore from another backup file")


class JobLost(StoreError):
    """A worker reported on a job whose lease had passed to another."""

    code = "job_lost"

    def __init__(self, *, job: str) -> None:
        self.job = job
        super().__init__(
            f"job {job} was taken over by another worker", hint="drop this result; the other worker's counts"
        )


class KeyReused(StoreError):
    """The same idempotency key came with a different request."""

    code = "key_reused"

    def __init__(self, *, key: str) -> None:
        self.key = key
        super().__init__(
            f"the idempotency key {key} was used for another request",
            hint="send a fresh key for a new request",
        )
