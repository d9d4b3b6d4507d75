"""Numba loops of the search: votes, alignment of one candidate, local alignment against decoys.

Geometry. A query has four frames in the time of one reference code. Cell ``(j, i)`` compares code ``j`` with
query frame ``i``. A path advances by four frames for each code, or by three or five at a cost, so that it
follows small differences of speed. Every alignment below uses the same recursion (Smith & Waterman 1981):
``H[j, i] = s[j, i] + max(0, H[j-1, i-4], H[j-1, i-3] - cost, H[j-1, i-5] - cost)``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.compiled import njit

QUERY_FRAMES_PER_CODE: Final = 4
"""Query frames from one reference code to the next; the same in every scheme (`Params`)."""

START, STRAIGHT, FEWER, MORE = 0, 1, 2, 3
"""How a path entered a cell: it starts there, or it advanced by four, three or five frames."""


@njit(cache=True, nogil=True, fastmath=True)
def _step_score(
    similarity: np.float32,
    mean: np.float32,
    inverse_sd: np.float32,
    table: NDArray[np.float32],
    z_low: np.float32,
    levels_per_z: np.float32,
) -> np.float32:
    """Score of one step, read from a table of ``z = (similarity - mean) / sd``, clipped at its ends."""
    place = ((similarity - mean) * inverse_sd - z_low) * levels_per_z
    # clipped as an integer: a frame that is not a number must not read beyond the table
    level = int(place)
    return np.float32(table[min(max(level, 0), table.size - 1)])


@njit(cache=True, nogil=True, fastmath=True)
def align_band(
    codes: NDArray[np.float32],
    frames: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    diagonal: int,
    half_band: int,
    table: NDArray[np.float32],
    z_low: np.float32,
    levels_per_z: np.float32,
    cost: np.float32,
    total: NDArray[np.float32],
    moves: NDArray[np.int8],
    similarity: NDArray[np.float32],
) -> None:
    """Compute the recursion in a band around the diagonal ``i = 4 j - diagonal``.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
        Unit vectors of the reference.
    frames : float32 array, shape (n_frames, dim)
        Unit vectors of the query.
    mean, inverse_sd : float32 arrays, shape (n_frames,)
        Of each frame's similarity to the decoys.
    total, moves, similarity : arrays, shape (n_codes, 2 * half_band + 1), written
        Column ``b`` of row ``j`` is the cell of query frame ``4 j - diagonal + b - half_band``; outside
        the query the total is -1 and the similarity 0.
    """
    width = 2 * half_band + 1
    for j in range(codes.shape[0]):
        for b in range(width):
            i = QUERY_FRAMES_PER_CODE * j - diagonal + b - half_band
            moves[j, b] = START
            similarity[j, b] = 0.0
            total[j, b] = -1.0
            if i < 0 or i >= frames.shape[0]:
                continue
            cosine = np.float32(0.0)
            for d in range(codes.shape[1]):
                cosine += codes[j, d] * frames[i, d]
            similarity[j, b] = cosine
            best = np.float32(0.0)
            if j > 0:
                # the straight step first: a tie is no drift
                if total[j - 1, b] > best:
                    best = total[j - 1, b]
                    moves[j, b] = STRAIGHT
                if b + 1 < width and total[j - 1, b + 1] - cost > best:
                    best = total[j - 1, b + 1] - cost
                    moves[j, b] = FEWER
                if b > 0 and total[j - 1, b - 1] - cost > best:
                    best = total[j - 1, b - 1] - cost
                    moves[j, b] = MORE
            total[j, b] = best + _step_score(cosine, mean[i], inverse_sd[i], table, z_low, levels_per_z)


@njit(cache=True, nogil=True)
def trace_back(
    total: NDArray[np.float32],
    moves: NDArray[np.int8],
    path: NDArray[np.int32],
) -> tuple[int, float]:
    """Trace the best path of a band back from its last step.

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
        move = moves[j, b]
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
    frames: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    diagonal: int,
    half_band: int,
    table: NDArray[np.float32],
    z_low: np.float32,
    levels_per_z: np.float32,
    cost: np.float32,
) -> tuple[NDArray[np.int32], NDArray[np.float32], float]:
    """Return the best path in a band: code and query frame of each step, similarities, score.

    One call from Python for each candidate: a query has dozens, and calls cost more than bands.
    """
    shape = (codes.shape[0], 2 * half_band + 1)
    total, similarity = np.empty(shape, np.float32), np.empty(shape, np.float32)
    moves, path = np.empty(shape, np.int8), np.empty((shape[0], 2), np.int32)
    align_band(
        codes,
        frames,
        mean,
        inverse_sd,
        diagonal,
        half_band,
        table,
        z_low,
        levels_per_z,
        cost,
        total,
        moves,
        similarity,
    )
    n_steps, score = trace_back(total, moves, path)
    steps, met = np.empty((n_steps, 2), np.int32), np.empty(n_steps, np.float32)
    for k in range(n_steps):
        j, b = path[n_steps - 1 - k]
        steps[k, 0], steps[k, 1] = j, QUERY_FRAMES_PER_CODE * j - diagonal + b - half_band
        met[k] = similarity[j, b]
    return steps, met, score


@njit(cache=True, nogil=True, fastmath=True)
def decoy_scores(
    similarity: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    run_of: NDArray[np.int32],
    table: NDArray[np.float32],
    z_low: np.float32,
    levels_per_z: np.float32,
    cost: np.float32,
    least: np.float32,
    best_of_start: NDArray[np.float32],
) -> None:
    """Compute the best score of all paths that start at each decoy code, over every diagonal.

    Codes that score above zero nowhere and that no path reaches are skipped: four in five.

    Parameters
    ----------
    similarity : float32 array, shape (n_decoys, n_frames)
    run_of : int32 array, shape (n_decoys,)
        Number of the run that a decoy code belongs to; no path crosses from one run to the next.
    best_of_start : float32 array, shape (2, n_decoys), zeros, written
        Of the query frames in their order, and in reverse order; zero where no path scores more than `least`.
    """
    n_frames = similarity.shape[1]
    # [direction, old or new, i + 5] holds frame i, so that the frame five before always exists
    total = np.full((2, 2, n_frames + 5), np.float32(-1.0))
    start = np.zeros((2, 2, n_frames + 5), np.int32)
    scores = np.empty((2, n_frames), np.float32)
    scale, shift = inverse_sd * levels_per_z, -(mean * inverse_sd + z_low) * levels_per_z
    last = np.int32(table.size - 1)
    first_right = np.float32(np.searchsorted(table, np.float32(0.0), side="right"))
    n_open, old = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for j in range(similarity.shape[0]):
        if j > 0 and run_of[j] != run_of[j - 1]:
            total[:] = np.float32(-1.0)
            n_open[:] = 0
        right = 0
        for i in range(n_frames):
            right += int(similarity[j, i] * scale[i] + shift[i] >= first_right)
        if right + n_open[0] + n_open[1] == 0:
            continue
        for i in range(n_frames):
            place = similarity[j, i] * scale[i] + shift[i]
            scores[0, i] = table[min(max(np.int32(place), np.int32(0)), last)]
        scores[1] = scores[0, ::-1]
        for direction in range(2):
            if right + n_open[direction] == 0:
                continue
            before, after = total[direction, old[direction]], total[direction, 1 - old[direction]]
            before_start, after_start = start[direction, old[direction]], start[direction, 1 - old[direction]]
            _extend(j, scores[direction], cost, before, before_start, after, after_start)
            n_open[direction] = _count_above(after, np.float32(0.0))
            if n_open[direction] and _count_above(after, least):
                _raise_best(after, after_start, least, best_of_start[direction])
            old[direction] = 1 - old[direction]


# separate loops: the compiler vectorises each of them, and not one loop that does all


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
    """Compute the totals of the paths into each cell of code ``j``, and the codes where they start."""
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
def _raise_best(
    totals: NDArray[np.float32],
    starts: NDArray[np.int32],
    least: np.float32,
    best_of_start: NDArray[np.float32],
) -> None:
    for i in range(totals.size):
        if totals[i] > least and totals[i] > best_of_start[starts[i]]:
            best_of_start[starts[i]] = totals[i]


@njit(cache=True, nogil=True)
def tally_votes(
    keys: NDArray[np.int64],
    weights: NDArray[np.float32],
    reach: int,
    votes: NDArray[np.float32],
) -> None:
    """Sum the weights of all hits whose key is within `reach` of each hit's own key.

    Parameters
    ----------
    keys : int64 array, shape (n_hits,), ascending
        One number for recording and offset: neighbouring offsets are neighbouring keys.
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
