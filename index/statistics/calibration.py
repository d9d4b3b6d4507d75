"""The fitted numbers of one scheme: scores of alignment steps, null model, corrections of E-values.

Each scheme's model folder holds them in ``calibration.json``. ``python -m benchmarks fit all`` fits all of
them, and ``benchmarks/fit/registry.py`` lists which fit gives which field. ``calibration_fits.json``, beside
the numbers, states what they were fitted on, and which were kept although the fit gives others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

CALIBRATION_FILE: Final = "calibration.json"
"""Name of the file in a scheme's model folder."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Calibration:
    """Scores of alignment steps, and the parameters that turn a score into an E-value.

    Attributes
    ----------
    table : float32 array, shape (n_levels,)
        Log odds of a right step against a step of chance, by z; never falling.
    z_low, z_high : float
        The z of the first and the last entry of the table. z = (similarity - mean) / sd, where mean and sd
        are those of a query frame's similarity to the decoys.
    drift_cost : float
        Taken from a score for every step that advances by one query frame more or less than four.
    prior_rate, prior_rate_rows, prior_log_count : float
        Pooled null model: ``exp(prior_log_count - rate * score)`` paths are expected to reach a score for
        each query frame and each code searched. The rate, ``prior_rate * (1 + prior_rate_rows / n_frames)``,
        is higher for short queries, whose paths are short.
    prior_weight : float
        Number of exceedances that the pooled rate counts as when a query's own rate is estimated.
    codes_slope : float
        ``log E_codes = codes_slope * log E_raw``: the scores of chance have a longer tail than those of
        decoys.
    calibration_offset, calibration_slope : float
        ``log E = offset + slope * log E_both``, fitted so that absent queries have as many false matches as
        stated.
    related_offset, related_slope : float
        The same where `E_both` rests on related recordings (see `earwitness.index.matching.related`), fitted
        with recordings of the same voice, drum kit or soundfont in the index.
    spoken_offset, spoken_slope : float
        The same for ``log E_raw`` of spoken word in an index without related recordings.
    checked_to : float
        Smallest E-value that was checked with absent queries; smaller values are extrapolated.
    agreements, agreement_log_p : tuples of float
        Agreements with the peaks of a reference (`peak_evidence`), ascending, and for each the log of the
        probability that chance agrees at least as well.
    agreement_rate : float
        Fall of that log for each standard deviation beyond the last agreement.
    pooled_margin, prefilter_margin, rough_margin : float
        Nats by which cheap null models may rate an alignment worse than all decoys do. An alignment that one
        of them rates worse than the limit of the report by more is dropped before all decoys are aligned: the
        pooled one, the same in the prefilter, which searches half of the query frames, and the rough one, of
        few decoys.
    overlaid_similarity : float
        Excerpts with a lower mean similarity along the path are under other audio.
    """

    table: NDArray[np.float32]
    z_low: float
    z_high: float
    drift_cost: float
    prior_rate: float
    prior_rate_rows: float
    prior_log_count: float
    prior_weight: float
    codes_slope: float
    calibration_offset: float
    calibration_slope: float
    related_offset: float
    related_slope: float
    spoken_offset: float
    spoken_slope: float
    checked_to: float
    agreements: tuple[float, ...]
    agreement_log_p: tuple[float, ...]
    agreement_rate: float
    pooled_margin: float
    prefilter_margin: float
    rough_margin: float
    overlaid_similarity: float

    def __post_init__(self) -> None:
        if self.table.ndim != 1 or not bool(np.all(np.diff(self.table) >= 0)):
            raise ValueError("the table of step scores must not fall")
        slopes = (
            self.prior_rate,
            self.codes_slope,
            self.calibration_slope,
            self.related_slope,
            self.spoken_slope,
        )
        if not (min(slopes) > 0 and self.z_high > self.z_low):
            raise ValueError("rates, slopes and the range of the table must be positive")
        falls = np.diff([*self.agreement_log_p, self.agreement_log_p[-1] - self.agreement_rate])
        if max(self.agreement_log_p) > 0 or np.any(falls > 0) or np.any(np.diff(self.agreements) <= 0):
            raise ValueError("log probabilities of agreement must be at most 0 and must not rise")

    @property
    def levels_per_z(self) -> float:
        """Entries of the table for one unit of z."""
        return (self.table.size - 1) / (self.z_high - self.z_low)

    def pooled_rate(self, n_frames: int) -> float:
        """Return the rate of the pooled null model for a query of so many frames."""
        return self.prior_rate * (1 + self.prior_rate_rows / max(n_frames, 1))

    def log_p_agreement(self, agreement: float) -> float:
        """Return the log of the probability that chance agrees with the peaks at least as well."""
        beyond = max(agreement - self.agreements[-1], 0.0)
        within = float(np.interp(agreement, self.agreements, self.agreement_log_p))
        return within - self.agreement_rate * beyond

    def step_scores(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of steps of the given z, as the kernels compute it."""
        level = np.clip((z - self.z_low) * self.levels_per_z, 0, self.table.size - 1)
        scores: NDArray[np.float32] = self.table[level.astype(np.int32)]
        return scores


def read_calibration(path: Path) -> Calibration:
    """Read a file of `write_calibration`."""
    values = json.loads(path.read_text(encoding="utf-8"))
    values["table"] = np.array(values["table"], dtype=np.float32)
    values |= {name: tuple(values[name]) for name in ("agreements", "agreement_log_p")}
    return Calibration(**values)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write all numbers as indented JSON, so that a change of calibration can be reviewed."""
    values = {name: getattr(calibration, name) for name in Calibration.__dataclass_fields__}
    values["table"] = [round(float(score), 4) for score in calibration.table]
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
