"""The public names of the fingerprint package."""

from __future__ import annotations

import subprocess
import sys

import pytest

from earwitness import fingerprint


@pytest.mark.parametrize("name", fingerprint.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    """Each name in ``__all__`` is an attribute of the package, and is listed by ``dir``."""
    assert getattr(fingerprint, name) is not None
    assert name in dir(fingerprint)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name is reported as in any other module."""
    with pytest.raises(AttributeError, match="Extracter"):
        _ = fingerprint.Extracter


def test_importing_the_package_loads_no_library() -> None:
    """Neither numpy nor any library that depends on it is loaded before a name is used."""
    code = "import sys, earwitness.fingerprint; print({'numpy', 'onnxruntime', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
