"""Compile the kernels in the first run after an installation, with a message, and mark that it was done."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from rich.console import Console

PACKAGES = ("earwitness", "numba", "numpy", "llvmlite")


def compiled_marker() -> Path:
    """Return the file that marks the kernels of this installation and these versions as compiled."""
    here = str(Path(__file__).resolve().parent.parent)
    installed = json.dumps([here, *((name, version(name)) for name in PACKAGES)])
    digest = hashlib.sha256(installed.encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("earwitness", appauthor=False) / f"compiled-{digest}"


def compile_kernels(console: Console) -> None:
    """Compile every kernel, unless they were compiled ahead or by an earlier run."""
    if not numba_compiles():
        return
    marker = compiled_marker()
    if marker.exists():
        return
    with console.status("First run: compiling kernels, up to 20 s ..."):
        if not console.is_terminal:
            console.print("First run: compiling kernels, up to 20 s ...")
        compile_all()
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def numba_compiles() -> bool:
    """Whether there is a kernel that was not compiled ahead: only then is numba imported."""
    import earwitness.index.matching.identify  # noqa: F401  (imports every kernel)

    return "numba" in sys.modules


def compile_all() -> None:
    """Fingerprint a synthetic signal, and search with a small query, so that every kernel is compiled."""
    from earwitness.fingerprint.conformance import reference_signal
    from earwitness.fingerprint.extract import extractor
    from earwitness.index.matching.identify import warm

    extract = extractor()
    extract.fingerprint(extract.query(reference_signal()))
    warm(extract)
