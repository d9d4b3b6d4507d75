"""Our median and quantile are NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from earwitness.fingerprint.numeric.order_statistics import median, quantile

SHAPES = arrays.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=40)
VALUES = arrays.arrays(np.float32, SHAPES, elements=st.floats(-(2.0**20), 2.0**20, width=32)) | arrays.arrays(
    np.float64, SHAPES, elements=st.floats(-(2.0**20), 2.0**20)
)


@given(VALUES, st.floats(0.0, 1.0))
def test_a_quantile_is_that_of_numpy(values: NDArray[Any], share: float) -> None:
    """Bit for bit, in the type of the values."""
    expected = np.quantile(values, share, axis=0)
    assert quantile(values, share).dtype == values.dtype
    assert np.array_equal(quantile(values, share), expected)


@given(VALUES | arrays.arrays(np.int64, SHAPES, elements=st.integers(-(2**40), 2**40)))
def test_a_median_is_that_of_numpy(values: NDArray[Any]) -> None:
    """Bit for bit, of whole numbers too."""
    assert median(values.ravel()) == float(np.median(values))
