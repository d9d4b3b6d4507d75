"""Fourier transforms without the import of `scipy.fft`."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft

from earwitness.fingerprint import real_fft
from earwitness.fingerprint.params import PARAMS


@pytest.fixture(params=["by itself", "by scipy.fft"])
def transforms(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transform with the compiled module, and as where SciPy does not have it."""
    if request.param == "by scipy.fft":
        monkeypatch.setattr(real_fft, "pocketfft", lambda: None)


def test_the_compiled_module_is_found() -> None:
    """The locked version of SciPy has the compiled module where it is looked for."""
    assert real_fft.pocketfft() is not None


@pytest.mark.usefixtures("transforms")
@pytest.mark.parametrize("shape", [(48, PARAMS.n_fft), (1, 2048), (2, 3, 2048)], ids=str)
def test_transforms_are_those_of_scipy(shape: tuple[int, ...]) -> None:
    """Both directions give exactly the numbers of `scipy.fft`, in single precision."""
    frames = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    spectra = real_fft.rfft(frames)
    assert spectra.dtype == np.complex64
    assert np.array_equal(spectra, fft.rfft(frames))
    back = real_fft.irfft(spectra)
    assert back.dtype == np.float32
    assert np.array_equal(back, fft.irfft(spectra))
