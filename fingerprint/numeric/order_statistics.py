"""Median and quantiles, as NumPy computes them.

``np.median`` and ``np.quantile`` import ``numpy.ma``, which takes a tenth of a second of every process.
"""

from __future__ import annotations

from math import floor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)


def quantile(values: NDArray[Real], share: float) -> NDArray[Real]:
    """Return a quantile along the first axis, between two values by their distance (Hyndman and Fan, type 7).

    Parameters
    ----------
    values : float array, shape (n, ...)
        At least one, without NaN.
    share
        From 0 to 1.
    """
    place = share * (len(values) - 1)
    below = min(floor(place), len(values) - 1)
    above, part = min(below + 1, len(values) - 1), place - below
    ordered = np.partition(values, (below, above), axis=0)
    step = ordered[above] - ordered[below]
    between = ordered[below] + step * part if part < 0.5 else ordered[above] - step * (1 - part)
    return np.asarray(between, dtype=values.dtype)


def median(values: NDArray[Any]) -> float:
    """Return the median of numbers, shape (n,): at least one, without NaN."""
    below, above = (len(values) - 1) // 2, len(values) // 2
    ordered = np.partition(values, (below, above))
    return float(ordered[[below, above]].mean())
