"""Kernels that were compiled ahead give the numbers of numba's, and are used only where they fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.fingerprint import compiled
from earwitness.fingerprint.compiled import CompiledKernel, compiled_library
from earwitness.fingerprint.kernels.bands import cut_frames, sum_bands
from earwitness.fingerprint.kernels.bilinear import resample
from earwitness.fingerprint.kernels.decaying_mean import subtract_past
from earwitness.fingerprint.kernels.nibbles import pack_nibbles, unpack_nibbles
from earwitness.fingerprint.kernels.peak_picking import find_peaks

RANDOM = np.random.default_rng(11)


def floats(*shape: int) -> np.ndarray:
    """Random numbers above zero."""
    return RANDOM.exponential(size=shape).astype(np.float32)


CALLS: list[tuple[Any, Callable[[], tuple[Any, ...]]]] = [
    (cut_frames, lambda: (floats(9_000), floats(1_536), 2, 352, np.zeros((9, 1_536), np.float32))),
    (
        sum_bands,
        lambda: (
            (floats(7, 30) + 1j * floats(7, 30)).astype(np.complex64),
            np.array([0, 4, 9], np.int32),
            np.array([0, 3, 8, 20], np.int32),
            floats(20),
            np.zeros((7, 3), np.float32),
        ),
    ),
    (resample, lambda: (floats(40, 30), 1.1, -2.4, np.zeros((36, 30), np.float32))),
    (subtract_past, lambda: (floats(40, 30), 0.9, 0.5, 0.1, np.zeros((40, 30), np.float32))),
    (pack_nibbles, lambda: (floats(12, 64), np.sort(floats(15)), np.zeros((12, 32), np.uint8))),
    (
        unpack_nibbles,
        lambda: (
            RANDOM.integers(0, 256, (12, 32)).astype(np.uint8),
            np.sort(floats(16)),
            np.zeros((12, 64), np.float32),
        ),
    ),
    (
        find_peaks,
        lambda: (floats(90, 60), 3, (2, 3), (5, 6), np.zeros((500, 2), np.int32), np.zeros(500, np.float32)),
    ),
]
IDS = [kernel.py_func.__name__ for kernel, _ in CALLS]


@pytest.mark.parametrize(("kernel", "make"), CALLS, ids=IDS)
def test_kernels_compiled_ahead_give_the_same_numbers(
    kernel: Any, make: Callable[[], tuple[Any, ...]]
) -> None:
    """A kernel that was compiled ahead returns and writes what numba's does, to the last bit of a sum."""
    assert isinstance(kernel, CompiledKernel), "python scripts/compile_kernels.py was not run"
    arguments = make()
    copies = [each.copy() if isinstance(each, np.ndarray) else each for each in arguments]
    assert kernel(*arguments) == kernel.by_numba(*copies)
    for mine, theirs in zip(arguments, copies, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6 if kernel is sum_bands else 0)


@pytest.mark.parametrize("kind", ["float64", "every second column"])
def test_other_arrays_are_not_misread(kind: str) -> None:
    """Arrays of another type or order, which compiled code would misread, are given to numba."""
    packed, levels = np.array([[0x21, 0x43]], np.uint8), np.arange(16, dtype=np.float32)
    values = np.zeros((1, 4), np.float32)
    if kind == "float64":
        levels = levels.astype(np.float64)
    else:
        packed = np.array([[0x21, 0xFF, 0x43, 0xFF]], np.uint8)[:, ::2]
    unpack_nibbles(packed, levels, values)
    assert values.tolist() == [[1, 2, 3, 4]]


def test_a_library_of_other_sources_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of a kernel numba compiles it, until the library is compiled anew."""
    for name in ("fingerprint/kernels", "index/matching/kernels", "compiled"):
        shutil.copytree(compiled.PACKAGE / name, tmp_path / name)
    monkeypatch.setattr(compiled, "PACKAGE", tmp_path)
    assert compiled_library.__wrapped__() is not None
    with (tmp_path / "fingerprint/kernels/bands.py").open("a") as file:
        file.write("# changed\n")
    assert compiled_library.__wrapped__() is None


def test_a_library_for_another_processor_is_not_used() -> None:
    """A library is used only where the processor has every instruction that it uses."""
    library = compiled.library_path(compiled.PACKAGE / "compiled").with_suffix(".json")
    needs = json.loads(library.read_text(encoding="utf-8"))["needs"]
    assert compiled.has(needs)
    assert not compiled.has([*needs, "NOT_THERE"])
    assert not compiled.has(["another machine", *needs[1:]])
