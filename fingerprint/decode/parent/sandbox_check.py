"""What the decoder's sandbox is on this machine, tried rather than assumed; for `doctor`."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from earwitness.fingerprint.decode.parent.decoder import Decoder, SandboxWarning
from earwitness.fingerprint.decode.parent.sandbox import Sandbox
from earwitness.fingerprint.decode.worker.sandbox_probe import ALLOWED


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """One trial of the sandbox.

    Attributes
    ----------
    sandbox : "bwrap" or "rlimits"
    reason : str or None
        Why bubblewrap is not used, where it was wanted.
    calls_filtered : bool
        Whether the worker filters system calls besides.
    denied : dict
        What was tried in the worker -> the error that stopped it.
    holes : tuple of str
        What was tried and worked; empty is as it should be.
    """

    sandbox: Sandbox
    reason: str | None
    calls_filtered: bool
    denied: dict[str, str]
    holes: tuple[str, ...]


def describe_sandbox(sandbox: Literal["auto", "bwrap", "rlimits"] = "auto") -> SandboxReport:
    """Start a worker and try from inside what must not work.

    Raises
    ------
    SandboxMissing
        No worker can be started.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SandboxWarning)  # the report says it instead
        decoder = Decoder(sandbox=sandbox)
    with decoder, tempfile.TemporaryDirectory() as scratch:
        tried = decoder.probe(home=Path.home(), scratch=Path(scratch))
        return SandboxReport(
            sandbox=decoder.sandbox,
            reason=decoder.reason,
            calls_filtered=decoder.calls_filtered,
            denied={deed: answer for deed, answer in tried.items() if answer != ALLOWED},
            holes=tuple(deed for deed, answer in tried.items() if answer == ALLOWED),
        )
