"""The fitted numbers of one scheme: scores of alignment steps, null model, corrections of E-values.

Each scheme's model folder holds them in ``calibration.json``. ``benchmarks.fit.step_scores`` fits `table`,
``benchmarks.fit.agreement`` the three fields of peak agreement, ``python -m benchmarks calibrate --write``
offsets, slopes and `checked_to`. No command fits the others: they were chosen by hand in November 2026.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How much one step of a path is worth, and what chance makes of it.

    Attributes
    ----------
    table : float32 array, shape (n_levels,)
        Log-odds of a right against a chance step, by z; never falling.
    z_low, z_high : float
        The z of the table's first and last entry. z = (similarity - mean) / sd, against decoys, for each row.
    drift_cost : float
        Taken from a path for every step that moves on by one row more or less than the change says.
    prior_rate, prior_rate_rows, prior_log_count : float
        Pooled null model: ``exp(prior_log_count - rate * score)`` paths are expected to score that much for
        each fine row of a query and each code searched. The rate, ``prior_rate * (1 + prior_rate_rows /
        n_rows)``, is higher for short queries, which have no room for high scores.
    prior_weight : float
        How many exceedances the pooled rate is worth when a query's own rate is estimated.
    codes_slope : float
        ``log E_codes = codes_slope * log E_raw``: the tail of what codes give by chance is longer than the
        decoys show, while that of the peaks is measured as it is.
    calibration_offset, calibration_slope : float
        ``log E = offset + slope * log E_both``; fitted on absent queries, so that claimed is observed.
    spoken_offset, spoken_slope : float
        The same of ``log E_raw`` where spoken word was met; fitted with the other recordings of the same
        voice in the index.
    checked_to : float
        Smallest E-value that absent queries could check; below it a value is extrapolated.
    agreements, agreement_log_p : tuples of float
        How often chance agrees so well with a reference's peaks (`peak_evidence`), and the log of that;
        both for the same few numbers, agreements ascending.
    agreement_rate : float
        By how much the log falls for each standard deviation beyond the last of them.
    overlaid_similarity : float
        Excerpts below this similarity along the path have other audio on top.
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
    spoken_offset: float
    spoken_slope: float
    checked_to: float
    agreements: tuple[float, ...]
    agreement_log_p: tuple[float, ...]
    agreement_rate: float
    overlaid_similarity: float

    def __post_init__(self) -> None:
        if self.table.ndim != 1 or not bool(np.all(np.diff(self.table) >= 0)):
            raise ValueError("a higher similarity never scores less: the step table must not fall")
        slopes = self.prior_rate, self.codes_slope, self.calibration_slope, self.spoken_slope
        if not (min(slopes) > 0 and self.z_high > self.z_low):
            raise ValueError("rates, slopes and the table's range are positive")
        falls = np.diff([*self.agreement_log_p, self.agreement_log_p[-1] - self.agreement_rate])
        if max(self.agreement_log_p) > 0 or np.any(falls > 0) or np.any(np.diff(self.agreements) <= 0):
            raise ValueError("better agreement is never more probable")

    @property
    def levels_per_z(self) -> float:
        """Entries of the table in one unit of z."""
        return (self.table.size - 1) / (self.z_high - self.z_low)

    def pooled_rate(self, n_rows: int) -> float:
        """How fast the number of chance paths falls with their score, for a query of so many fine rows."""
        return self.prior_rate * (1 + self.prior_rate_rows / max(n_rows, 1))

    def log_p_agreement(self, agreement: float) -> float:
        """Log of the probability that chance agrees with a reference's peaks at least so well."""
        beyond = max(agreement - self.agreements[-1], 0.0)
        within = float(np.interp(agreement, self.agreements, self.agreement_log_p))
        return within - self.agreement_rate * beyond

    def step_scores(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score of steps of the given z, as the kernels read it."""
        place = np.clip((z - self.z_low) * self.levels_per_z, 0, self.table.size - 1)
        scores: NDArray[np.float32] = self.table[place.astype(np.int32)]
        return scores


def read_calibration(path: Path) -> Calibration:
    """Read what `write_calibration` wrote."""
    values = json.loads(path.read_text(encoding="utf-8"))
    values["table"] = np.array(values["table"], dtype=np.float32)
    values |= {name: tuple(values[name]) for name in ("agreements", "agreement_log_p")}
    return Calibration(**values)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write all numbers as readable JSON, so that a change of calibration is a reviewable diff."""
    values = {name: getattr(calibration, name) for name in Calibration.__dataclass_fields__}
    values["table"] = [round(float(score), 4) for score in calibration.table]
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
