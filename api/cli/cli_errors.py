"""Errors of the command line: settings, outputs, and errors of the operating system."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class BadSetting(EarwitnessError):
    """A setting of the environment or an option has a value that cannot be used."""

    code = "bad_setting"

    def __init__(self, *, name: str, value: str | None, reason: str, default: str) -> None:
        self.name, self.reason = name, reason
        given = "" if value is None else f"={value}"
        unset = f"unset it to use the default ({default})" if default else "unset it"
        super().__init__(f"{name}{given} cannot be used: {reason}", hint=f"correct {name}, or {unset}")


class BadTable(EarwitnessError):
    """The table of ``--meta`` cannot be used."""

    code = "bad_table"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be used as a table of works ({reason})",
            hint="give a CSV file with a header row: path, and any of title, artist, album, owner, isrc",
        )


class OutputExists(EarwitnessError):
    """An output would replace a file, and the user cannot be asked."""

    code = "output_exists"

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} exists already; nothing was done", hint="add --force to replace it, or name another file"
        )


class OutputsClash(EarwitnessError):
    """Two outputs have the same destination."""

    code = "outputs_clash"

    def __init__(self, *, where: str) -> None:
        self.where = where
        super().__init__(f"two outputs were sent to {where}", hint="give each output a file of its own")


class NotResumable(EarwitnessError):
    """``--resume`` was given for a scan whose findings go to standard output or a device."""

    code = "not_resumable"

    def __init__(self, *, where: str) -> None:
        self.where = where
        super().__init__(
            f"a scan whose findings go to {where} cannot be resumed",
            hint="give --out a file, or leave out --resume",
        )


class SystemRefuses(EarwitnessError):
    """The operating system refused an operation on a file, a folder, a disk or an address."""

    code = "system_refuses"

    def __init__(self, *, what: str, reason: str, hint: str) -> None:
        self.what, self.reason = what, reason
        super().__init__(f"{what} ({reason})", hint=hint)


class NothingChanged(EarwitnessError):
    """The user did not confirm a change, or could not be asked."""

    code = "kept"

    def __init__(self, *, what: str, option: str) -> None:
        self.what = what
        super().__init__(f"{what}: nothing was changed", hint=f"answer y, or give {option}")
