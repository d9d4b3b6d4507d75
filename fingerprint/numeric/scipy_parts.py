"""Functions of SciPy whose import costs more than a command needs: their compiled modules are loaded alone.

Importing `scipy.fft` or `scipy.ndimage` takes 0.2 to 0.3 s of processor time, three times as long as NumPy,
because both load special functions and array interfaces of other libraries. Every command and every decode
worker would pay that. The numbers are SciPy's own; where a version of SciPy has its modules elsewhere, the
public function is imported and called. `numpy.fft` is no replacement: it takes twice as long and rounds
differently, which would change codes.
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

POCKETFFT: Final = "fft/_pocketfft/pypocketfft"
ND_IMAGE: Final = "ndimage/_nd_image"
_UNSCALED, _BY_LENGTH = 0, 2
_NEAREST: Final = 0


def rfft(frames: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Transform along the last axis; the same numbers as `scipy.fft.rfft`."""
    module = compiled_part(POCKETFFT, "r2c", "c2r")
    if module is None:
        from scipy import fft

        return np.asarray(fft.rfft(frames), dtype=np.complex64)
    spectrum: NDArray[np.complex64] = module.r2c(frames, (frames.ndim - 1,), True, _UNSCALED, None, 1)
    return spectrum


def irfft(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Invert `rfft` of frames of an even length; the same numbers as `scipy.fft.irfft`."""
    module = compiled_part(POCKETFFT, "r2c", "c2r")
    if module is None:
        from scipy import fft

        return np.asarray(fft.irfft(spectra), dtype=np.float32)
    axis = spectra.ndim - 1
    n_samples = 2 * (spectra.shape[axis] - 1)
    frames: NDArray[np.float32] = module.c2r(spectra, (axis,), n_samples, False, _BY_LENGTH, None, 1)
    return frames


def box_mean(image: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Mean over a box around each cell, with edges repeated: that of `scipy.ndimage.uniform_filter`."""
    module = compiled_part(ND_IMAGE, "uniform_filter1d")
    if module is None:
        from scipy.ndimage import uniform_filter

        return np.asarray(uniform_filter(image, size, mode="nearest"), dtype=np.float32)
    mean = np.empty_like(image)
    for axis, length in enumerate(size):
        module.uniform_filter1d(mean if axis else image, length, axis, mean, _NEAREST, 0.0, 0)
    return mean


@lru_cache(maxsize=4)
def compiled_part(part: str, *functions: str) -> Any:
    """A compiled module of SciPy by its path; None where SciPy does not have these functions there."""
    loaded = sys.modules.get(f"scipy.{part.replace('/', '.')}")
    if loaded is not None:
        return loaded
    scipy = find_spec("scipy")  # finds the package without importing it
    folder, _, name = part.rpartition("/")
    for place in () if scipy is None else scipy.submodule_search_locations or ():
        for ending in EXTENSION_SUFFIXES:
            path = Path(place, folder, f"{name}{ending}")
            if path.is_file():
                spec = spec_from_file_location(name, path, loader=ExtensionFileLoader(name, str(path)))
                assert spec is not None and spec.loader is not None  # a loader was given
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                return module if all(hasattr(module, each) for each in functions) else None
    return None
