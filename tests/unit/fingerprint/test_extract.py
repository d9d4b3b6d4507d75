"""The shipped extractor keeps what its contract promises."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitness.fingerprint.codes import NET_PARTS
from earwitness.fingerprint.conformance import MIN_COSINE, check, reference_signal
from earwitness.fingerprint.errors import ModelDamaged, SchemeMismatch
from earwitness.fingerprint.extract import (
    MODELS,
    Extractor,
    extractor,
    name_scheme,
    schemes,
)
from earwitness.fingerprint.spectrogram import spectrogram
from earwitness.fingerprint.types import RATE_HZ, Spectrogram, Waveform


@pytest.fixture(scope="module")
def shipped() -> Extractor:
    """The newest model."""
    return extractor()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the newest model, to be damaged."""
    for path in MODELS.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    return tmp_path


def test_this_machine_computes_the_expected_codes(shipped: Extractor) -> None:
    """The conformance signal gets the codes that the model ships."""
    conformance = check(shipped)
    assert conformance.ok and conformance.worst_cosine >= MIN_COSINE
    assert conformance.equal_bytes > 0.98 and conformance.equal_peaks > 0.95


def test_the_scheme_names_its_numbers_and_weights(shipped: Extractor) -> None:
    """Nothing that can change a code was changed without a new name."""
    assert shipped.scheme == name_scheme(shipped.params, MODELS)


def test_another_number_or_weight_makes_another_name(shipped: Extractor, copied: Path) -> None:
    """Every part of the net and every parameter counts."""
    names = {name_scheme(shipped.params, copied), name_scheme(replace(shipped.params, floor_db=46.0), copied)}
    for part in NET_PARTS:
        (copied / part).write_bytes((copied / part).read_bytes()[:-1])
        names.add(name_scheme(shipped.params, copied))
    assert len(names) == 2 + len(NET_PARTS)


def test_a_fingerprint_holds_packed_codes(shipped: Extractor) -> None:
    """One code of 32 bytes for each hop, in the extractor's own scheme."""
    query = shipped.query(reference_signal())
    kept = shipped.fingerprint(query)
    assert kept.scheme == query.scheme == shipped.scheme
    n_codes = -(-len(query.spectrogram.power) // shipped.params.code_hop_frames)
    assert kept.codes.shape == (n_codes, shipped.params.code_bytes)
    assert kept.duration_s == pytest.approx(12.0, abs=1e-3) and kept.active_s > 10


def test_packed_codes_stay_close(shipped: Extractor) -> None:
    """What is stored is nearly what was computed, and of unit length."""
    codes = shipped.embed(spectrogram(reference_signal()), fine=True)
    back = shipped.unpack(shipped.pack(codes))
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 1.0, atol=1e-5)
    assert (codes * back).sum(axis=1).min() > 0.97


def test_fine_rows_hold_the_coarse_ones(shipped: Extractor) -> None:
    """Every fourth fine row is the coarse row of the same moment."""
    heard = spectrogram(reference_signal())
    coarse, fine = (shipped.embed(heard, fine=fine) for fine in (False, True))
    np.testing.assert_allclose(fine[::4], coarse, atol=1e-4)


def test_fine_rows_come_in_any_passes(shipped: Extractor) -> None:
    """Some passes give their own rows as all passes do, and zeros for the others."""
    heard = spectrogram(reference_signal())
    fine, even = (shipped.embed(heard, fine=True, phases=phases) for phases in (None, (0, 2)))
    np.testing.assert_allclose(even[::2], fine[::2], atol=1e-6)
    assert not even[1::2].any()


def test_an_excerpt_has_the_codes_of_the_whole(shipped: Extractor) -> None:
    """Away from its ends an excerpt gets the same codes: nothing is taken over the whole sound."""
    hop_samples = shipped.params.code_hop_frames * shipped.params.hop_samples
    whole = reference_signal().samples
    part = Waveform(samples=whole[5 * hop_samples :])
    codes = [shipped.embed(spectrogram(w), fine=False) for w in (Waveform(samples=whole), part)]
    np.testing.assert_allclose(codes[1][4:-1], codes[0][9:-1], atol=1e-3)


@pytest.mark.parametrize("n_frames", [1, 3, 4, 16, 17, 65])
def test_every_length_gives_one_row_a_hop(shipped: Extractor, n_frames: int) -> None:
    """The number of rows is the number of frames over the hop, rounded up, from one frame on."""
    power = np.random.default_rng(n_frames).random((n_frames, shipped.params.n_bands)).astype(np.float32)
    heard = Spectrogram(power=power, frame_s=shipped.params.frame_s)
    assert len(shipped.embed(heard, fine=False)) == -(-n_frames // 16)
    assert len(shipped.embed(heard, fine=True)) == -(-n_frames // 4)


def test_the_same_sound_is_nearer_than_another(shipped: Extractor) -> None:
    """An excerpt in noise is more similar to its own place than to any other sound's."""
    rng = np.random.default_rng(0)
    own = reference_signal().samples
    noisy = own + 0.3 * own.std() * rng.standard_normal(own.size).astype(np.float32)
    other = np.roll(own[::-1], RATE_HZ)
    codes = [
        shipped.embed(spectrogram(Waveform(samples=np.ascontiguousarray(samples))), fine=False)
        for samples in (own, noisy, other)
    ]
    assert (codes[0] * codes[1]).sum(axis=1).mean() > (codes[1] @ codes[2].T).max(axis=1).mean() + 0.1


def test_another_schemes_query_is_refused(shipped: Extractor) -> None:
    """Codes of two schemes are never mixed."""
    query = replace(shipped.query(reference_signal()), scheme="ew0-000000")
    with pytest.raises(SchemeMismatch):
        shipped.fingerprint(query)


def test_unknown_schemes_are_refused() -> None:
    """An index of a scheme that is not shipped says so."""
    assert extractor(schemes()[0]).scheme == schemes()[0]
    with pytest.raises(SchemeMismatch, match="ew9-abcdef"):
        extractor("ew9-abcdef")


def test_a_changed_file_is_noticed(copied: Path) -> None:
    """One flipped bit in the weights, or a missing file, is an error and not a different fingerprint."""
    net = bytearray((copied / "net_late.onnx").read_bytes())
    net[len(net) // 2] ^= 1
    (copied / "net_late.onnx").write_bytes(net)
    (copied / "background.npz").unlink()
    damaged = Extractor(copied)
    for name in ("net_late.onnx", "background.npz", "no-such-file"):
        with pytest.raises(ModelDamaged):
            damaged.model_file(name)


def test_a_card_that_cannot_be_read_is_an_error(copied: Path) -> None:
    """A damaged card names itself."""
    (copied / "model.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"model\.json"):
        Extractor(copied)


def test_the_model_is_small_and_complete() -> None:
    """Weights stay under 8 MB, the empty index under 2 MB, and the card names every file beside it."""
    card = json.loads((MODELS / "model.json").read_text(encoding="utf-8"))
    shipped = {path.name for path in MODELS.iterdir() if path.suffix not in (".py", ".md")}
    assert shipped - {"__pycache__", "model.json"} == set(card["files"])
    assert sum(path.stat().st_size for path in MODELS.glob("*.onnx")) < 8e6
    assert (MODELS / "partitioned.faiss").stat().st_size < 2e6


def test_the_background_is_runs_of_codes(shipped: Extractor) -> None:
    """Run lengths add up to the codes, and there are about 50,000."""
    with np.load(shipped.model_file("background.npz")) as kept:
        codes, runs = kept["codes"], kept["run_lengths"]
    assert runs.sum() == len(codes) and len(codes) >= 50_000
    assert codes.shape[1] == shipped.params.code_bytes
