"""Evidence from spectral peaks: high at the right place, none from few peaks, rightly combined with codes."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level, spectrogram
from earwitness.fingerprint.types import Spectrogram, Waveform
from earwitness.fingerprint.warp import warp
from earwitness.index.matching.kernels.peak_loops import agreement
from earwitness.index.statistics.peak_evidence import LOG_E_MOST, contrast, log_e_of_both
from tests.unit.index.synthetic_index import CALIBRATION, cut, music

RECORDING = music(1, 60.0)
PEAKS = pick_peaks(normalise_level(RECORDING.power))
CODES = np.arange(6, dtype=np.int32)
FRAMES = 4 * CODES


def at(query: Spectrogram, start_code: int, slope: float = 1.0, peaks: NDArray[np.int32] = PEAKS) -> float:
    """Return the agreement of a query whose path starts at a code."""
    return agreement(contrast(query, PARAMS), peaks, CODES + np.int32(start_code), FRAMES, slope, 4)


def excerpt(code: int, seconds: float = 3.0) -> Spectrogram:
    """Return an excerpt of the recording that starts at a code."""
    start_s = code * PARAMS.hop_s
    return cut(RECORDING, start_s, start_s + seconds)


def test_the_right_place_agrees() -> None:
    """An excerpt of 3 s agrees with the peaks of its own place much more than by chance."""
    assert at(excerpt(40), 40) > 5


@pytest.mark.parametrize("code", [10, 25, 55, 70])
def test_another_place_does_not(code: int) -> None:
    """At other places of the same recording it agrees as chance does."""
    assert at(excerpt(40), code) < 4


def test_agreement_remains_under_noise() -> None:
    """An excerpt under noise as loud as the music still agrees."""
    clean = excerpt(40)
    noise = np.random.default_rng(0).exponential(clean.power.mean(), clean.power.shape)
    assert at(Spectrogram(power=(clean.power + noise).astype(np.float32), frame_s=clean.frame_s), 40) > 4


def test_bands_outside_a_band_limit_have_no_weight() -> None:
    """Bands far below the floor, where only artefacts vary, have almost no contrast."""
    clean = excerpt(40)
    limited, rng = clean.power.copy(), np.random.default_rng(1)
    limited[:, :50] = 1e-8 * clean.power.mean() * rng.exponential(1, (len(limited), 50))
    cells = contrast(Spectrogram(power=limited, frame_s=clean.frame_s), PARAMS)
    assert np.abs(cells[:, :50]).max() < 1e-3 * np.abs(cells[:, 50:]).max()
    assert np.square(cells).mean() == pytest.approx(1, abs=0.05)


def test_a_band_of_noise_weighs_less_than_one_of_music() -> None:
    """If noise masks half of the bands, the other half has most of the weight."""
    clean = excerpt(40)
    masked = clean.power + np.float32(0)
    noise = spectrogram(Waveform(samples=np.random.default_rng(2).standard_normal(40_000, np.float32)))
    masked[:, 64:] = 3 * clean.power.mean() * (noise.power / noise.power.mean(axis=0))[: len(masked), 64:]
    weight = np.square(contrast(Spectrogram(power=masked, frame_s=clean.frame_s), PARAMS)).mean(axis=0)
    assert weight[64:].mean() < 0.25 * weight[:64].mean()


def test_a_gain_changes_no_agreement() -> None:
    """Agreement is the same for a louder query."""
    clean = excerpt(40)
    louder = Spectrogram(power=clean.power * np.float32(100), frame_s=clean.frame_s)
    assert at(louder, 40) == pytest.approx(at(clean, 40), abs=1e-3)


def test_a_path_may_be_one_frame_off() -> None:
    """Peaks are tried at small shifts in time."""
    assert (
        agreement(contrast(excerpt(40), PARAMS), PEAKS, CODES + np.int32(40), FRAMES + np.int32(1), 1.0, 4)
        > 5
    )


def test_the_hop_of_the_scheme_places_query_frames() -> None:
    """Peaks of a scheme of twice the hop agree when its own hop is given, and only then."""
    codes, frames = np.arange(20, 23, dtype=np.int32), np.arange(0, 12, 4, dtype=np.int32)
    cells = contrast(excerpt(40), PARAMS)
    assert agreement(cells, PEAKS, codes, frames, 1.0, 8) > 5
    assert agreement(cells, PEAKS, codes, frames, 1.0, 4) < 4


def test_contrast_follows_the_floor_of_the_scheme() -> None:
    """A quiet band weighs less where the scheme's floor is nearer to the local level."""
    power = excerpt(40).power.copy()
    power[:, :64] *= np.float32(1e-3)
    quiet_below = Spectrogram(power=power, frame_s=PARAMS.frame_s)
    quiet, quiet_at_25_db = (
        np.square(contrast(quiet_below, params)[:, :64]).mean()
        for params in (PARAMS, replace(PARAMS, floor_db=25.0))
    )
    assert quiet_at_25_db < 0.5 * quiet


def test_a_slope_is_followed() -> None:
    """A query played 4 % faster agrees better along the slope of its path than with a slope of 1."""
    faster = warp(excerpt(40, 8.0), tempo=1 / 1.04)
    codes, frames = np.arange(15, dtype=np.int32) + 40, np.round(np.arange(15) * 4 / 1.04).astype(np.int32)
    along, straight = (
        agreement(contrast(faster, PARAMS), PEAKS, codes.astype(np.int32), frames, slope, 4)
        for slope in (1.04, 1.0)
    )
    assert along > straight + 0.5


def test_too_few_peaks_are_no_evidence() -> None:
    """Without peaks, and with few, the agreement is 0."""
    assert at(excerpt(40), 40, peaks=PEAKS[:0]) == 0
    assert at(excerpt(40), 40, peaks=PEAKS[:4]) == 0


def test_a_long_path_is_compared_in_its_middle() -> None:
    """A recording of 60 s agrees with itself, though only 13 s are compared."""
    codes = np.arange(100, dtype=np.int32)
    assert agreement(contrast(RECORDING, PARAMS), PEAKS, codes, 4 * codes, 1.0, 4) > 5


def test_better_agreement_is_never_more_probable() -> None:
    """The shipped table falls, also beyond its end."""
    log_p = [CALIBRATION.log_p_agreement(one) for one in np.linspace(-5, 12, 200)]
    assert log_p[0] <= 0 and np.all(np.diff(log_p) <= 0) and log_p[-1] < -10


def test_better_evidence_never_raises_an_e_value() -> None:
    """Better codes or better peaks never raise an E-value; above the limit it is infinite."""
    codes = np.linspace(-40, LOG_E_MOST, 60)
    by_codes = [log_e_of_both(one, -2.0) for one in codes]
    by_peaks = [log_e_of_both(1.0, -one) for one in np.linspace(0, 30, 60)]
    assert np.all(np.diff(by_codes) >= 0) and np.all(np.diff(by_peaks) <= 0)
    assert log_e_of_both(LOG_E_MOST + 0.1, -30) == inf


def test_the_combined_e_value_is_the_expected_count() -> None:
    """If chance draws both, as many paths have a combined E-value of at most c as the rule states."""
    rng = np.random.default_rng(3)
    n_queries, most = 4_000, exp(LOG_E_MOST)
    e = rng.uniform(0, most, size=n_queries * round(most))
    p = rng.uniform(0, 1, size=e.size)
    few = e * p <= 1  # holds all of at most 1
    claimed = np.array([log_e_of_both(np.log(a), np.log(b)) for a, b in zip(e[few], p[few], strict=True)])
    for c in (0.01, 0.1, 1.0):
        assert np.count_nonzero(claimed <= np.log(c)) / n_queries == pytest.approx(c, rel=0.35)
