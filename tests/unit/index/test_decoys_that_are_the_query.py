"""A query may hold the music that the decoys were cut from."""

from __future__ import annotations

import numpy as np

from earwitness.index.statistics.null_model import COPY_GAP_NATS, MOST_COPIES, chance_mask

RATE = 0.5


def _scores(best_of_runs: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of ten decoys a run, one of them the run's best, the others 0, and their runs."""
    scores = np.zeros((len(best_of_runs), 10), dtype=np.float32)
    scores[:, 3] = best_of_runs
    return scores.ravel(), np.repeat(np.arange(len(best_of_runs), dtype=np.int32), 10)


def test_a_run_with_a_much_higher_score_is_left_out() -> None:
    """All decoys of a run whose best score is far above all other runs are left out, and no other."""
    scores, run_of = _scores([20.0, 21.0, 300.0, 19.0, 22.0, 18.0, 17.0])
    assert set(run_of[~chance_mask(scores, run_of, RATE)]) == {2}


def test_two_runs_of_the_same_recording_are_both_left_out() -> None:
    """The query may be in two runs: the gap is below both."""
    scores, run_of = _scores([20.0, 290.0, 300.0, 19.0, 22.0, 18.0, 17.0])
    assert set(run_of[~chance_mask(scores, run_of, RATE)]) == {1, 2}


def test_decoys_of_chance_are_not_left_out() -> None:
    """Neither a gap of chance nor a high score that many runs reach leaves a decoy out."""
    near = 22.0 + 0.9 * COPY_GAP_NATS / RATE
    for best in ([20.0, 22.0, near, 19.0, 18.0, 17.0], [300.0 + k for k in range(MOST_COPIES + 3)] + [10.0]):
        scores, run_of = _scores(best)
        assert chance_mask(scores, run_of, RATE).all()
