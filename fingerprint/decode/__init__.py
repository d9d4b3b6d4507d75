"""Decodes untrusted audio files in a sandboxed process.

The public names are imported on first use: the worker imports this package too, and needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from earwitness.fingerprint.decode.formats import FORMATS, Format
    from earwitness.fingerprint.decode.limits import Limits
    from earwitness.fingerprint.decode.parent.decoder import Decoder, SandboxWarning
    from earwitness.fingerprint.decode.parent.sandbox_check import SandboxReport, describe_sandbox

_MODULES: Final = {
    "formats": ("FORMATS", "Format"),
    "limits": ("Limits",),
    "parent.decoder": ("Decoder", "SandboxWarning"),
    "parent.sandbox_check": ("SandboxReport", "describe_sandbox"),
}

__all__ = ["FORMATS", "Decoder", "Format", "Limits", "SandboxReport", "SandboxWarning", "describe_sandbox"]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
