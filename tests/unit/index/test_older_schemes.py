"""Of two schemes, each home is searched with its own: parameters, calibration and decoys."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.fingerprint import extract
from earwitness.fingerprint.conformance import check
from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.fingerprint.extract import Extractor, extractor, schemes
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.types import RATE_HZ, Waveform
from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.library import Library
from earwitness.index.match import Effort, Match, MatchClass
from earwitness.index.matching import related
from earwitness.index.matching.identify import identify
from earwitness.index.statistics.background import BACKGROUND_FILE
from earwitness.index.statistics.calibration import (
    CALIBRATION_FILE,
    Calibration,
    read_calibration,
    write_calibration,
)
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-scheme.md"
OFFSET_NATS = 7.0
N_RUNS = 50
START_S, LENGTH_S = 5.0, 7.0
SOUND = 2


def make_sound(seed: int, length_s: float = 24.0) -> NDArray[np.float32]:
    """Decaying notes over a noise floor; every seed another piece."""
    rng = np.random.default_rng(seed)
    samples = 0.002 * rng.standard_normal(round(length_s * RATE_HZ))
    time_s = np.arange(RATE_HZ) / RATE_HZ
    for start in rng.integers(0, len(samples) - RATE_HZ, round(5 * length_s)):
        hz = 110 * 2 ** (rng.integers(0, 48) / 12)
        samples[start : start + RATE_HZ] += np.exp(-time_s / 0.3) * np.sin(2 * np.pi * hz * time_s)
    return (0.1 * samples).astype(np.float32)


def move_offsets(calibration: Calibration, nats: float) -> Calibration:
    """Raise every E-value by so many nats, whatever it rests on."""
    return replace(
        calibration,
        calibration_offset=calibration.calibration_offset + nats,
        related_offset=calibration.related_offset + nats,
        spoken_offset=calibration.spoken_offset + nats,
    )


def follow_the_page(models: Path) -> None:
    """Run the Python blocks of docs/adding-a-scheme.md; then stand in for its fits, and for other decoys."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    steps: dict[str, Any] = {}
    exec("\n".join(blocks), steps)
    with np.load(models / BACKGROUND_FILE) as stored:
        lengths = stored["run_lengths"][:N_RUNS]
        fewer = {"codes": stored["codes"][: lengths.sum()], "spoken": stored["spoken"][:N_RUNS]}
    np.savez(models / BACKGROUND_FILE, run_lengths=lengths, **fewer)
    fitted = move_offsets(read_calibration(models / CALIBRATION_FILE), OFFSET_NATS)
    write_calibration(models / CALIBRATION_FILE, replace(fitted, overlaid_similarity=2.0, checked_to=0.0))
    steps["write_model_json"]()


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """One home of the made scheme and one of the shipped, with the same sounds; by name of the scheme."""
    models = tmp_path_factory.mktemp("models")
    for name in ("model.json", *Extractor(extract.MODELS).files):
        shutil.copy(extract.MODELS / name, models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract, "MODELS", models)
        follow_the_page(models)
        yield {scheme: make_home(tmp_path_factory.mktemp("home"), scheme) for scheme in schemes()}
    extractor.cache_clear()


def make_home(home: Path, scheme: str) -> Path:
    """Index four sounds under a scheme."""
    model = extractor(scheme)
    with Writer.open(HomeAddress(home), codec=model) as writer:
        items = [
            NewItem(
                path=f"{seed}.wav",
                sha256=f"{seed:064x}",
                fingerprint=model.fingerprint(model.query(Waveform(samples=make_sound(seed)))),
            )
            for seed in range(4)
        ]
        writer.add(writer.collection(CollectionKind.DATASET, "sounds", "1"), items)
        writer.publish()
    return home


def search(library: Library) -> Match:
    """Return the best match of an excerpt under noise."""
    first = round(START_S * RATE_HZ)
    excerpt = make_sound(SOUND)[first : first + round(LENGTH_S * RATE_HZ)]
    excerpt += excerpt.std() * np.random.default_rng(9).standard_normal(len(excerpt)).astype(np.float32)
    query = extractor(library.scheme).query(Waveform(samples=excerpt))
    match, *_ = identify(
        query, library, collections=[known.id for known in library.collections], effort=Effort.FAST
    )
    return match


def test_each_home_is_searched_with_its_own_scheme(homes: dict[str, Path]) -> None:
    """Hop, decoys and calibration are those of the scheme that each home was indexed under."""
    made, shipped = (Library.open(HomeAddress(home)) for home in homes.values())
    with made, shipped:
        assert [made.scheme, shipped.scheme] == schemes() and made.scheme != shipped.scheme
        for library in (made, shipped):
            match = search(library)
            segment = match.segments[0]
            background, calibration = library.background, library.calibration
            assert segment.reference_start_s - segment.query_start_s == pytest.approx(START_S, abs=0.15)
            assert segment.query_end_s == pytest.approx(LENGTH_S, abs=0.7)
            assert match.n_decoys in {2 * len(decoys.codes) for decoys in (background, background.rough)}
            assert match.e_checked_to == calibration.checked_to
        assert made.extractor.params.frame_s > shipped.extractor.params.frame_s == PARAMS.frame_s
        assert made.background.run_of[-1] == N_RUNS - 1 < shipped.background.run_of[-1]
        kinds = [search(library).kind for library in (made, shipped)]
        assert kinds == [MatchClass.EXCERPT_UNDER_OTHER_AUDIO, MatchClass.EXCERPT]


def test_the_made_scheme_conforms(homes: dict[str, Path]) -> None:
    """The page's steps give a scheme that `selftest` agrees with, and the shipped one still does."""
    assert len(homes) == 2
    assert all(check(extractor(scheme)).ok for scheme in homes)


class WithoutOffset(Library):
    """A library whose scheme is calibrated without the additional offset."""

    @property
    def calibration(self) -> Calibration:
        """The scheme's calibration, its offsets reduced."""
        return move_offsets(super().calibration, -OFFSET_NATS)


def test_the_offset_of_a_scheme_moves_its_e_values(
    homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the count of others, E-values under the made scheme are higher by its own offset alone."""
    monkeypatch.setattr(related, "COUNT_POWER", 0.0)
    home = next(iter(homes.values()))
    with Library.open(HomeAddress(home)) as library, WithoutOffset.open(HomeAddress(home)) as reduced:
        log_e, log_e_reduced = (log(search(one).e_value) for one in (library, reduced))
    assert log_e - log_e_reduced == pytest.approx(OFFSET_NATS, abs=1e-6)


def test_a_query_of_another_scheme_is_refused(homes: dict[str, Path]) -> None:
    """Codes of two schemes are never compared."""
    query = extractor(schemes()[0]).query(Waveform(samples=make_sound(SOUND)))
    with Library.open(HomeAddress(homes[schemes()[1]])) as library, pytest.raises(SchemeMismatch):
        identify(query, library, collections=[1], effort=Effort.FAST)
