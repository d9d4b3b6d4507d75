"""Compares link lists with works by metadata: their entries name a recording without holding its audio.

A `LinkFinding` states that an entry *names* a work; its audio was not compared. So it has a class of its own,
and is never counted or ranked with matches.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz, process

from earwitness.api.datasets.items import Identifiers, SourceItem
from earwitness.index.names.recording_ids import isrc_of

MIN_SCORE: Final = 90.0
"""Least similarity (0 to 100) of artist and of title, each, that is worth reporting."""

_FEATURED: Final = re.compile(r"[\(\[]?\b(?:feat|ft|featuring)\b\.?.*", re.IGNORECASE)
_BRACKETS: Final = re.compile(
    r"[\(\[][^)\]]*(?:official|audio|video|lyric|remaster)[^)\]]*[\)\]]", re.IGNORECASE
)


class LinkBasis(StrEnum):
    """What an entry and a work have in common."""

    ISRC = "isrc"
    YOUTUBE = "youtube"
    SPOTIFY = "spotify"
    ARTIST_TITLE = "artist_title"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedWork:
    """A registered work, as far as metadata can name it."""

    work_id: str
    identifiers: Identifiers


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFinding:
    """An entry of a link list that names a work.

    Attributes
    ----------
    score : float
        100 for an identifier; the lower of the artists' and the titles' similarity (0 to 100) otherwise.
    """

    item_id: str
    work_id: str
    basis: LinkBasis
    score: float


class LinkIndex:
    """An index of works by identifier and by artist and title.

    Parameters
    ----------
    works : iterable of NamedWork
    min_score : float
        Least similarity of artist and of title, each, from 0 to 100.
    """

    def __init__(self, works: Iterable[NamedWork], *, min_score: float = MIN_SCORE) -> None:
        self._works, self._min_score = tuple(works), min_score
        self._exact = _by_identifier(self._works)
        self._titled = [work for work in self._works if work.identifiers.artist and work.identifiers.title]
        self._titles = [plain(work.identifiers.title or "") for work in self._titled]

    def find(self, entries: Iterable[SourceItem]) -> Iterator[LinkFinding]:
        """Yield the works that each entry names, each work once with its strongest basis."""
        for entry in entries:
            if entry.identifiers is not None:
                yield from self._named_by(entry.item_id, entry.identifiers)

    def _named_by(self, item_id: str, identifiers: Identifiers) -> Iterator[LinkFinding]:
        named: set[str] = set()
        for basis, value in _keys(identifiers):
            for work_id in self._exact.get((basis, value), ()):
                if work_id not in named:
                    named.add(work_id)
                    yield LinkFinding(item_id=item_id, work_id=work_id, basis=basis, score=100.0)
        for work_id, score in self._similar(identifiers):
            if work_id not in named:
                yield LinkFinding(item_id=item_id, work_id=work_id, basis=LinkBasis.ARTIST_TITLE, score=score)

    def _similar(self, identifiers: Identifiers) -> Iterator[tuple[str, float]]:
        """Works whose title and artist are both similar to the entry's."""
        if not (identifiers.artist and identifiers.title):
            return
        title, artist = plain(identifiers.title), plain(identifiers.artist)
        if not (title and artist):
            return
        similar_titles = process.extract(
            title, self._titles, scorer=fuzz.ratio, score_cutoff=self._min_score, limit=None
        )
        for _, title_score, number in similar_titles:
            work = self._titled[number]
            artist_score = fuzz.token_set_ratio(artist, plain(work.identifiers.artist or ""))
            if artist_score >= self._min_score:
                yield work.work_id, round(min(title_score, artist_score), 1)


def plain(text: str) -> str:
    """Normalise a name: no case, accents, punctuation, guests and remarks such as "(Official Video)"."""
    text = _BRACKETS.sub(" ", _FEATURED.sub(" ", text))
    decomposed = unicodedata.normalize("NFKD", text)
    letters = (
        char.casefold() if char.isalnum() else " " for char in decomposed if not unicodedata.combining(char)
    )
    return " ".join("".join(letters).split())


def _keys(identifiers: Identifiers) -> Iterator[tuple[LinkBasis, str]]:
    if identifiers.isrc and (isrc := isrc_of(identifiers.isrc)):
        yield LinkBasis.ISRC, isrc
    if identifiers.youtube:
        yield LinkBasis.YOUTUBE, identifiers.youtube
    if identifiers.spotify:
        yield LinkBasis.SPOTIFY, identifiers.spotify


def _by_identifier(works: Sequence[NamedWork]) -> Mapping[tuple[LinkBasis, str], tuple[str, ...]]:
    work_ids: defaultdict[tuple[LinkBasis, str], tuple[str, ...]] = defaultdict(tuple)
    for work in works:
        for key in _keys(work.identifiers):
            work_ids[key] += (work.work_id,)
    return dict(work_ids)
