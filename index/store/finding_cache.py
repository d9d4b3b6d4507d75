"""Answers already worked out, kept under all that they depend on, so that none is ever stale.

The key is the audio, the scheme, the effort and `Library.knowledge` of the collections that were searched.
Whatever changes one of those asks again. These rows may be lost without harm; they are written without the
home's lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, insert, select

from earwitness.index.database.catalog import Catalog
from earwitness.index.database.row_digests import is_sound, sealed
from earwitness.index.database.tables import FINDING
from earwitness.index.store.store_errors import DiskFull, HomeBusy, StoreUnwritable

AT_ONCE: Final = 500
"""Rows named in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """What was asked, of what, how hard; the audio is named by `NewItem.audio_key`."""

    scheme: str
    effort: str
    knowledge: str


_RECALL: Final = select(FINDING).where(
    FINDING.c.tenant == bindparam("tenant"),
    FINDING.c.scheme == bindparam("scheme"),
    FINDING.c.effort == bindparam("effort"),
    FINDING.c.knowledge == bindparam("knowledge"),
    FINDING.c.audio_key.in_(bindparam("some", expanding=True)),
)
"""Asked once for each item of a scan: made once, since making it takes longer than answering it."""


class FindingCache:
    """Findings of earlier scans, as the text that the caller gave. May be used from any thread."""

    def __init__(self, home: Path, *, tenant: str = "local", url: str | None = None) -> None:
        self._catalog, self._tenant = Catalog(home, url=url), tenant

    def recall(self, asked: CacheKey, audio: Sequence[str]) -> dict[str, str]:
        """The findings known for some audio; what is not known is not in the answer."""
        found: dict[str, str] = {}
        with self._catalog.reading() as connection:
            for some in _parts(audio):
                values = {"tenant": self._tenant, **asdict(asked), "some": list(some)}
                rows = connection.execute(_RECALL, values)
                # what is damaged is not known: it is worked out anew
                found.update((row.audio_key, row.finding) for row in rows if is_sound(FINDING, row))
        return found

    def remember(self, asked: CacheKey, findings: Mapping[str, str]) -> None:
        """Keep findings, audio -> text, in one transaction; known ones are replaced.

        Where nothing can be written they are not kept: they are worked out again when they are asked for.
        """
        with suppress(DiskFull, StoreUnwritable, HomeBusy):
            self._keep(asked, findings)

    def _keep(self, asked: CacheKey, findings: Mapping[str, str]) -> None:
        if not findings:
            return
        key = {"tenant": self._tenant, **asdict(asked)}
        values = [
            sealed(FINDING, {**key, "audio_key": audio, "finding": text}) for audio, text in findings.items()
        ]
        with self._catalog.writing() as connection:
            for some in _parts(list(findings)):
                connection.execute(delete(FINDING).where(self._where(asked), FINDING.c.audio_key.in_(some)))
            connection.execute(insert(FINDING), values)

    def forget(self) -> int:
        """Drop every finding; returns how many there were."""
        with self._catalog.writing() as connection:
            return connection.execute(delete(FINDING).where(FINDING.c.tenant == self._tenant)).rowcount

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()

    def _where(self, asked: CacheKey) -> ColumnElement[bool]:
        return (
            (FINDING.c.tenant == self._tenant)
            & (FINDING.c.scheme == asked.scheme)
            & (FINDING.c.effort == asked.effort)
            & (FINDING.c.knowledge == asked.knowledge)
        )


def _parts(audio: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(audio), AT_ONCE):
        yield audio[start : start + AT_ONCE]
