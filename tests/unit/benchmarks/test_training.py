"""Training sees what the product computes, and never pushes apart what belongs together."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.data.corpus import Corpus
from earwitness.fingerprint.codes import NET_PARTS, Projector
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import normalise_level

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="training needs the extra 'train'"
)


class WhenUsed:
    """A module that is imported when a test uses it: torch takes seconds in every process of the tests."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "pytest")):  # which pytest asks of everything that it collects
            raise AttributeError(name)
        return getattr(importlib.import_module(self._name), name)


torch = WhenUsed("torch")
augment, export, grey, nets, pools, train = (
    WhenUsed(f"benchmarks.training.{name}") for name in ("augment", "export", "grey", "net", "pools", "train")
)
CONTEXT = PARAMS.context_frames
HOP = PARAMS.code_hop_frames


@pytest.fixture
def net() -> Any:
    """An untrained net whose normalisations are not the identity."""
    torch.manual_seed(0)
    net = nets.Net((4, 4, 8, 8, 8))
    for name, buffer in net.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    net.eval()
    return net


def test_training_sees_the_same_picture() -> None:
    """The batch version in torch gives what the product computes."""
    power = np.random.default_rng(0).exponential(size=(120, PARAMS.n_bands)).astype(np.float32)
    theirs = nets.pictures(torch.from_numpy(power)[None])[0].numpy()
    np.testing.assert_allclose(normalise_level(power), theirs, atol=2e-5)


def test_the_net_is_convolutional_in_time(net: Any) -> None:
    """A code depends on its own 49 frames alone, at every position."""
    log_spectrogram = torch.randn(1, 1, CONTEXT + 4 * HOP, PARAMS.n_bands)
    full = net(log_spectrogram)
    assert full.shape == (1, 5, PARAMS.dim)
    for k in range(5):
        alone = net(log_spectrogram[:, :, k * HOP : k * HOP + CONTEXT])
        torch.testing.assert_close(alone[:, 0], full[:, k], atol=1e-5, rtol=1e-4)


def test_folding_the_normalisations_changes_no_code(net: Any) -> None:
    """The exported net is the trained one."""
    log_spectrogram = torch.randn(2, 1, CONTEXT + HOP, PARAMS.n_bands)
    before = net(log_spectrogram)
    torch.testing.assert_close(export.folded(net)(log_spectrogram), before, atol=1e-5, rtol=1e-4)


def test_the_exported_parts_are_the_net(net: Any, tmp_path: Path) -> None:
    """The three parts, run in passes that share what they can, give what the net gives."""
    pytest.importorskip("onnx", reason="exporting needs the extra 'train'")
    export.write_parts(export.folded(net), tmp_path)
    projector = Projector([(tmp_path / name).read_bytes() for name in NET_PARTS], PARAMS)
    log_spectrogram = np.random.default_rng(6).random((70, PARAMS.n_bands), dtype=np.float32)
    reach = CONTEXT // 2
    padded = torch.from_numpy(np.pad(log_spectrogram, ((reach, reach), (0, 0)), mode="edge"))[None, None]
    every_four = [net(padded[:, :, at : at + CONTEXT])[0, 0] for at in range(0, 70, PARAMS.query_hop_frames)]
    fine = torch.stack(every_four).detach().numpy()
    np.testing.assert_allclose(projector.project(log_spectrogram, fine=True), fine, atol=1e-5)


def test_a_pool_gives_back_its_tracks() -> None:
    """Grey pictures of a spectrogram are within a decibel or two of it, track by track, in their order."""
    rng = np.random.default_rng(5)
    sound = [rng.normal(-40, 4, (n, PARAMS.n_bands)).astype(np.float16) for n in (400, 90)]
    tiles = [grey.shrink(grey.to_grey(decibels)) for decibels in sound]
    packed = {
        "music_bytes": np.frombuffer(b"".join(tile for track in tiles for tile in track), dtype=np.uint8),
        "music_sizes": np.array([len(tile) for track in tiles for tile in track]),
        "music_owner": np.repeat([0, 1], [len(track) for track in tiles]),
    }
    back = grey.unpack(packed, "music")
    assert [len(track) for track in back] == [400, 90]
    for decibels, track in zip(sound, back, strict=True):
        apart = track * grey.STEP_DB + grey.LOWEST_DB - decibels.astype(np.float32)
        assert np.sqrt(np.square(apart).mean()) < 2.0


def test_draws_come_from_one_track_each() -> None:
    """An excerpt never runs from one track into the next; a short track begins anew."""
    torch.manual_seed(8)
    tracks = pools.Tracks.of(
        [np.full((n, PARAMS.n_bands), level, np.uint8) for n, level in ((300, 60), (40, 120))]
    )
    power, track, start = tracks.draw(32, 100)
    assert power.shape == (32, 100, PARAMS.n_bands) and (start >= 0).all() and set(track.tolist()) == {0, 1}
    decibels = 10 * torch.log10(power)
    expected = torch.tensor([60.0, 120.0])[track] * grey.STEP_DB + grey.LOWEST_DB
    assert (decibels - expected[:, None, None]).abs().max() <= grey.STEP_DB / 2 + 1e-3


def test_degraded_power_is_power() -> None:
    """Whatever chance brings, finite and never negative; digital silence included."""
    torch.manual_seed(1)
    fields = augment.Fields(
        flicker=torch.rand(300, PARAMS.n_bands), interference=torch.rand(300, PARAMS.n_bands) - 0.5
    )
    power = torch.rand(24, 169, PARAMS.n_bands) ** 4
    power[0] = 0
    snr_db = torch.linspace(-12, 12, 24).view(-1, 1, 1)
    snr_db[1] = torch.inf
    degraded = augment.degrade(power, power.flip(0), snr_db, fields, torch.rand(3, 64))
    assert torch.isfinite(degraded).all() and (degraded >= 0).all()


def test_warping_keeps_the_middle_in_the_middle() -> None:
    """Every copy is stretched round the middle of its excerpt, so that the code there stays its code."""
    torch.manual_seed(2)
    power = torch.zeros(16, 201, PARAMS.n_bands)
    power[:, 100] = 1.0
    moved = augment.warp(power, 101, shift_frames=torch.zeros(16)).sum(dim=2)
    assert (moved.argmax(dim=1) == 50).all()


def test_a_running_mean_is_the_mean_of_the_neighbours() -> None:
    """Fewer neighbours count at the ends."""
    row = torch.arange(6.0)
    torch.testing.assert_close(augment.box(6, 3) @ row, torch.tensor([0.5, 1, 2, 3, 4, 4.5]))


def test_neighbours_and_repeats_are_no_rivals() -> None:
    """Near in one track, or the same music later in it: not pushed apart; other tracks always are."""
    codes = torch.nn.functional.normalize(torch.randn(4, train.CODES, PARAMS.dim), dim=2)
    codes[1, 0] = codes[0, 0]
    track, start = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 5_000, 60, 0])
    masked = train.not_rivals(codes, track, start).view(4, train.CODES, 4, train.CODES)
    assert masked[0, :, 2].all() and masked[0, 0, 1, 0]
    assert not masked[0, 1, 1, 1] and not masked[:3, :, 3].any()


def test_the_loss_falls_when_pairs_meet() -> None:
    """Equal views cost less than unrelated ones, and are all named."""
    clean, other = (torch.nn.functional.normalize(torch.randn(8, train.CODES, 64), dim=2) for _ in range(2))
    masked = train.not_rivals(clean, torch.arange(8), torch.zeros(8, dtype=torch.long))
    same, first = train.contrastive_loss(clean, clean, masked)
    assert same < train.contrastive_loss(clean, other, masked)[0]
    assert first == 1.0


def test_the_rate_rises_then_falls() -> None:
    """One cycle, ending at nearly nothing."""
    assert train.rate_at(0.0, 1.0) < 0.1 and train.rate_at(0.08, 1.0) == pytest.approx(1.0)
    assert train.rate_at(1.0, 1.0) < 0.01


def test_levels_fit_a_normal_sample() -> None:
    """Sixteen levels lose about one part in a hundred of a normal number's variance (Max 1960, table 1)."""
    sample = np.random.default_rng(3).standard_normal(60_000).astype(np.float32)
    levels = export.lloyd_max(sample)
    lost = np.square(sample - levels[np.abs(sample[:, None] - levels).argmin(axis=1)]).mean()
    assert lost == pytest.approx(0.0095, abs=0.0015)


def test_the_rotation_evens_the_variances() -> None:
    """After the rotation every dimension carries the same variance, and lengths do not change."""
    rng = np.random.default_rng(4)
    codes = (rng.standard_normal((5_000, 64)) * np.linspace(0.1, 3, 64)).astype(np.float32)
    quantiser = export.train_quantiser(codes)
    variances = ((codes - quantiser.mean) @ quantiser.rotation.T).var(axis=0)
    assert variances.max() / variances.min() < 1.05
    np.testing.assert_allclose(quantiser.rotation @ quantiser.rotation.T, np.eye(64), atol=1e-4)
    np.testing.assert_allclose(export.hadamard(8) @ export.hadamard(8).T, np.eye(8), atol=1e-6)


def test_evaluation_is_never_trained_on(tmp_path: Path) -> None:
    """No package has music or speech on both sides of the split."""
    corpus = Corpus.open(tmp_path)
    sides = {
        role: {t.package for t in corpus.tracks if t.role == role} for role in ("train", "validation", "test")
    }
    assert not sides["train"] & (sides["validation"] | sides["test"])
    assert not sides["validation"] & sides["test"]
