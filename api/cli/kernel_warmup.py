"""The first run after installing compiles kernels: say so, do it once, and remember that it was done."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from rich.console import Console

PACKAGES = ("earwitness", "numba", "numpy", "llvmlite")


def compiled_marker() -> Path:
    """Name the file that says: kernels are compiled, for this installation and these versions."""
    here = str(Path(__file__).resolve().parent.parent)
    installed = json.dumps([here, *((name, version(name)) for name in PACKAGES)])
    digest = hashlib.sha256(installed.encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("earwitness", appauthor=False) / f"compiled-{digest}"


def make_warm(console: Console) -> None:
    """Compile every kernel, unless an earlier run did."""
    marker = compiled_marker()
    if marker.exists():
        return
    with console.status("First run: compiling kernels, up to 20 s ..."):
        if not console.is_terminal:
            console.print("First run: compiling kernels, up to 20 s ...")
        compile_all()
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def compile_all() -> None:
    """Walk the whole road once on a made-up sound."""
    from earwitness.fingerprint.conformance import reference_signal
    from earwitness.fingerprint.extract import extractor
    from earwitness.index.matching.identify import warm

    extract = extractor()
    extract.fingerprint(extract.query(reference_signal()))
    warm(extract)
