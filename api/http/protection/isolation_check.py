"""Test of the decoder's sandbox at the server's start."""

from __future__ import annotations

from earwitness.api.http.http_errors import SandboxIncomplete
from earwitness.api.settings import Settings
from earwitness.fingerprint.decode import describe_sandbox


def demand_sandbox(settings: Settings) -> tuple[str, ...]:
    """Test the decoder's sandbox; returns the parts that are missing here.

    Raises
    ------
    SandboxMissing
        No decoder can be started in the sandbox that EARWITNESS_SANDBOX asks for.
    SandboxIncomplete
        A part is missing, and EARWITNESS_REQUIRE_SANDBOX is set.
    """
    report = describe_sandbox(settings.sandbox)
    missing = list[str]()
    if report.sandbox != "bwrap":
        active = "resource limits and the system call filter" if report.calls_filtered else "resource limits"
        why = report.reason or "EARWITNESS_SANDBOX=rlimits"
        missing.append(f"uploads are decoded without bubblewrap ({why}); {active} are active")
    if not report.calls_filtered:
        missing.append("the decoder's system calls are not filtered")
    if report.holes:
        missing.append(f"not denied to the decoder: {', '.join(report.holes)}")
    if missing and settings.require_sandbox:
        raise SandboxIncomplete(missing="; ".join(missing))
    return tuple(missing)
