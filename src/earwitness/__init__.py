"""Tells whether a piece of audio is inside a dataset, with evidence and a stated chance of error.

The names below are the Python interface; ``docs/python.md`` shows how to use them. They are imported when
they are first used, because every worker process and ``earwitness --help`` import this module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from earwitness.api.findings import Finding
    from earwitness.api.python_audio import fingerprint_audio, rows
    from earwitness.api.python_home import Home, open_home
    from earwitness.api.python_store import Indexed, Registered
    from earwitness.fingerprint.errors import EarwitnessError
    from earwitness.fingerprint.types import Fingerprint
    from earwitness.index.match import Effort, Verdict

    __version__: str

__all__ = [
    "EarwitnessError",
    "Effort",
    "Finding",
    "Fingerprint",
    "Home",
    "Indexed",
    "Registered",
    "Verdict",
    "__version__",
    "fingerprint_audio",
    "open_home",
    "rows",
]

_MODULES = {
    "EarwitnessError": "earwitness.fingerprint.errors",
    "Effort": "earwitness.index.match",
    "Finding": "earwitness.api.findings",
    "Fingerprint": "earwitness.fingerprint.types",
    "Home": "earwitness.api.python_home",
    "Indexed": "earwitness.api.python_store",
    "Registered": "earwitness.api.python_store",
    "Verdict": "earwitness.index.match",
    "fingerprint_audio": "earwitness.api.python_audio",
    "open_home": "earwitness.api.python_home",
    "rows": "earwitness.api.python_audio",
}


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("earwitness")
    elif name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module 'earwitness' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
