"""Tests the sandbox of the decode worker on this machine, for `doctor`."""

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
    """Result of a test of the sandbox.

    Attributes
    ----------
    sandbox : "bwrap" or "rlimits"
    reason : str or None
        Why bubblewrap is not used, if it was requested.
    calls_filtered : bool
        Whether the worker also filters system calls.
    denied : dict
        Action tried in the worker -> the error that stopped it.
    holes : tuple of str
        Actions that were not stopped; should be empty.
    """

    sandbox: Sandbox
    reason: str | None
    calls_filtered: bool
    denied: dict[str, str]
    holes: tuple[str, ...]


def describe_sandbox(sandbox: Literal["auto", "bwrap", "rlimits"] = "auto") -> SandboxReport:
    """Start a worker and try forbidden actions in it.

    Raises
    ------
    SandboxMissing
        No worker can be started.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SandboxWarning)  # the report contains it
        decoder = Decoder(sandbox=sandbox)
    with decoder, tempfile.TemporaryDirectory() as scratch:
        results = decoder.probe(home=Path.home(), scratch=Path(scratch))
        return SandboxReport(
            sandbox=decoder.sandbox,
            reason=decoder.reason,
            calls_filtered=decoder.calls_filtered,
            denied={action: result for action, result in results.items() if result != ALLOWED},
            holes=tuple(action for action, result in results.items() if result == ALLOWED),
        )
