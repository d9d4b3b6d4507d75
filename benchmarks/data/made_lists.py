"""Lists of songs with made-up names, in the layout of LAION-DISCO-12M.

Their frequencies are like those of real lists: how many songs an artist has, and how many songs share a
title, follow power laws; one title in five is one of a few thousand that many artists use, some songs stand
in the list several times, and some artists have a song that is called like themselves.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROWS_A_GROUP: Final = 50_000
COMMON_TITLES: Final = 5_000
SHARE_COMMON, SHARE_AGAIN, SHARE_SELF_TITLED = 0.2, 0.08, 0.002
SONGS_AN_ARTIST: Final = 12
"""Songs of an artist, on average."""
_SYLLABLES: Final = [first + last for first in "bdfgklmnprstvz" for last in ("a", "e", "i", "o", "u", "ai")]
WORDS: Final = [one + other for one in _SYLLABLES for other in _SYLLABLES]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSongs:
    """Songs as numbers of their artist, second artist (-1: none) and title, in the order of the list."""

    artist: NDArray[np.int64]
    second: NDArray[np.int64]
    title: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.artist)

    def artists(self, row: int) -> list[str]:
        """Return the names of a song's artists."""
        return [name(int(each), kind=1) for each in (self.artist[row], self.second[row]) if each >= 0]

    def title_of(self, row: int) -> str:
        """Return the title of a song; self-titled songs have a negative number."""
        number = int(self.title[row])
        return name(-number - 1, kind=1) if number < 0 else name(number, kind=2)


def made_songs(n_rows: int, *, seed: int) -> MadeSongs:
    """Draw the songs of a list."""
    draw = np.random.default_rng(seed)
    n_artists = max(n_rows // SONGS_AN_ARTIST, 1)
    artist = _power_law(draw, n_rows, n_artists, exponent=0.8)
    second = np.where(draw.random(n_rows) < 0.15, _power_law(draw, n_rows, n_artists, exponent=0.8), -1)
    title = COMMON_TITLES + draw.permutation(n_rows)
    common = draw.random(n_rows) < SHARE_COMMON
    title[common] = _power_law(draw, int(common.sum()), COMMON_TITLES, exponent=1.0)
    self_titled = draw.random(n_rows) < SHARE_SELF_TITLED
    title[self_titled] = -artist[self_titled] - 1
    again = np.flatnonzero(draw.random(n_rows) < SHARE_AGAIN)  # once more, as on another album
    again = again[again > 0]
    artist[again], second[again], title[again] = artist[again - 1], second[again - 1], title[again - 1]
    return MadeSongs(artist=artist, second=second, title=title)


def _power_law(
    draw: np.random.Generator, n_draws: int, n_values: int, *, exponent: float
) -> NDArray[np.int64]:
    """Draw numbers below `n_values`, of which number k is as likely as ``(k + 1) ** -exponent``."""
    weights = (np.arange(n_values) + 1.0) ** -exponent
    steps = np.cumsum(weights)
    drawn: NDArray[np.int64] = np.searchsorted(steps, draw.random(n_draws) * steps[-1]).astype(np.int64)
    return drawn


def name(number: int, *, kind: int) -> str:
    """Return the name of a number: one to three words and the number, the same for the same number."""
    rest, n_words = number * 2_654_435_761 + kind * 40_503 & (1 << 62) - 1, number % 3
    first = WORDS[rest % len(WORDS)]
    if not n_words:
        return f"{first} {number}"
    second = WORDS[rest // 10_007 % len(WORDS)]
    return f"{first} {second} {number}" if n_words == 1 else f"{first} {second} {first} {number}"


def video_id(row: int) -> str:
    """Return the id of the video of a row."""
    return base64.urlsafe_b64encode(row.to_bytes(8, "big"))[:11].decode()


def columns_of_rows(songs: MadeSongs, first: int, last: int) -> dict[str, list[Any]]:
    """Return rows in the layout of LAION-DISCO-12M, by column."""
    rows = range(first, last)
    artists = [songs.artists(row) for row in rows]
    return {
        "song_id": [video_id(row) for row in rows],
        "title": [songs.title_of(row) for row in rows],
        "artist_names": artists,
        "artist_ids": [
            [f"UC{row % 99_991:022d}"] * len(each) for row, each in zip(rows, artists, strict=True)
        ],
        "album_name": [f"{WORDS[row // 10 % len(WORDS)]} {row // 10}" for row in rows],
        "album_id": [f"MPREb_{row // 10}" for row in rows],
        "isExplicit": [row % 17 == 0 for row in rows],
        "views": [f"{row % 997}K" for row in rows],
        "duration": [60 + row % 300 for row in rows],
    }


def write_parquet(songs: MadeSongs, path: Path) -> None:
    """Write a list as Parquet; memory does not grow with it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts: Any = pa.list_(pa.string())
    schema = pa.schema(
        [
            ("song_id", pa.string()), ("title", pa.string()), ("artist_names", texts), ("artist_ids", texts),
            ("album_name", pa.string()), ("album_id", pa.string()), ("isExplicit", pa.bool_()),
            ("views", pa.string()), ("duration", pa.int64()),
        ]
    )  # fmt: skip
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first in range(0, len(songs), ROWS_A_GROUP):
            columns = columns_of_rows(songs, first, min(first + ROWS_A_GROUP, len(songs)))
            writer.write_table(pa.table(columns, schema=schema))
