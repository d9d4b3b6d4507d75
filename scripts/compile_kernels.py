"""Compile the kernels ahead: ``python scripts/compile_kernels.py``, into ``src/earwitness/compiled``.

Needs numba, setuptools, and compilers of C and C++. `earwitness.fingerprint.compiled` loads what this writes;
without it numba compiles each kernel when it is first called. Does nothing where the same kernels are there
already.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FLOATS, FLOAT_ROWS = "float32[::1]", "float32[:,::1]"
PAIR = "UniTuple(int64, 2)"
KERNELS = {
    "fingerprint.kernels.bands": {
        "cut_frames": f"void({FLOATS}, {FLOATS}, int64, int64, {FLOAT_ROWS})",
        "sum_bands": f"void(complex64[:,::1], int32[::1], int32[::1], {FLOATS}, {FLOAT_ROWS})",
    },
    "fingerprint.kernels.bilinear": {"resample": f"void({FLOAT_ROWS}, float64, float64, {FLOAT_ROWS})"},
    "fingerprint.kernels.decaying_mean": {
        "subtract_past": f"void({FLOAT_ROWS}, float64, float64, float64, {FLOAT_ROWS})"
    },
    "fingerprint.kernels.nibbles": {
        "pack_nibbles": f"void({FLOAT_ROWS}, {FLOATS}, uint8[:,::1])",
        "unpack_nibbles": f"void(uint8[:,::1], {FLOATS}, {FLOAT_ROWS})",
    },
    "fingerprint.kernels.peak_picking": {
        "find_peaks": f"int64({FLOAT_ROWS}, int64, {PAIR}, {PAIR}, int32[:,::1], {FLOATS})"
    },
    "index.matching.kernels.alignment_loops": {
        "tally_votes": f"void(int64[::1], {FLOATS}, int64, {FLOATS})",
        "band_path": f"Tuple((int32[:,::1], {FLOATS}, float64))({FLOAT_ROWS}, {FLOAT_ROWS}, {FLOATS}, "
        f"{FLOATS}, int64, int64, {FLOATS}, float32, float32, float32)",
        "decoy_scores": f"void({FLOAT_ROWS}, {FLOATS}, {FLOATS}, int32[::1], {FLOATS}, float32, float32, "
        f"float32, float32, {FLOAT_ROWS})",
    },
    "index.matching.kernels.peak_loops": {
        "standardised_agreement": f"float64({FLOAT_ROWS}, int32[:,::1], int64, int64, "
        "float64, float64, float64)"
    },
}
"""Every kernel that is called from Python, with the kinds of its arguments (contiguous arrays)."""

PROCESSORS = {"x86_64": ("x86-64-v3", ("AVX2", "FMA3", "F16C")), "aarch64": ("generic", ("ASIMD",))}
"""By machine: the processor that is compiled for, and instructions that it must have, as NumPy names them.

x86-64-v3 are those of 2013 (Haswell) and later; older ones compile with numba.
"""


def main() -> None:
    """Compile, unless these kernels are compiled already."""
    folder = ROOT / "src" / "earwitness" / "compiled"
    machine = platform.machine()
    if machine not in PROCESSORS:
        sys.exit(f"kernels are compiled ahead for {' and '.join(PROCESSORS)} only, not for {machine}")
    processor, instructions = PROCESSORS[machine]
    os.environ["NUMBA_CPU_NAME"] = processor
    os.environ["NUMBA_CPU_FEATURES"] = features_of(processor)
    os.environ["NUMBA_DISABLE_CACHING"] = "1"  # a cache of this machine holds code for its own processor
    sys.path.insert(0, str(ROOT / "src"))
    compiled = import_module("earwitness.fingerprint.compiled")
    path = compiled.library_path(folder)
    sources = [f"{name.replace('.', '/')}.py" for name in KERNELS]
    described = {
        "sources": compiled.source_digests(sources),
        "needs": [machine, *instructions],
        "by": versions(),
        "arguments": {
            f"earwitness.{module}.{name}": [kind_of(each) for each in arguments_of(signature)]
            for module, kernels in KERNELS.items()
            for name, signature in kernels.items()
        },
    }
    text = json.dumps(described, indent=1) + "\n"
    description = path.with_suffix(".json")
    if path.is_file() and description.is_file() and description.read_text(encoding="utf-8") == text:
        return
    folder.mkdir(parents=True, exist_ok=True)
    description.unlink(missing_ok=True)
    try:
        build(path, compiled, processor)
    except (ImportError, RuntimeError) as error:  # numba names a missing compiler in its first line
        sys.exit(f"kernels cannot be compiled ahead: {str(error).splitlines()[0]}")
    description.write_text(text, encoding="utf-8")


def build(path: Path, compiled: Any, processor: str) -> None:
    """Compile all kernels into one shared library."""
    from numba.pycc import CC, compiler

    flags = compiler.Flags

    def released() -> Any:
        made = flags()
        made.release_gil = True
        return made

    compiler.Flags = released  # numba has no option for it here
    library = CC(compiled.LIBRARY)
    library.output_dir, library.output_file = str(path.parent), path.name
    library.target_cpu = processor
    for name, kernels in KERNELS.items():
        compiled.BY_NUMBA.add(f"earwitness.{name}")
        module = import_module(f"earwitness.{name}")
        for kernel, signature in kernels.items():
            library.export(kernel, signature)(calling(getattr(module, kernel)))
    library.compile()


def calling(kernel: Any) -> FunctionType:
    """Make a function that calls a kernel, which keeps the kernel's own options of compilation."""
    names = ", ".join(f"argument_{number}" for number in range(kernel.py_func.__code__.co_argcount))
    space: dict[str, Any] = {"kernel": kernel}
    # numba compiles no function that takes any number of arguments
    exec(f"def call({names}):\n    return kernel({names})\n", space)  # noqa: S102
    made: FunctionType = space["call"]
    return made


def features_of(processor: str) -> str:
    """Write a processor's instructions as LLVM wants them."""
    if processor != "x86-64-v3":
        return ""
    of_2013 = "avx avx2 bmi bmi2 cx16 f16c fma lzcnt movbe popcnt sse3 sse4.1 sse4.2 ssse3 xsave"
    return ",".join(f"+{each}" for each in of_2013.split())


def versions() -> dict[str, str]:
    """Name what compiles."""
    from importlib.metadata import version

    return {name: version(name) for name in ("numba", "llvmlite", "numpy")}


def arguments_of(signature: str) -> list[Any]:
    """Parse a signature to the types of its arguments."""
    from numba.core import sigutils

    arguments, _ = sigutils.normalize_signature(signature)
    return list(arguments)


def kind_of(argument: Any) -> list[Any] | None:
    """Type and dimensions of an array; None for another argument."""
    return [str(argument.dtype), argument.ndim] if hasattr(argument, "ndim") else None


if __name__ == "__main__":
    main()
