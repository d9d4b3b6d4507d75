"""Findings of earlier scans, stored under everything that they depend on, so that none is ever out of date.

The key is the audio, the scheme, the effort and `Library.state_digest` of the searched collections. When one
of these changes, the item is searched again. The rows may be lost without harm; they are written without the
home's lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, insert, select

from earwitness.index.database.catalog import Catalog
from earwitness.index.database.row_digests import is_intact, with_digest
from earwitness.index.database.tables import FINDING
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import DiskFull, HomeBusy, StoreUnwritable

MAX_KEYS: Final = 500
"""Audio keys in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """What a finding depends on besides its audio, which `NewItem.audio_key` names."""

    scheme: str
    effort: str
    state_digest: str

    def columns(self) -> dict[str, str]:
        """The key as values of the finding table's columns."""
        return {"scheme": self.scheme, "effort": self.effort, "knowledge": self.state_digest}


_SELECT: Final = select(FINDING).where(
    FINDING.c.tenant == bindparam("tenant"),
    FINDING.c.scheme == bindparam("scheme"),
    FINDING.c.effort == bindparam("effort"),
    FINDING.c.knowledge == bindparam("knowledge"),
    FINDING.c.audio_key.in_(bindparam("audio_keys", expanding=True)),
)
"""Built once: a scan executes it for each item, and building it takes longer than executing it."""


class FindingCache:
    """Findings of earlier scans, as the text that the caller stored. May be used from any thread."""

    def __init__(self, address: HomeAddress) -> None:
        self._catalog, self._tenant = Catalog(address), address.tenant

    def get(self, key: CacheKey, audio_keys: Sequence[str]) -> dict[str, str]:
        """Return the stored findings by audio key; audio without one is left out."""
        findings: dict[str, str] = {}
        with self._catalog.reading() as connection:
            for some in _batches(audio_keys):
                values = {"tenant": self._tenant, **key.columns(), "audio_keys": list(some)}
                rows = connection.execute(_SELECT, values)
                # a damaged row counts as absent: its item is searched again
                findings.update((row.audio_key, row.finding) for row in rows if is_intact(FINDING, row))
        return findings

    def put(self, key: CacheKey, findings: Mapping[str, str]) -> None:
        """Store findings, audio key -> text, in one transaction; present ones are replaced.

        Where nothing can be written they are not stored: their items are searched again next time.
        """
        with suppress(DiskFull, StoreUnwritable, HomeBusy):
            self._write(key, findings)

    def _write(self, key: CacheKey, findings: Mapping[str, str]) -> None:
        if not findings:
            return
        columns = {"tenant": self._tenant, **key.columns()}
        values = [
            with_digest(FINDING, {**columns, "audio_key": audio_key, "finding": text})
            for audio_key, text in findings.items()
        ]
        with self._catalog.writing() as connection:
            for some in _batches(list(findings)):
                connection.execute(delete(FINDING).where(self._under(key), FINDING.c.audio_key.in_(some)))
            connection.execute(insert(FINDING), values)

    def clear(self) -> int:
        """Delete every finding; returns how many there were."""
        with self._catalog.writing() as connection:
            return connection.execute(delete(FINDING).where(FINDING.c.tenant == self._tenant)).rowcount

    def close(self) -> None:
        """Close the catalog."""
        self._catalog.close()

    def _under(self, key: CacheKey) -> ColumnElement[bool]:
        return (
            (FINDING.c.tenant == self._tenant)
            & (FINDING.c.scheme == key.scheme)
            & (FINDING.c.effort == key.effort)
            & (FINDING.c.knowledge == key.state_digest)
        )


def _batches(audio_keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(audio_keys), MAX_KEYS):
        yield audio_keys[start : start + MAX_KEYS]
