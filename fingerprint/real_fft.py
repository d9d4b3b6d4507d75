"""Real Fourier transforms in single precision, by SciPy's pocketfft.

Importing `scipy.fft` takes 0.2 s of processor time, three times as long as NumPy, because it loads special
functions and array interfaces of other libraries. Every command and every decode worker would pay that, so
the compiled module below it is loaded by itself. `numpy.fft` is no replacement: it takes twice as long and
rounds differently, which would change codes.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_FOLDER: Final = Path("fft", "_pocketfft")
_NAME: Final = "pypocketfft"
_UNSCALED, _BY_LENGTH = 0, 2


def rfft(frames: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Transform along the last axis; the same numbers as `scipy.fft.rfft`."""
    module = pocketfft()
    if module is None:
        from scipy import fft

        return np.asarray(fft.rfft(frames), dtype=np.complex64)
    spectrum: NDArray[np.complex64] = module.r2c(frames, (frames.ndim - 1,), True, _UNSCALED, None, 1)
    return spectrum


def irfft(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Invert `rfft` of frames of an even length; the same numbers as `scipy.fft.irfft`."""
    module = pocketfft()
    if module is None:
        from scipy import fft

        return np.asarray(fft.irfft(spectra), dtype=np.float32)
    axis = spectra.ndim - 1
    n_samples = 2 * (spectra.shape[axis] - 1)
    frames: NDArray[np.float32] = module.c2r(spectra, (axis,), n_samples, False, _BY_LENGTH, None, 1)
    return frames


@lru_cache(maxsize=1)
def pocketfft() -> Any:
    """The compiled module of `scipy.fft`; None where SciPy has it elsewhere, and `scipy.fft` is used."""
    loaded = sys.modules.get(f"scipy.fft._pocketfft.{_NAME}")
    if loaded is not None:
        return loaded
    scipy = find_spec("scipy")  # finds the package without importing it
    for folder in () if scipy is None else scipy.submodule_search_locations or ():
        for ending in EXTENSION_SUFFIXES:
            path = Path(folder) / _FOLDER / f"{_NAME}{ending}"
            if path.is_file():
                spec = spec_from_file_location(_NAME, path, loader=ExtensionFileLoader(_NAME, str(path)))
                assert spec is not None and spec.loader is not None  # a loader was given
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                return module if hasattr(module, "r2c") and hasattr(module, "c2r") else None
    return None
