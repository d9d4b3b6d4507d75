"""Errors of evidence files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from earwitness.fingerprint.errors import EarwitnessError

NAMED: Final = 5
"""Fields that an error names; others are counted."""


class NotEvidence(EarwitnessError):
    """The file is no evidence of earwitness, or of a later version."""

    code = "not_evidence"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} is no evidence file ({reason})", hint="give the file that was downloaded, unchanged"
        )


class EvidenceChanged(EarwitnessError):
    """The evidence is not as it was signed; the error names the fields that were changed."""

    code = "evidence_changed"

    def __init__(self, *, path: str, fields: Sequence[str]) -> None:
        self.path, self.fields = path, tuple(fields)
        more = f", and {len(fields) - NAMED:,} more" if len(fields) > NAMED else ""
        super().__init__(
            f"{path} is not as it was signed: {', '.join(fields[:NAMED])}{more}",
            hint="ask whoever gave it to you for the original file",
        )


class EvidenceTooLarge(EarwitnessError):
    """The answer is too long for one evidence file."""

    code = "evidence_too_large"

    def __init__(self, *, n_findings: int, n_bytes: int, limit_bytes: int) -> None:
        self.n_findings, self.n_bytes, self.limit_bytes = n_findings, n_bytes, limit_bytes
        super().__init__(
            f"the evidence of {n_findings:,} recordings takes {n_bytes:,} bytes, and a file of it may have"
            f" {limit_bytes:,}",
            hint="ask about fewer recordings at a time, each time with an evidence file of its own",
        )


class EvidenceOfAnotherKey(EarwitnessError):
    """The evidence is intact, and was signed with another key than the one that was expected."""

    code = "evidence_of_another_key"

    def __init__(self, *, path: str, signer: str, expected: str) -> None:
        self.path, self.signer, self.expected = path, signer, expected
        super().__init__(
            f"{path} was signed with the key {signer}, not with {expected}",
            hint="compare the fingerprint with the one that its owner states: `earwitness evidence key`",
        )


class NoPdfLibrary(EarwitnessError):
    """What writes PDF files is not installed."""

    code = "no_pdf_library"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"no PDF can be written here ({reason})",
            hint="install the extra `earwitness[pdf]` and Pango (Debian's libpango-1.0-0, libpangoft2-1.0-0),"
            " or write HTML (--out FILE.html) and print it from a browser",
        )


class NoEvidence(EarwitnessError):
    """There is no evidence of a job: it has no answer yet, is no check, or its evidence was deleted."""

    code = "no_evidence"

    def __init__(self, *, job: str) -> None:
        self.job = job
        super().__init__(
            f"there is no evidence of job {job}",
            hint="wait until the check is done, or ask again: evidence is kept for a limited time",
        )
