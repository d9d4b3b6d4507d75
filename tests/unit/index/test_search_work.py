"""What a search leaves undone because it is known already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.index.match import Effort, Hits, Match
from earwitness.index.matching import identify as road
from tests.unit.index.synthetic_index import (
    BlurExtractor,
    MemoryLibrary,
    background_of,
    cut,
    join,
    music,
)

EXTRACTOR = BlurExtractor()
BACKGROUND = background_of(EXTRACTOR)


class Counting(MemoryLibrary):
    """Keeps what it was asked."""

    def begin(self) -> None:
        """Forget what was asked so far."""
        self.asked = list[NDArray[np.float32]]()
        self.peaks_of = Counter[int]()

    def search(
        self, vectors: NDArray[np.float32], *, k: int, collections: Sequence[int], n_probe: int = 0
    ) -> Hits:
        """The k most similar codes of each vector."""
        self.asked.append(vectors)
        return super().search(vectors, k=k, collections=collections, n_probe=n_probe)

    def peaks(self, recording: int) -> NDArray[np.int32]:
        """Peaks of a recording."""
        self.peaks_of[recording] += 1
        return super().peaks(recording)


@pytest.fixture(scope="module")
def library() -> Counting:
    """Ten pieces, of which the first plays one part three times."""
    library = Counting(EXTRACTOR, BACKGROUND)
    chorus = music(40, 12.0)
    library.add(join(music(41, 10.0), chorus, music(42, 10.0), chorus, chorus))
    for seed in range(9):
        library.add(music(seed, 45.0))
    return library


def ask(library: Counting, seconds: float, *, under: float = 0.0) -> list[Match]:
    """Ask about the beginning of the part that is played three times, under so much other music."""
    library.begin()
    sound, other = (cut(music(seed, 12.0), 0.0, seconds) for seed in (40, 900))
    sound = replace(sound, power=sound.power + np.float32(under) * other.power)
    return road.identify(EXTRACTOR.query(sound), library, collections=[1], effort=Effort.FAST)


def test_the_index_is_asked_about_each_row_once(library: Counting) -> None:
    """A glimpse looks up every other row, what completes it the others: together every row, none twice."""
    ask(library, 8.0)
    rows = np.concatenate(library.asked)
    expected = EXTRACTOR.embed(cut(music(40, 12.0), 0.0, 8.0), fine=True)
    assert len(library.asked) == 2
    assert len(rows) == len(expected)
    np.testing.assert_allclose(np.sort(rows @ expected.T, axis=1)[:, -1], 1.0, atol=1e-5)
    assert len(np.unique((rows @ expected.T).argmax(axis=1))) == len(expected)


@pytest.mark.parametrize(("under", "judged"), [(0.0, 3), (1.0, 1)])
def test_a_worse_repeat_of_what_is_certain_is_not_judged(under: float, judged: int) -> None:
    """Of three places that explain the query all that fit as well are compared with the peaks, no others."""
    library = Counting(EXTRACTOR, BACKGROUND)
    chorus = music(40, 12.0)
    varied = [
        replace(chorus, power=chorus.power + np.float32(under) * music(seed, 12.0).power) for seed in (50, 51)
    ]
    library.add(join(music(41, 10.0), chorus, music(42, 10.0), *varied))
    for seed in range(9):
        library.add(music(seed, 45.0))
    (match,) = ask(library, 12.0)
    prefiltered = 1
    assert library.peaks_of[0] == prefiltered + judged
    assert match.recording == 0
    assert match.e_value < 1e-15
    assert abs(match.segments[0].reference_start_s - 10.0) < 0.8 or under == 0.0


def test_what_is_certain_is_compared_with_few_decoys(library: Counting) -> None:
    """A match that no decision hangs on is told by the rough null model; one nearer to chance by the full."""
    (certain,) = ask(library, 12.0)
    assert certain.n_decoys == 2 * len(BACKGROUND.rough.codes)
    (faint,) = ask(library, 3.0, under=2.0)
    assert faint.e_value > 1e-15
    assert faint.n_decoys == 2 * len(BACKGROUND.codes)
