"""Errors about the files of a scan: its findings, and its checkpoint."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class ScanUnfinished(EarwitnessError):
    """An earlier scan with the same output was interrupted, and ``--resume`` was not given."""

    code = "scan_unfinished"

    def __init__(self, *, partial: str) -> None:
        self.partial = partial
        super().__init__(
            f"{partial} holds an unfinished scan",
            hint="add --resume to continue, or delete it to start again",
        )


class ScanChanged(EarwitnessError):
    """A scan cannot be resumed, because its source, its options or the works have changed."""

    code = "scan_changed"

    def __init__(self, *, partial: str, what: str, was: str, now: str) -> None:
        self.partial, self.what, self.was, self.now = partial, what, was, now
        super().__init__(
            f"the scan in {partial} was begun with another {what} ({was}, now {now})",
            hint="delete it and start again; findings that are still valid are reused",
        )


class ScanBusy(EarwitnessError):
    """Another process writes the same findings."""

    code = "scan_busy"

    def __init__(self, *, partial: str) -> None:
        self.partial = partial
        super().__init__(f"another scan is writing {partial}", hint="wait for it, or choose another --out")


class PartialDamaged(EarwitnessError):
    """A line of a checkpoint is damaged."""

    code = "partial_damaged"

    def __init__(self, *, partial: str, line: int) -> None:
        self.partial, self.line = partial, line
        resume = "run it again with --resume: it continues after the findings before that line"
        again = "delete it and start again; findings that are still valid are reused"
        message = f"line {line} of {partial} does not have the checksum written with it"
        super().__init__(message, hint=again if line == 1 else resume)


class NotFindings(EarwitnessError):
    """A file that should hold findings does not."""

    code = "not_findings"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} does not hold findings ({reason})", hint="give a jsonl file that `earwitness scan` wrote"
        )


class CannotWrite(EarwitnessError):
    """An output file cannot be written."""

    code = "cannot_write"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} cannot be written ({reason})", hint="choose another file or folder")
