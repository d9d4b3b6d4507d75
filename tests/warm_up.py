"""Compile kernels and byte code once, before many test processes need them: ``python -m tests.warm_up``."""

from __future__ import annotations

import compileall
import subprocess
import sys
from pathlib import Path

import earwitness.api.datasets.isolated.reading_worker
import earwitness.api.scan.scan_worker
import earwitness.fingerprint.decode.worker.decode_worker  # noqa: F401  (sandboxed processes write no byte code)
from earwitness.api.cli.kernel_warmup import compile_all

ROOT = Path(__file__).parents[1]
FOLDERS = ("fingerprint", "index", "api", "benchmarks", "sample_audio")


def main() -> None:
    """Compile byte code of the project and of what its processes import, and every kernel."""
    subprocess.run([sys.executable, ROOT / "scripts" / "compile_kernels.py"], check=True)
    for folder in FOLDERS:
        compileall.compile_dir(ROOT / folder, quiet=1)
    compile_all()


if __name__ == "__main__":
    main()
