"""Someone may ask about the very music that the decoys were cut from."""

from __future__ import annotations

import numpy as np

from earwitness.index.statistics.null_model import COPY_GAP_NATS, MOST_COPIES, chance_mask

RATE = 0.5


def _peaks(best_of_runs: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Ten decoys a run, one of them at the run's best, the others at nothing."""
    peaks = np.zeros((len(best_of_runs), 10), dtype=np.float32)
    peaks[:, 3] = best_of_runs
    return peaks.ravel(), np.repeat(np.arange(len(best_of_runs), dtype=np.int32), 10)


def test_a_recording_that_stands_out_is_no_decoy() -> None:
    """All decoys of a run whose best score lies far above every other run's are left out, and no other."""
    peaks, run_of = _peaks([20.0, 21.0, 300.0, 19.0, 22.0, 18.0, 17.0])
    assert set(run_of[~chance_mask(peaks, run_of, RATE)]) == {2}


def test_two_runs_of_the_same_recording_are_both_left_out() -> None:
    """The query may lie in two runs: the gap is below both."""
    peaks, run_of = _peaks([20.0, 290.0, 300.0, 19.0, 22.0, 18.0, 17.0])
    assert set(run_of[~chance_mask(peaks, run_of, RATE)]) == {1, 2}


def test_what_chance_gives_stays() -> None:
    """Neither a gap that chance leaves nor a high score that many recordings reach leaves anything out."""
    near = 22.0 + 0.9 * COPY_GAP_NATS / RATE
    for best in ([20.0, 22.0, near, 19.0, 18.0, 17.0], [300.0 + k for k in range(MOST_COPIES + 3)] + [10.0]):
        peaks, run_of = _peaks(best)
        assert chance_mask(peaks, run_of, RATE).all()
