"""Errors about the files of a scan: its findings, and those of an unfinished one."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class ScanUnfinished(EarwitnessError):
    """An earlier scan to the same file was cut off, and this one does not say what to do with it."""

    code = "scan_unfinished"

    def __init__(self, *, partial: str) -> None:
        self.partial = partial
        super().__init__(
            f"an unfinished scan lies in {partial}", hint="add --resume to go on, or delete it to begin again"
        )


class ScanChanged(EarwitnessError):
    """A scan cannot be resumed: its findings would come from two different questions."""

    code = "scan_changed"

    def __init__(self, *, partial: str, what: str, was: str, now: str) -> None:
        self.partial, self.what, self.was, self.now = partial, what, was, now
        super().__init__(
            f"the scan in {partial} was begun with another {what} ({was}, now {now})",
            hint="delete it and begin again; findings that still hold are remembered and cost little",
        )


class ScanBusy(EarwitnessError):
    """Another process writes the same findings."""

    code = "scan_busy"

    def __init__(self, *, partial: str) -> None:
        self.partial = partial
        super().__init__(f"another scan is writing {partial}", hint="wait for it, or choose another --out")


class PartialDamaged(EarwitnessError):
    """The file of an unfinished scan is not what was written into it."""

    code = "partial_damaged"

    def __init__(self, *, partial: str, line: int) -> None:
        self.partial, self.line = partial, line
        way_out = "run it again with --resume: it goes on from the findings before that line"
        again = "delete it and begin again; findings that still hold are remembered and cost little"
        said = f"line {line} of {partial} does not have the checksum written with it"
        super().__init__(said, hint=again if line == 1 else way_out)


class NotFindings(EarwitnessError):
    """A file that should hold findings does not."""

    code = "not_findings"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} does not hold findings ({reason})", hint="give a jsonl file that `earwitness scan` wrote"
        )


class CannotWrite(EarwitnessError):
    """An output file cannot be written where it was asked for."""

    code = "cannot_write"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} cannot be written ({reason})", hint="choose another file or folder")
