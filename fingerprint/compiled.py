"""Kernels that were compiled ahead, so that a process neither imports numba (0.3 s) nor compiles (10 s).

``scripts/compile_kernels.py`` writes them, with numba, into the folder ``compiled`` of the package: one
shared library for each version of Python and kind of processor, and a description of it. They are used where
the sources of the kernels are those that were compiled, and this processor has the instructions that they
use. Everywhere else numba compiles a kernel when it is first called; only the order of some sums
differs, as it does between processors.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar, cast

import numpy as np

import earwitness

PACKAGE: Final = Path(earwitness.__file__).parent
LIBRARY: Final = "earwitness_kernels"
Function = TypeVar("Function", bound=Callable[..., Any])

BY_NUMBA: Final[set[str]] = set()
"""Names of modules whose kernels numba compiles while they are imported."""


def njit(**options: Any) -> Callable[[Function], Function]:
    """Decorate a kernel: use it as it was compiled ahead, otherwise do as `numba.njit` does."""

    def decorate(function: Function) -> Function:
        library = None if function.__module__ in BY_NUMBA else compiled_library()
        if library is None:
            import numba

            return cast(Function, numba.njit(**options)(function))
        arguments = library.arguments.get(f"{function.__module__}.{function.__name__}")
        if arguments is None:
            return function  # only other kernels call it
        return cast(Function, CompiledKernel(function, getattr(library.module, function.__name__), arguments))

    return decorate


class CompiledKernel:
    """A kernel that was compiled for arrays of certain kinds; numba compiles it for other kinds.

    Parameters
    ----------
    compiled
        It reads arrays by their addresses, and checks nothing.
    arguments : sequence of (str, int) or None
        Type and number of dimensions of each argument that is an array, which must be contiguous.
    """

    def __init__(
        self, function: Callable[..., Any], compiled: Callable[..., Any], arguments: Sequence[Any]
    ) -> None:
        self.py_func, self._compiled, self._n_arguments = function, compiled, len(arguments)
        self._arrays = [
            (place, np.dtype(each[0]), each[1]) for place, each in enumerate(arguments) if each is not None
        ]

    def __call__(self, *arguments: Any) -> Any:
        """Call the kernel."""
        if len(arguments) == self._n_arguments:
            for place, dtype, n_dimensions in self._arrays:
                array = arguments[place]
                if (
                    type(array) is not np.ndarray
                    or array.dtype != dtype
                    or array.ndim != n_dimensions
                    or not array.flags.c_contiguous
                ):
                    break
            else:
                return self._compiled(*arguments)
        return self.by_numba(*arguments)

    @cached_property
    def by_numba(self) -> Callable[..., Any]:
        """The kernel that numba compiles, from its module's source."""
        name = self.py_func.__module__
        spec = spec_from_file_location(name, self.py_func.__code__.co_filename)
        assert spec is not None and spec.loader is not None  # it was imported from there
        module = module_from_spec(spec)
        BY_NUMBA.add(name)
        try:
            spec.loader.exec_module(module)
        finally:
            BY_NUMBA.discard(name)
        return cast(Callable[..., Any], getattr(module, self.py_func.__name__))


@dataclass(frozen=True, slots=True)
class CompiledLibrary:
    """A loaded library of kernels.

    Attributes
    ----------
    arguments : mapping
        Arguments of each kernel that it holds, by its full name; see `CompiledKernel`.
    """

    module: ModuleType
    arguments: Mapping[str, Sequence[Any]]


@lru_cache(maxsize=1)
def compiled_library() -> CompiledLibrary | None:
    """Load the library that fits this Python, this processor and these sources; None where there is none."""
    path = library_path(PACKAGE / "compiled")
    try:
        described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        fits = described["sources"] == source_digests(list(described["sources"])) and has(described["needs"])
    except (OSError, ValueError, KeyError, ImportError):
        return None  # nothing was compiled, or NumPy does not tell what this processor has
    if not fits or not path.is_file():
        return None
    spec = spec_from_file_location(LIBRARY, path, loader=ExtensionFileLoader(LIBRARY, str(path)))
    assert spec is not None and spec.loader is not None  # a loader was given
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError:
        return None  # built for another system
    return CompiledLibrary(module, described["arguments"])


def library_path(folder: Path) -> Path:
    """Path of the library for this version of Python and this kind of processor."""
    return folder / f"{LIBRARY}{EXTENSION_SUFFIXES[0]}"


def source_digests(names: Sequence[str]) -> dict[str, str]:
    """SHA-256 of source files by their paths below the package."""
    return {name: hashlib.sha256((PACKAGE / name).read_bytes()).hexdigest() for name in names}


def has(needs: Sequence[str]) -> bool:
    """Whether this processor has certain instructions, named as NumPy names them."""
    # what `numpy.show_runtime` prints
    from numpy._core._multiarray_umath import __cpu_features__  # type: ignore[import-not-found]

    machine, *instructions = needs
    return platform.machine() == machine and all(__cpu_features__.get(each) for each in instructions)
