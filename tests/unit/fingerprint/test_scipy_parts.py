"""Functions of SciPy without the import of its packages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft
from scipy.ndimage import uniform_filter

from earwitness.fingerprint.numeric import scipy_parts
from earwitness.fingerprint.params import PARAMS


@pytest.fixture(params=["loaded alone", "by scipy"])
def loaded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute with the compiled modules, and as where SciPy does not have them."""
    if request.param == "by scipy":
        monkeypatch.setattr(scipy_parts, "compiled_part", lambda *_: None)


@pytest.mark.parametrize("part", [scipy_parts.POCKETFFT, scipy_parts.ND_IMAGE])
def test_compiled_modules_are_found(part: str) -> None:
    """The locked version of SciPy has its compiled modules where they are looked for."""
    assert scipy_parts.compiled_part(part) is not None


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("shape", [(48, PARAMS.n_fft), (1, 2048), (2, 3, 2048)], ids=str)
def test_transforms_are_those_of_scipy(shape: tuple[int, ...]) -> None:
    """Both directions give exactly the numbers of `scipy.fft`, in single precision."""
    frames = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    spectra = scipy_parts.rfft(frames)
    assert spectra.dtype == np.complex64
    assert np.array_equal(spectra, fft.rfft(frames))
    back = scipy_parts.irfft(spectra)
    assert back.dtype == np.float32
    assert np.array_equal(back, fft.irfft(spectra))


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("shape", [(1, 1), (3, 128), (700, 128)], ids=str)
def test_the_mean_over_a_box_is_that_of_scipy(shape: tuple[int, int]) -> None:
    """The mean is exactly that of `uniform_filter`, also where the box is larger than the image."""
    image = np.random.default_rng(8).standard_normal(shape).astype(np.float32)
    mean = scipy_parts.box_mean(image, (31, 9))
    assert mean.dtype == np.float32
    assert np.array_equal(mean, uniform_filter(image, (31, 9), mode="nearest"))
