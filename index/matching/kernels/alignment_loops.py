"""Numba loops of the search: votes, alignment of one candidate, local alignment against decoys.

Geometry. A reference code lies every four *fine rows* of the query. Cell ``(j, i)`` compares reference code
``j`` with fine row ``i``; a path goes from code to code and moves on by four rows a code, or by three or five
at a cost, so that it follows small differences of speed. Every kernel below walks the same recursion
(Smith & Waterman 1981): ``H[j, i] = s[j, i] + max(0, H[j-1, i-4], H[j-1, i-3] - cost, H[j-1, i-5] - cost)``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

ROWS_PER_CODE: Final = 4
"""Fine rows of a query between two reference codes."""

START, STRAIGHT, FEWER, MORE = 0, 1, 2, 3
"""How a path came into a cell: it starts there, or moved on by four, three or five rows."""


@njit(cache=True, nogil=True, fastmath=True)
def _step_score(
    similarity: np.float32,
    mean: np.float32,
    inverse_sd: np.float32,
    table: NDArray[np.float32],
    z_low: np.float32,
    per_z: np.float32,
) -> np.float32:
    """Score of one step, read from a table of ``z = (similarity - mean) / sd``, clipped at its ends."""
    place = ((similarity - mean) * inverse_sd - z_low) * per_z
    # clipped as an integer: a row that is not a number must not read beyond the table
    level = int(place)
    return np.float32(table[min(max(level, 0), table.size - 1)])


@njit(cache=True, nogil=True, fastmath=True)
def align_band(
    codes: NDArray[np.float32],
    rows: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    lead: int,
    half_band: int,
    table: NDArray[np.float32],
    z_low: np.float32,
    per_z: np.float32,
    cost: np.float32,
    total: NDArray[np.float32],
    came: NDArray[np.int8],
    similarity: NDArray[np.float32],
) -> None:
    """Fill the recursion in a band round the diagonal ``i = 4 j - lead``.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
        Unit vectors of the reference.
    rows : float32 array, shape (n_rows, dim)
        Unit vectors of the query, `mean` and `inverse_sd` of each row's similarity to decoys.
    total, came, similarity : arrays, shape (n_codes, 2 * half_band + 1), written
        Column ``b`` of line ``j`` is the cell of row ``4 j - lead + b - half_band``; outside the query the
        total is -1 and the similarity 0.
    """
    width = 2 * half_band + 1
    for j in range(codes.shape[0]):
        for b in range(width):
            i = ROWS_PER_CODE * j - lead + b - half_band
            came[j, b] = START
            similarity[j, b] = 0.0
            total[j, b] = -1.0
            if i < 0 or i >= rows.shape[0]:
                continue
            cosine = np.float32(0.0)
            for d in range(codes.shape[1]):
                cosine += codes[j, d] * rows[i, d]
            similarity[j, b] = cosine
            best = np.float32(0.0)
            if j > 0:
                # the straight step first: on a tie a path does not drift
                if total[j - 1, b] > best:
                    best = total[j - 1, b]
                    came[j, b] = STRAIGHT
                if b + 1 < width and total[j - 1, b + 1] - cost > best:
                    best = total[j - 1, b + 1] - cost
                    came[j, b] = FEWER
                if b > 0 and total[j - 1, b - 1] - cost > best:
                    best = total[j - 1, b - 1] - cost
                    came[j, b] = MORE
            total[j, b] = best + _step_score(cosine, mean[i], inverse_sd[i], table, z_low, per_z)


@njit(cache=True, nogil=True)
def trace_back(
    total: NDArray[np.float32],
    came: NDArray[np.int8],
    path: NDArray[np.int32],
) -> tuple[int, float]:
    """Walk the best path of a filled band backwards.

    Parameters
    ----------
    path : int32 array, shape (n_codes, 2), written
        ``(j, b)`` of each step, last step first.

    Returns
    -------
    n_steps, score
        Number of steps written and the total of the path's last cell; 0 steps where no cell is above zero.
    """
    best, end_j, end_b = np.float32(0.0), -1, -1
    for j in range(total.shape[0]):
        for b in range(total.shape[1]):
            if total[j, b] > best:
                best, end_j, end_b = total[j, b], j, b
    n_steps, j, b = 0, end_j, end_b
    while j >= 0:
        path[n_steps, 0], path[n_steps, 1] = j, b
        n_steps += 1
        move = came[j, b]
        if move == START:
            break
        if move == FEWER:
            b += 1
        elif move == MORE:
            b -= 1
        j -= 1
    return n_steps, float(best)


@njit(cache=True, nogil=True)
def band_path(
    codes: NDArray[np.float32],
    rows: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    lead: int,
    half_band: int,
    table: NDArray[np.float32],
    z_low: np.float32,
    per_z: np.float32,
    cost: np.float32,
) -> tuple[NDArray[np.int32], NDArray[np.float32], float]:
    """Best path in a band (see `align_band`): code and fine row of each step, similarities, score.

    One call from Python instead of many: a query has dozens of candidates, and calls cost more than bands.
    """
    shape = (codes.shape[0], 2 * half_band + 1)
    total, similarity = np.empty(shape, np.float32), np.empty(shape, np.float32)
    came, path = np.empty(shape, np.int8), np.empty((shape[0], 2), np.int32)
    align_band(
        codes, rows, mean, inverse_sd, lead, half_band, table, z_low, per_z, cost, total, came, similarity
    )
    n_steps, score = trace_back(total, came, path)
    steps, met = np.empty((n_steps, 2), np.int32), np.empty(n_steps, np.float32)
    for k in range(n_steps):
        j, b = path[n_steps - 1 - k]
        steps[k, 0], steps[k, 1] = j, ROWS_PER_CODE * j - lead + b - half_band
        met[k] = similarity[j, b]
    return steps, met, score


@njit(cache=True, nogil=True, fastmath=True)
def decoy_peaks(
    similarity: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    run_of: NDArray[np.int32],
    table: NDArray[np.float32],
    z_low: np.float32,
    per_z: np.float32,
    cost: np.float32,
    least: np.float32,
    peaks: NDArray[np.float32],
) -> None:
    """Best score of any path that starts at each decoy code, over every diagonal.

    Codes that score above zero nowhere, and that no path reaches, are passed by: four in five.

    Parameters
    ----------
    similarity : float32 array, shape (n_decoys, n_rows)
    run_of : int32 array, shape (n_decoys,)
        Number of the recording that a decoy code comes from; paths do not cross from one to the next.
    peaks : float32 array, shape (2, n_decoys), zeros, written
        Of the rows as they are, and of the rows in the opposite order; left at zero where no path scores
        more than `least`.
    """
    n_rows = similarity.shape[1]
    # [side, old or new, i + 5] holds row i, so that the row five before is always there
    total = np.full((2, 2, n_rows + 5), np.float32(-1.0))
    start = np.zeros((2, 2, n_rows + 5), np.int32)
    scores = np.empty((2, n_rows), np.float32)
    scale, shift = inverse_sd * per_z, -(mean * inverse_sd + z_low) * per_z
    last = np.int32(table.size - 1)
    first_right = np.float32(np.searchsorted(table, np.float32(0.0), side="right"))
    alive, old = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for j in range(similarity.shape[0]):
        if j > 0 and run_of[j] != run_of[j - 1]:
            total[:] = np.float32(-1.0)
            alive[:] = 0
        right = 0
        for i in range(n_rows):
            right += int(similarity[j, i] * scale[i] + shift[i] >= first_right)
        if right + alive[0] + alive[1] == 0:
            continue
        for i in range(n_rows):
            place = similarity[j, i] * scale[i] + shift[i]
            scores[0, i] = table[min(max(np.int32(place), np.int32(0)), last)]
        scores[1] = scores[0, ::-1]
        for side in range(2):
            if right + alive[side] == 0:
                continue
            before, after = total[side, old[side]], total[side, 1 - old[side]]
            before_start, after_start = start[side, old[side]], start[side, 1 - old[side]]
            _extend(j, scores[side], cost, before, before_start, after, after_start)
            alive[side] = _count_above(after, np.float32(0.0))
            if alive[side] and _count_above(after, least):
                _raise_peaks(after, after_start, least, peaks[side])
            old[side] = 1 - old[side]


# loops of their own: the compiler turns each into vector instructions, and one loop over them all into none


@njit(cache=True, nogil=True, fastmath=True)
def _extend(
    j: int,
    scores: NDArray[np.float32],
    cost: np.float32,
    before: NDArray[np.float32],
    before_start: NDArray[np.int32],
    after: NDArray[np.float32],
    after_start: NDArray[np.int32],
) -> None:
    """Totals of the paths into each row of code ``j``, and the codes where those start."""
    for i in range(scores.size):
        straight, fewer, more = before[i + 1], before[i + 2] - cost, before[i] - cost
        best = max(np.float32(0.0), straight)
        start = before_start[i + 1] if straight > np.float32(0.0) else np.int32(j)
        start = before_start[i + 2] if fewer > best else start
        best = max(best, fewer)
        start = before_start[i] if more > best else start
        after[i + 5] = max(best, more) + scores[i]
        after_start[i + 5] = start


@njit(cache=True, nogil=True, fastmath=True)
def _count_above(totals: NDArray[np.float32], least: np.float32) -> int:
    count = 0
    for i in range(totals.size):
        count += int(totals[i] > least)
    return count


@njit(cache=True, nogil=True, fastmath=True)
def _raise_peaks(
    totals: NDArray[np.float32],
    starts: NDArray[np.int32],
    least: np.float32,
    peaks: NDArray[np.float32],
) -> None:
    for i in range(totals.size):
        if totals[i] > least and totals[i] > peaks[starts[i]]:
            peaks[starts[i]] = totals[i]


@njit(cache=True, nogil=True)
def tally_votes(
    keys: NDArray[np.int64],
    weights: NDArray[np.float32],
    reach: int,
    votes: NDArray[np.float32],
) -> None:
    """Sum the weights of all hits whose key lies within `reach` of each hit's own.

    Parameters
    ----------
    keys : int64 array, shape (n_hits,), ascending
        One number for recording and offset, so that neighbours in offset are neighbours in key.
    votes : float32 array, shape (n_hits,), written
    """
    first, last, inside = 0, 0, np.float64(0.0)
    for here in range(keys.size):
        while last < keys.size and keys[last] <= keys[here] + reach:
            inside += weights[last]
            last += 1
        while keys[first] < keys[here] - reach:
            inside -= weights[first]
            first += 1
        votes[here] = inside
