"""The shipped extractor: its scheme, codes, lengths and errors."""

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


def test_the_scheme_identifies_parameters_and_weights(shipped: Extractor) -> None:
    """The name of the scheme is the digest of its parameters and model files."""
    assert shipped.scheme == name_scheme(shipped.params, MODELS)


def test_a_changed_parameter_or_weight_changes_the_scheme(shipped: Extractor, copied: Path) -> None:
    """The digest covers the parameters and every part of the net."""
    names = {name_scheme(shipped.params, copied), name_scheme(replace(shipped.params, floor_db=46.0), copied)}
    for part in NET_PARTS:
        (copied / part).write_bytes((copied / part).read_bytes()[:-1])
        names.add(name_scheme(shipped.params, copied))
    assert len(names) == 2 + len(NET_PARTS)


def test_a_fingerprint_holds_packed_codes(shipped: Extractor) -> None:
    """There is one code of 32 bytes for each hop, in the scheme of the extractor."""
    query = shipped.query(reference_signal())
    fingerprint = shipped.fingerprint(query)
    assert fingerprint.scheme == query.scheme == shipped.scheme
    n_codes = -(-len(query.spectrogram.power) // shipped.params.code_hop_frames)
    assert fingerprint.codes.shape == (n_codes, shipped.params.code_bytes)
    assert fingerprint.duration_s == pytest.approx(12.0, abs=1e-3) and fingerprint.active_s > 10


def test_unpacked_codes_are_close_to_the_embedding(shipped: Extractor) -> None:
    """Packing loses little, and unpacked codes have unit length."""
    codes = shipped.embed(spectrogram(reference_signal()), fine=True)
    unpacked = shipped.unpack(shipped.pack(codes))
    np.testing.assert_allclose(np.linalg.norm(unpacked, axis=1), 1.0, atol=1e-5)
    assert (codes * unpacked).sum(axis=1).min() > 0.97


def test_fine_rows_include_the_coarse_rows(shipped: Extractor) -> None:
    """Every fourth fine row equals the coarse row at the same time."""
    power = spectrogram(reference_signal())
    coarse, fine = (shipped.embed(power, fine=fine) for fine in (False, True))
    np.testing.assert_allclose(fine[::4], coarse, atol=1e-4)


def test_phases_select_fine_rows(shipped: Extractor) -> None:
    """Selected phases give the same rows as all phases, and zeros for the others."""
    power = spectrogram(reference_signal())
    fine, even = (shipped.embed(power, fine=True, phases=phases) for phases in (None, (0, 2)))
    np.testing.assert_allclose(even[::2], fine[::2], atol=1e-6)
    assert not even[1::2].any()


def test_an_excerpt_has_the_codes_of_the_recording(shipped: Extractor) -> None:
    """Except at its ends, an excerpt has the same codes: no statistic of the whole recording is used."""
    hop_samples = shipped.params.code_hop_frames * shipped.params.hop_samples
    samples = reference_signal().samples
    part = Waveform(samples=samples[5 * hop_samples :])
    codes = [shipped.embed(spectrogram(w), fine=False) for w in (Waveform(samples=samples), part)]
    np.testing.assert_allclose(codes[1][4:-1], codes[0][9:-1], atol=1e-3)


@pytest.mark.parametrize("n_frames", [1, 3, 4, 16, 17, 65])
def test_there_is_one_row_per_hop_at_any_length(shipped: Extractor, n_frames: int) -> None:
    """The number of rows is the number of frames divided by the hop, rounded up."""
    power = np.random.default_rng(n_frames).random((n_frames, shipped.params.n_bands)).astype(np.float32)
    short = Spectrogram(power=power, frame_s=shipped.params.frame_s)
    assert len(shipped.embed(short, fine=False)) == -(-n_frames // 16)
    assert len(shipped.embed(short, fine=True)) == -(-n_frames // 4)


def test_a_noisy_copy_is_more_similar_than_another_recording(shipped: Extractor) -> None:
    """Codes in noise are more similar to those at the same time than to any code of other audio."""
    rng = np.random.default_rng(0)
    own = reference_signal().samples
    noisy = own + 0.3 * own.std() * rng.standard_normal(own.size).astype(np.float32)
    other = np.roll(own[::-1], RATE_HZ)
    codes = [
        shipped.embed(spectrogram(Waveform(samples=np.ascontiguousarray(samples))), fine=False)
        for samples in (own, noisy, other)
    ]
    assert (codes[0] * codes[1]).sum(axis=1).mean() > (codes[1] @ codes[2].T).max(axis=1).mean() + 0.1


def test_a_query_of_another_scheme_is_refused(shipped: Extractor) -> None:
    """Codes of two schemes are never mixed."""
    query = replace(shipped.query(reference_signal()), scheme="ew0-000000")
    with pytest.raises(SchemeMismatch):
        shipped.fingerprint(query)


def test_unknown_schemes_are_refused() -> None:
    """A scheme that is not shipped is named in the error."""
    assert extractor(schemes()[0]).scheme == schemes()[0]
    with pytest.raises(SchemeMismatch, match="ew9-abcdef"):
        extractor("ew9-abcdef")


def test_a_changed_model_file_is_an_error(copied: Path) -> None:
    """One flipped bit in the weights, or a missing file, is an error and not another fingerprint."""
    net = bytearray((copied / "net_late.onnx").read_bytes())
    net[len(net) // 2] ^= 1
    (copied / "net_late.onnx").write_bytes(net)
    (copied / "background.npz").unlink()
    damaged = Extractor(copied)
    for name in ("net_late.onnx", "background.npz", "no-such-file"):
        with pytest.raises(ModelDamaged):
            damaged.model_file(name)


def test_unreadable_model_metadata_is_an_error(copied: Path) -> None:
    """The error names ``model.json``."""
    (copied / "model.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"model\.json"):
        Extractor(copied)


def test_the_model_is_small_and_complete() -> None:
    """Weights have less than 8 MB, the empty index less than 2 MB, and ``model.json`` lists what is read."""
    metadata = json.loads((MODELS / "model.json").read_text(encoding="utf-8"))
    shipped = {path.name for path in MODELS.iterdir() if path.suffix not in (".py", ".md")}
    assert shipped - {"__pycache__", "model.json", "calibration_fits.json"} == set(metadata["files"])
    assert sum(path.stat().st_size for path in MODELS.glob("*.onnx")) < 8e6
    assert (MODELS / "partitioned.faiss").stat().st_size < 2e6


def test_the_background_consists_of_runs_of_codes(shipped: Extractor) -> None:
    """Run lengths add up to the number of codes, at least 50,000."""
    with np.load(shipped.model_file("background.npz")) as arrays:
        codes, runs = arrays["codes"], arrays["run_lengths"]
    assert runs.sum() == len(codes) and len(codes) >= 50_000
    assert codes.shape[1] == shipped.params.code_bytes
