"""An enlarged home of `benchmarks scale` has the stated size, and still matches its real recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.runs import scale
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.extract import extractor
from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.library import Library
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer

SAMPLES = Path(__file__).parents[3] / "sample_audio" / "originals"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sample pieces as one dataset."""
    home, extractor_used = tmp_path_factory.mktemp("real"), extractor()
    with Decoder() as decoder, Writer.open(HomeAddress(home)) as writer:
        items = [
            NewItem(
                path=path.name,
                sha256=f"{number:064x}",
                fingerprint=extractor_used.fingerprint(
                    extractor_used.query(decoder.decode(path, name=path.name).waveform)
                ),
            )
            for number, path in enumerate(sorted(SAMPLES.iterdir())[:3], start=1_000)
        ]
        writer.add(writer.collection(CollectionKind.DATASET, "real", "1"), items)
        writer.publish()
    return home


def test_synthetic_recordings_resemble_real_ones(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have codes, peaks and words at the rate of real ones, and real ones still match."""
    monkeypatch.setattr(scale, "MADE_CODES", 20)
    n_codes = scale.enlarge(real, tmp_path / "home", size=900, seed=3)
    with Library.open(HomeAddress(tmp_path / "home")) as library:
        (known,) = library.collections
        numbers = [item.recording for item in library.listing(known.id) if item.recording is not None]
        hits = library.search(library.codes(numbers[0])[:4], k=1, collections=[known.id])
        rates = [
            [
                len(one) / library.recording(number).duration_s
                for one in (library.peaks(number), library.chromaprint(number))
            ]
            for number in numbers
        ]
    assert n_codes == known.n_codes >= 900
    assert len(numbers) == 3 + -(-(900 - 3 * 47) // 20)
    assert hits.recording.tolist() == 4 * [numbers[0]]
    np.testing.assert_allclose(np.mean(rates[3:], axis=0), np.mean(rates[:3], axis=0), rtol=0.2)
