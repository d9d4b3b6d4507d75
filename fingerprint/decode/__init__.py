"""Decodes untrusted audio files in a sandboxed process."""

from earwitness.fingerprint.decode.formats import FORMATS, Format
from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.parent.decoder import Decoder, SandboxWarning
from earwitness.fingerprint.decode.parent.sandbox_check import (
    SandboxReport,
    describe_sandbox,
)

__all__ = ["FORMATS", "Decoder", "Format", "Limits", "SandboxReport", "SandboxWarning", "describe_sandbox"]
