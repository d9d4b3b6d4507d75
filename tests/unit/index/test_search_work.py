"""Work that a search does not do twice, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.index.match import Effort, Hits, Match
from earwitness.index.matching.identify import identify
from tests.unit.index.synthetic_index import (
    EXTRACTOR,
    MemoryLibrary,
    background,
    cut,
    join,
    music,
)


class Counting(MemoryLibrary):
    """Records the vectors that are searched and the recordings whose peaks are read."""

    def begin(self) -> None:
        """Forget everything recorded so far."""
        self.searched = list[NDArray[np.float32]]()
        self.peaks_of = Counter[int]()

    def search(
        self, vectors: NDArray[np.float32], *, k: int, collections: Sequence[int], n_probe: int = 0
    ) -> Hits:
        """The k most similar codes of each vector."""
        self.searched.append(vectors)
        return super().search(vectors, k=k, collections=collections, n_probe=n_probe)

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """Peaks of a recording."""
        self.peaks_of[recording] += 1
        return super().peaks(recording)


@pytest.fixture(scope="module")
def library() -> Counting:
    """Ten pieces, of which the first plays one part three times."""
    library = Counting(EXTRACTOR, background())
    chorus = music(40, 12.0)
    library.add(join(music(41, 10.0), chorus, music(42, 10.0), chorus, chorus))
    for seed in range(9):
        library.add(music(seed, 45.0))
    return library


def matches_of(library: Counting, seconds: float, *, under: float = 0.0) -> list[Match]:
    """The matches of the beginning of the part that is played three times, under other music."""
    library.begin()
    sound, other = (cut(music(seed, 12.0), 0.0, seconds) for seed in (40, 900))
    sound = replace(sound, power=sound.power + np.float32(under) * other.power)
    return identify(EXTRACTOR.query(sound), library, collections=[1], effort=Effort.FAST)


def test_each_query_frame_is_searched_once(library: Counting) -> None:
    """The prefilter searches every other query frame, and the search after it the others."""
    matches_of(library, 8.0)
    frames = np.concatenate(library.searched)
    expected = EXTRACTOR.embed(cut(music(40, 12.0), 0.0, 8.0), fine=True)
    assert len(library.searched) == 2
    assert len(frames) == len(expected)
    np.testing.assert_allclose(np.sort(frames @ expected.T, axis=1)[:, -1], 1.0, atol=1e-5)
    assert len(np.unique((frames @ expected.T).argmax(axis=1))) == len(expected)


@pytest.mark.parametrize(("under", "scored"), [(0.0, 3), (1.0, 1)])
def test_a_worse_repeat_of_a_certain_alignment_is_not_scored(under: float, scored: int) -> None:
    """Of three places that explain the query, only those that score as well are compared with the peaks."""
    library = Counting(EXTRACTOR, background())
    chorus = music(40, 12.0)
    varied = [
        replace(chorus, power=chorus.power + np.float32(under) * music(seed, 12.0).power) for seed in (50, 51)
    ]
    library.add(join(music(41, 10.0), chorus, music(42, 10.0), *varied))
    for seed in range(9):
        library.add(music(seed, 45.0))
    (match,) = matches_of(library, 12.0)
    prefiltered = 1
    assert library.peaks_of[0] == prefiltered + scored
    assert match.recording == 0
    assert match.e_value < 1e-15
    assert abs(match.segments[0].reference_start_s - 10.0) < 0.8 or under == 0.0


def test_a_certain_match_is_compared_with_few_decoys(library: Counting) -> None:
    """A certain match is scored by the rough null model, one nearer to chance by the full null model."""
    (certain,) = matches_of(library, 12.0)
    assert certain.n_decoys == 2 * len(background().rough.codes)
    (faint,) = matches_of(library, 3.0, under=2.0)
    assert faint.e_value > 1e-15
    assert faint.n_decoys == 2 * len(background().codes)
