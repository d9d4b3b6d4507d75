"""Untrusted bytes -> waveform, in a sandboxed process; the only reading of sound in this product."""

from fingerprint.decode.decoder import Decoder, SandboxWarning
from fingerprint.decode.formats import FORMATS, Format
from fingerprint.decode.limits import Limits
from fingerprint.decode.report import SandboxReport, describe_sandbox

__all__ = ["FORMATS", "Decoder", "Format", "Limits", "SandboxReport", "SandboxWarning", "describe_sandbox"]
