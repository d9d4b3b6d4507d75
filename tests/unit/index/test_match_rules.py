"""Error budget, verdicts, kinds of match, step scores and null models: rules that need no audio."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earwitness.index.match import Change, Effort, Match, MatchClass, Segment, Verdict
from earwitness.index.matching.classify import classify, mark_shared
from earwitness.index.matching.effort import EFFORT_PROFILES, UNCHANGED
from earwitness.index.matching.refine import explain, parabola_peak
from earwitness.index.matching.verdict import needed_active_s, verdict
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import (
    read_calibration,
    write_calibration,
)
from earwitness.index.statistics.null_model import (
    Material,
    SearchSpace,
    fit_tail,
    log_e_calibrated,
    log_e_raw,
)
from tests.unit.index.synthetic_index import CALIBRATION

MATCHING_PAGE = (Path(__file__).parents[3] / "docs" / "matching.md").read_text(encoding="utf-8")


def a_match(e_value: float = 1e-9, *, recording: int = 0, at_s: float = 20.0, length_s: float = 8.0) -> Match:
    """A match of eight seconds in the middle of a recording."""
    segment = Segment(
        query_start_s=0.0,
        query_end_s=length_s,
        reference_start_s=at_s,
        reference_end_s=at_s + length_s,
        similarity=0.9,
        e_value=e_value,
    )
    return Match(
        recording=recording,
        kind=MatchClass.EXCERPT,
        segments=(segment,),
        change=UNCHANGED,
        similarity=0.9,
        query_coverage=1.0,
        reference_coverage=0.1,
        e_value=e_value,
        e_checked_to=1e-4,
        n_codes_searched=1000,
        n_decoys=1000,
    )


@pytest.mark.parametrize("effort", list(Effort))
def test_the_error_budget_is_spent_once(effort: Effort) -> None:
    """All shares add up to one, and the unchanged query has more than half."""
    variants = EFFORT_PROFILES[effort].variants
    assert sum(variant.weight for variant in variants) == pytest.approx(1.0)
    assert variants[0].change == UNCHANGED
    assert variants[0].weight > 0.5
    assert len({variant.change for variant in variants}) == len(variants)


def test_more_effort_searches_deeper() -> None:
    """Each effort has one profile, and no profile searches fewer entries of the index than the one before."""
    profiles = [EFFORT_PROFILES[effort] for effort in Effort]
    assert [profile.effort for profile in profiles] == list(Effort)
    for lower, higher in pairwise(profiles):
        for name in ("neighbours", "n_probe", "candidates", "chance_factor", "searched_variants"):
            assert getattr(lower, name) <= getattr(higher, name), name
        assert len(lower.variants) < len(higher.variants)
    for profile in profiles:
        n_lists = [profile.n_lists(n_frames) for n_frames in (0, 1, 20, 40, 41, 5000)]
        assert n_lists == sorted(n_lists, reverse=True)
        assert n_lists[-1] == profile.n_probe


def test_the_documented_efforts_are_those_of_the_code() -> None:
    """The table of docs/matching.md states the numbers of each effort."""
    rows = [line.strip("| ").split(" | ") for line in MATCHING_PAGE.splitlines() if line.startswith("| ")]
    documented = {name: values for name, *values in rows}
    profiles = [EFFORT_PROFILES[effort] for effort in Effort]
    spans = {"Speed": "speed", "Pitch, cents": "pitch_cents", "Tempo": "tempo"}
    for row, name in spans.items():
        ranges = [getattr(profile, name) for profile in profiles]
        assert documented[row] == [
            f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in ranges
        ]
    numbers: dict[str, list[float]] = {
        "Changed variants": [len(profile.changed) for profile in profiles],
        "Neighbours of each query frame": [profile.neighbours for profile in profiles],
        "Lists of a partitioned shard, of 1,024": [profile.n_probe for profile in profiles],
        "Candidates aligned, besides those of strong votes": [profile.candidates for profile in profiles],
        "Chance alignments counted, relative to fast": [profile.chance_factor for profile in profiles],
        "Dereverberated sound, weight": [round(profile.dereverb, 2) for profile in profiles],
        "Variants searched in full": [profile.searched_variants for profile in profiles],
    }
    for row, values in numbers.items():
        assert documented[row] == [f"{value:g}" for value in values]
    assert documented["Prefilter"] == ["yes" if profile.prefilter else "no" for profile in profiles]


def test_more_effort_searches_wider() -> None:
    """Each effort's ranges hold those of the one below, and full reaches what the finding states."""
    fast, standard, full = (EFFORT_PROFILES[effort] for effort in (Effort.FAST, Effort.STANDARD, Effort.FULL))
    assert fast.speed == (1.0, 1.0)
    for narrow, wide in ((fast, standard), (standard, full)):
        for name in ("speed", "pitch_cents", "tempo"):
            (low, high), (lower, higher) = getattr(narrow, name), getattr(wide, name)
            assert lower <= low <= high <= higher
    assert full.speed[0] <= 0.71
    assert full.speed[1] >= 1.4
    assert full.pitch_cents == (-500.0, 500.0)
    assert full.tempo == (0.7, 1.5)


@pytest.mark.parametrize(
    ("e_value", "n_items", "expected"),
    [
        (1e-5, None, Verdict.MATCH),
        (1e-4, None, Verdict.MATCH),
        (1e-3, None, Verdict.POSSIBLE),
        (1e-5, 10_000, Verdict.MATCH),
        (1e-5, 100_000, Verdict.POSSIBLE),
        (0.5, None, Verdict.NO_MATCH),
    ],
)
def test_a_verdict_limits_the_error_rate(e_value: float, n_items: int | None, expected: Verdict) -> None:
    """A match has an E-value of at most 1e-4; in a scan at most 0.1 over the number of items."""
    judged = verdict([a_match(e_value)], whole=True, active_s=8.0, effort=Effort.FAST, n_items=n_items)
    assert judged is expected


@pytest.mark.parametrize(
    ("others", "shared", "expected"),
    [
        ((), (1e-12,) * 4, Verdict.SHARED_MATERIAL),
        ((1e-3,), (1e-12,) * 4, Verdict.POSSIBLE),
        ((1e-5,), (1e-12,) * 4, Verdict.MATCH),
        ((0.5,), (1e-12,) * 4, Verdict.SHARED_MATERIAL),
    ],
)
def test_shared_material_is_no_match(
    others: tuple[float, ...], shared: tuple[float, ...], expected: Verdict
) -> None:
    """However small its E-value, shared material makes neither a match nor a possible match."""
    matches = [a_match(e_value) for e_value in others]
    matches += [replace(a_match(e_value), kind=MatchClass.SHARED_MATERIAL) for e_value in shared]
    assert verdict(matches, whole=True, active_s=8.0, effort=Effort.FAST) is expected
    assert verdict(matches, whole=False, active_s=8.0, effort=Effort.FAST) is expected


@pytest.mark.parametrize("effort", Effort)
def test_incomplete_or_short_items_are_never_no_match(effort: Effort) -> None:
    """Truncated, short or silent items have another verdict than no match; their matches still count."""
    enough_s = needed_active_s(effort)
    assert verdict([], whole=False, active_s=8.0, effort=effort) is Verdict.NOT_READABLE
    assert verdict([], whole=True, active_s=enough_s - 0.1, effort=effort) is Verdict.TOO_SHORT_OR_SILENT
    assert verdict([a_match()], whole=False, active_s=8.0, effort=effort) is Verdict.MATCH
    assert verdict([a_match()], whole=True, active_s=0.5, effort=effort) is Verdict.MATCH
    assert verdict([], whole=True, active_s=enough_s, effort=effort) is Verdict.NO_MATCH


@pytest.mark.parametrize(
    ("change", "coverage", "similarity", "whole_file", "kind"),
    [
        (Change(), (1.0, 1.0), 0.95, True, MatchClass.EXACT),
        (Change(), (1.0, 1.0), 0.8, False, MatchClass.MODIFIED),
        (Change(speed=1.1), (1.0, 1.0), 0.95, True, MatchClass.MODIFIED),
        (Change(pitch_cents=200.0), (1.0, 0.1), 0.9, False, MatchClass.MODIFIED),
        (Change(), (1.0, 0.1), 0.9, False, MatchClass.EXCERPT),
        (Change(), (1.0, 0.1), 0.4, False, MatchClass.EXCERPT_UNDER_OTHER_AUDIO),
    ],
)
def test_a_kind_follows_from_change_coverage_and_similarity(
    change: Change, coverage: tuple[float, float], similarity: float, whole_file: bool, kind: MatchClass
) -> None:
    """Exact, modified, excerpt and excerpt under other audio, by change, coverage and similarity."""
    classified = classify(
        change=change,
        query_coverage=coverage[0],
        reference_coverage=coverage[1],
        similarity=similarity,
        whole_file=whole_file,
        overlaid_similarity=0.65,
    )
    assert classified is kind


def codes_with_loop(seed: int, loop: NDArray[np.float32]) -> NDArray[np.float32]:
    """Codes of a recording that shares sixteen codes with others."""
    rng = np.random.default_rng(seed)
    codes = rng.standard_normal((120, loop.shape[1])).astype(np.float32)
    codes[40:56] = loop
    return np.asarray(codes / np.linalg.norm(codes, axis=1, keepdims=True), dtype=np.float32)


def test_a_loop_is_distinguished_from_copies() -> None:
    """Different recordings that contain the same bars share material; copies of one recording do not."""
    loop = np.random.default_rng(0).standard_normal((16, 64)).astype(np.float32)
    matches = [a_match(recording=number, at_s=20.0) for number in range(5)]
    different = [codes_with_loop(number + 1, loop) for number in range(5)]
    kinds = {match.kind for match in mark_shared(matches, different.__getitem__, hop_s=0.5)}
    assert kinds == {MatchClass.SHARED_MATERIAL}
    copies = [codes_with_loop(1, loop)] * 5
    kinds = {match.kind for match in mark_shared(matches, copies.__getitem__, hop_s=0.5)}
    assert kinds == {MatchClass.EXCERPT}


def test_a_shorter_match_of_a_loop_is_shared_and_a_longer_match_is_not() -> None:
    """Four others that cover a match make it shared; four that cover less than 80 % of it do not."""
    loop = np.random.default_rng(0).standard_normal((16, 64)).astype(np.float32)
    different = [codes_with_loop(number + 1, loop) for number in range(6)]
    lengths_s = [5.0, 8.0, 8.0, 8.0, 8.0, 11.0]
    matches = [a_match(recording=number, length_s=one) for number, one in enumerate(lengths_s)]
    kinds = [match.kind for match in mark_shared(matches, different.__getitem__, hop_s=0.5)]
    assert kinds == [MatchClass.SHARED_MATERIAL] * 5 + [MatchClass.EXCERPT]


@given(stretch=st.floats(0.6, 1.6), cents=st.floats(-600, 600))
@settings(deadline=None)
def test_a_change_keeps_the_measured_stretch_and_pitch(stretch: float, cents: float) -> None:
    """Speed, pitch and tempo together give the measured stretch and pitch, within the tolerance."""
    change = explain(stretch=stretch, cents=cents)
    assert change.stretch == pytest.approx(stretch, rel=0.007)
    assert 1200 * np.log2(change.speed) + change.pitch_cents == pytest.approx(cents, abs=51)


@given(top=st.floats(-0.9, 0.9), bend=st.floats(0.01, 10.0), height=st.floats(-1, 1))
@settings(deadline=None)
def test_the_maximum_of_a_parabola_is_exact(top: float, bend: float, height: float) -> None:
    """Three points of a parabola that opens downwards give its maximum."""
    values = [height - bend * (x - top) ** 2 for x in (-1.0, 0.0, 1.0)]
    assert parabola_peak(*values) == pytest.approx(top, abs=1e-6)


def test_moments_of_decoys_are_those_of_comparing_them_all() -> None:
    """Mean and spread of a row's similarity are exact, though nothing is compared."""
    rng = np.random.default_rng(2)
    codes = rng.standard_normal((500, 16)).astype(np.float32) + 0.3
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    rows = codes[::50]
    decoys = Background.of(codes, np.zeros(500, np.int32), np.zeros(500, np.bool_))
    mean, sd = decoys.expected_similarity(rows)
    every = codes @ rows.T
    assert np.allclose(mean, every.mean(axis=0), atol=1e-5)
    assert np.allclose(sd, every.std(axis=0, ddof=1), rtol=1e-3)


def test_a_fitted_tail_has_the_rate_of_its_scores() -> None:
    """For exponential scores of known rate, E is the expected count, inside and outside the data."""
    rng, rate = np.random.default_rng(3), 0.3
    scoring = replace(CALIBRATION, prior_rate=rate, prior_rate_rows=0.0)
    clumps = rng.exponential(1 / rate, 5000).astype(np.float32)
    null = fit_tail(clumps, n_decoys=40_000, n_frames=63, calibration=scoring)
    space = SearchSpace(n_frames=63, n_codes=40_000, weight=1.0)
    for score, tolerance in ((20.0, 0.4), (60.0, 3.0)):
        assert log_e_raw(score, space, null) == pytest.approx(np.log(5000) - rate * score, abs=tolerance)


def test_e_grows_with_the_index_and_falls_with_the_share() -> None:
    """Twice the codes, or half the share of the budget, double E."""
    clumps = np.random.default_rng(4).exponential(3.0, 2000).astype(np.float32)
    null = fit_tail(clumps, n_decoys=16_000, n_frames=63, calibration=CALIBRATION)
    space = SearchSpace(n_frames=63, n_codes=100_000, weight=0.5)
    for other in (replace(space, n_codes=200_000), replace(space, weight=0.25)):
        assert log_e_raw(40.0, other, null) - log_e_raw(40.0, space, null) == pytest.approx(np.log(2))


def test_calibration_keeps_order_and_never_overflows() -> None:
    """A lower raw value never has a higher E-value, and E stays above zero, whatever it rests on."""
    scoring = CALIBRATION
    for material in Material:
        calibrated = [
            log_e_calibrated(one, -1.0, scoring, material) for one in (-5000.0, -50.0, -5.0, 0.0, 3.0)
        ]
        assert calibrated == sorted(calibrated)
        assert np.exp(calibrated[0]) > 0


def test_speech_is_distinguished_from_music() -> None:
    """Codes near the spoken decoys are speech; if no decoy is spoken, no code is."""
    rng = np.random.default_rng(5)
    codes = rng.standard_normal((600, 16)).astype(np.float32)
    is_speech = np.arange(600) < 150
    codes[is_speech, 3] += 2.0
    codes[is_speech, 5] *= 0.2  # speech varies little where music varies much
    decoys = Background.of(codes, np.zeros(600, np.int32), is_speech)
    assert decoys.is_speech(codes[is_speech][:16])
    assert not decoys.is_speech(codes[~is_speech][:16])
    drone = codes[is_speech][:16].copy()
    drone[:, 5] += 4.0
    assert not decoys.is_speech(drone)  # on the side of speech, but far from all speech
    without_speech = Background.of(codes, np.zeros(600, np.int32), np.zeros(600, np.bool_))
    assert not without_speech.is_speech(codes[is_speech][:16])


def test_a_query_of_little_variety_has_a_heavier_tail() -> None:
    """The score of one held chord has a larger E-value than the same score of a varied query."""
    clumps = np.random.default_rng(6).exponential(3.0, 2000).astype(np.float32)
    plain, held = (
        fit_tail(clumps, n_decoys=16_000, n_frames=63, calibration=CALIBRATION, variety_ratio=ratio)
        for ratio in (1.0, 0.2)
    )
    assert held.log_expected(80.0) > plain.log_expected(80.0)


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The file holds every number."""
    scoring = CALIBRATION
    write_calibration(tmp_path / "calibration.json", scoring)
    again = read_calibration(tmp_path / "calibration.json")
    assert np.allclose(again.table, scoring.table, atol=1e-4)
    assert again.prior_rate == scoring.prior_rate
