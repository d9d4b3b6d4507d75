"""The fits of the calibration recover what their measurements were made from, and state their origin."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import asdict, replace
from functools import partial
from operator import le
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.data.corpus import Corpus
from benchmarks.fit import command, e_values, margins, overlaid, pooled_null
from benchmarks.fit.agreement import quantiles
from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.fit.lists import ALL_MUSIC, DEGRADING, REFERENCES, VALIDATION_MUSIC, AudioList
from benchmarks.fit.pooled_null import Tail
from benchmarks.fit.provenance import FITS_FILE, Fitted, differences, is_close, read_fits, write_fits
from benchmarks.fit.registry import FIELDS, FITS, START, Kept, start_for
from benchmarks.fit.step_scores import MAX_SCORE, MIN_SCORE, log_odds
from benchmarks.runs.calibrate import AbsentQuery, limit_of
from earwitness.fingerprint.extract import MODELS, Extractor
from earwitness.index.statistics.calibration import CALIBRATION_FILE, read_calibration
from earwitness.index.statistics.scheme_files import calibration_of

SAMPLES = Path(__file__).parents[3] / "sample_audio"
FIT = next(fit for fit in FITS if fit.name == "drift")


def test_every_number_of_the_calibration_has_one_fit() -> None:
    """Each field is fitted by one fit, and fits have names of their own."""
    assert Counter(name for fit in FITS for name in fit.fields) == Counter(FIELDS)
    assert len({fit.name for fit in FITS}) == len(FITS)
    for fit in FITS:
        assert set(fit.kept) <= set(fit.fields)


def test_no_number_is_fitted_on_test_audio() -> None:
    """A list with test audio cannot be made, and the lists of the fits hold none."""
    with pytest.raises(ValueError, match="test audio"):
        AudioList(name="all", roles=("validation", "test"), kinds=("music",))
    for one in (ALL_MUSIC, DEGRADING, REFERENCES, *(fit.queries for fit in FITS)):
        assert "test" not in one.roles


def test_a_list_is_identified_by_its_files(tmp_path: Path) -> None:
    """The digest depends on the files of the list, and is the same on every machine that has them."""
    first, second = (t for t in Corpus.open(tmp_path).select(role="validation", kind="music")[:2])
    digests = []
    for track in (first, second):
        (tmp_path / track.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / track.path).touch()
        digests.append(VALIDATION_MUSIC.identity(tmp_path))
    assert [one["files"] for one in digests] == [1, 2]
    assert digests[0]["sha256"] != digests[1]["sha256"]
    assert VALIDATION_MUSIC.identity(tmp_path) == digests[1]


def test_a_fit_starts_from_the_numbers_before_it_alone() -> None:
    """Numbers of earlier fits are used, and its own and later ones have starting values."""
    shipped = calibration_of(Extractor(MODELS))
    position = FITS.index(FIT)
    start = start_for(position, shipped)
    assert start.table is shipped.table
    assert start.drift_cost == START.drift_cost != shipped.drift_cost
    assert start.codes_slope == START.codes_slope != shipped.codes_slope
    np.testing.assert_equal(asdict(start_for(len(FITS), shipped)), asdict(shipped))


@pytest.mark.parametrize("check", [False, True])
def test_a_check_gives_each_fit_the_shipped_numbers_before_it(
    check: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fit uses what an earlier one gave; where fits are checked, what is shipped."""
    shipped, seen = calibration_of(Extractor(MODELS)), list[float]()

    def fit(run: FitRun) -> dict[str, float]:
        seen.append(run.calibration.drift_cost)
        return {"drift_cost": 9.0}

    chosen = [each for each in FITS if each.name in {"drift", "pooled-null"}]
    fits = [replace(each, fit=fit, fields=("drift_cost",)) for each in chosen]
    monkeypatch.setattr(command, "FITS", fits)
    monkeypatch.setattr(command, "start_for", lambda position, calibration: calibration)
    arguments = ["all", "--cache", "cache", *(["--check"] if check else [])]
    command.run_fits(command.parser().parse_args(arguments), shipped, None)
    assert seen == [shipped.drift_cost, shipped.drift_cost if check else 9.0]


def test_a_query_has_its_own_random_numbers() -> None:
    """They depend on seed, fit and query, and on nothing that another query did before."""

    def bench(name: str, seed: int) -> FitBench:
        library: Any = None
        return FitBench(
            name=name, library=library, queried=(), corpus=Corpus.open(SAMPLES), cache=SAMPLES, seed=seed
        )

    drawn = [
        one.rng(query).integers(1 << 60)
        for one in (bench("a", 1), bench("b", 1), bench("a", 2))
        for query in (0, 1)
    ]
    assert len(set(drawn)) == len(drawn)
    assert bench("a", 1).rng(1).integers(1 << 60) == drawn[1]


def test_rates_and_weight_of_the_pooled_null_model_are_recovered() -> None:
    """Tails drawn with a gamma distribution of rates around a line give line, count and weight again."""
    rng = np.random.default_rng(1)
    tails = []
    for _ in range(4000):
        n_frames = int(rng.integers(8, 97))
        rate = 0.25 * (1 + 10 / n_frames) * rng.gamma(12.0, 1 / 12.0)
        excess = float(rng.exponential(1 / rate, 60).mean())
        threshold = 12.0 + float(rng.normal())
        log_count = -8.0 - 0.25 * (1 + 10 / n_frames) * threshold
        tails.append(
            Tail(n_frames=n_frames, rate=1 / excess, n_above=60, threshold=threshold, log_count=log_count)
        )
    rate, rows = pooled_null.regress(tails)
    # the mean excess of a gamma mixture is that of a rate smaller by (12 - 1) / 12
    assert rate == pytest.approx(0.25 * 11 / 12, rel=0.05)
    assert rows == pytest.approx(10, rel=0.15)
    assert pooled_null.log_count(tails, 0.25, 10.0) == pytest.approx(-8.0, abs=1e-6)
    assert pooled_null.weight(tails, rate, rows) == pytest.approx(12, rel=0.15)


def test_the_rate_of_an_exponential_tail_is_recovered() -> None:
    """Scores with a tail of rate 0.3 give 0.3."""
    clumps = np.sort(np.random.default_rng(2).exponential(1 / 0.3, 40_000)).astype(np.float32)
    rate, n_above = pooled_null.tail_rate(clumps)
    assert rate == pytest.approx(0.3, rel=4 / np.sqrt(n_above))


def test_a_line_recovers_the_error_of_the_claims() -> None:
    """Where 1.2 times the claim to the power of 0.9 is observed, the fit returns these two numbers."""
    rng, queried = np.random.default_rng(5), []
    for number in range(30_000):
        most = limit_of(number)
        found = most * rng.uniform(size=rng.poisson(1.2 * most**0.9)) ** (1 / 0.9)
        queried.append(
            AbsentQuery(
                track=str(number % 300), start_s=0.0, seconds=3.0, e_values=tuple(found), found=(),
                same=(), took_s=0.0, max_e=most,
            )
        )  # fmt: skip
    offset, slope = e_values.line(queried)
    assert slope == pytest.approx(0.9, abs=0.05)
    assert offset == pytest.approx(np.log(1.2), abs=0.1)
    assert min(e_values.well_counted(queried)) == 1e-4


def test_too_few_false_matches_are_no_fit() -> None:
    """Where nothing was found, the fit ends with a message instead of a number."""
    empty = AbsentQuery(
        track="a", start_s=0.0, seconds=3.0, e_values=(), found=(), same=(), took_s=0.0, max_e=20.0
    )
    with pytest.raises(SystemExit, match="too few false matches"):
        e_values.line([empty] * 10)


def test_a_threshold_separates_with_fewest_errors() -> None:
    """Two samples that overlap in one number each are separated between the others."""
    low, high = [0.1, 0.2, 0.3, 0.35, 0.9], [0.25, 0.8, 0.85, 0.95, 0.97]
    assert overlaid.threshold(low, high) == pytest.approx(0.575)


def test_a_margin_keeps_all_but_a_stated_share_of_the_alignments() -> None:
    """Of 1,000 alignments that need a margin, two may be lost; each needs the least with which it is kept."""
    needed = [0.0] * 980 + [margins.least(partial(le, limit)) for limit in range(20)]
    assert needed[-1] == 19.0
    kept_at = margins.margin(needed)
    assert sum(one > kept_at for one in needed) <= 2
    assert sum(one > kept_at - margins.STEP_NATS for one in needed) > 2


def test_agreements_by_chance_rise_as_their_probability_falls() -> None:
    """Quantiles of an exponential distribution give its rate; none is taken from fewer than nine paths."""
    sample = np.random.default_rng(3).exponential(0.5, 40_000)
    reached, log_p, rate = quantiles(sample)
    assert min(log_p) == pytest.approx(np.log(3e-4), abs=1e-3)
    assert rate == pytest.approx(2.0, abs=0.3)
    assert (np.diff(reached) > 0).all() and (np.diff(log_p) < 0).all()


def test_step_scores_rise_with_similarity_within_bounds() -> None:
    """A step at the mean of chance scores below 0 and within the bound, one five deviations above more."""
    rng = np.random.default_rng(4)
    table = log_odds(
        rng.normal(4, 1.5, 20_000).astype(np.float32), rng.normal(0, 1, 200_000).astype(np.float32)
    )
    assert (np.diff(table) >= 0).all()
    assert MIN_SCORE <= table[20] < 0 < MAX_SCORE <= table[120]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the model's card and calibration, and something known of another fit."""
    for name in ("model.json", CALIBRATION_FILE):
        shutil.copy(MODELS / name, tmp_path)
    (tmp_path / FITS_FILE).write_text('{"fits": {"another": {"queries": 1}}}', encoding="utf-8")
    return tmp_path


def _fitted(value: float, **kept: Kept) -> Fitted:
    return Fitted(fit=replace(FIT, kept=kept), values={"drift_cost": value}, n_queries=7, seed=3)


def test_written_numbers_are_those_on_the_card(model: Path) -> None:
    """Calibration, its digest on the card, and what it was fitted on are written together."""
    shipped = read_calibration(model / CALIBRATION_FILE)
    result = _fitted(1.5)
    write_fits(replace(shipped, **result.shipped), {FIT.name: result.describe(SAMPLES)}, model)
    assert read_calibration(model / CALIBRATION_FILE).drift_cost == 1.5
    stated = read_fits(model)
    assert (stated[FIT.name]["queries"], stated[FIT.name]["seed"]) == (7, 3)
    assert stated["another"] == {"queries": 1}, "what is known of other fits is left"
    card, fits = (json.loads((model / name).read_text()) for name in ("model.json", FITS_FILE))
    assert card["files"][CALIBRATION_FILE] == fits["calibration_sha256"]
    assert differences(result, read_calibration(model / CALIBRATION_FILE), stated[FIT.name]) == []


def test_a_kept_number_is_shipped_and_the_fitted_one_stated(model: Path) -> None:
    """A number that is kept stays in the calibration; a second fit is compared with the first."""
    kept = Kept(value=3.0, reason="finds more")
    result = _fitted(1.5, drift_cost=kept)
    shipped = replace(read_calibration(model / CALIBRATION_FILE), **result.shipped)
    assert shipped.drift_cost == 3.0
    stated = result.describe(SAMPLES)
    assert stated["kept"]["drift_cost"] == {"fitted": 1.5, "reason": "finds more"}
    assert differences(result, shipped, stated) == []
    assert differences(_fitted(1.6, drift_cost=kept), shipped, stated)
    assert differences(result, replace(shipped, drift_cost=2.0), stated)


def test_a_record_has_each_fitted_number_though_another_is_kept() -> None:
    """The row of a number that is kept holds what the fit gave, and what it was fitted on."""
    (row,) = _fitted(1.5, drift_cost=Kept(value=3.0, reason="finds more")).rows(SAMPLES)
    assert (row["fit"], row["number"], row["fitted"], row["queries"]) == ("drift", "drift_cost", 1.5, 7)
    assert VALIDATION_MUSIC.identity(SAMPLES)["sha256"][:12] in row["fitted_on"]


def test_numbers_are_compared_relative_to_their_size() -> None:
    """One percent of the largest number of a field is the same; so is a step of an offset or a margin."""
    assert is_close("prior_rate", 0.2479, 0.248) and not is_close("prior_rate", 0.26, 0.248)
    assert is_close("calibration_offset", 0.02, 0.0166) and not is_close("calibration_offset", 0.05, 0.0166)
    assert is_close("table", [0.0, 10.05], [0.05, 10.0]) and not is_close("table", [0.0, 10.0], [0.5, 10.0])
    assert is_close("pooled_margin", 0.1, 0.2) and not is_close("pooled_margin", 4.7, 4.9)
    assert not is_close("agreements", [0.0, 1.0], [0.0, 1.0, 2.0])


def test_a_share_of_the_queries_is_measured_in_chunks_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """All queries are measured once, in their order."""
    monkeypatch.setattr(FitRun, "bench", property(lambda run: run.seed))
    run = FitRun(
        name="a", queries=VALIDATION_MUSIC, n_queries=47, seed=9, corpus=SAMPLES, cache=SAMPLES,
        calibration=START,
    )  # fmt: skip
    assert run.each(lambda bench, query: (bench, query)) == [(9, query) for query in range(47)]  # type: ignore[comparison-overlap]
