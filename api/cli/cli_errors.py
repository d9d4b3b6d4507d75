"""Errors of commands: settings, tables, outputs, and what the operating system refuses."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class BadSetting(EarwitnessError):
    """A setting of the environment or an option has a value that cannot be used."""

    code = "bad_setting"

    def __init__(self, *, name: str, value: str | None, reason: str, default: str) -> None:
        self.name, self.reason = name, reason
        given = "" if value is None else f"={value}"
        way_out = f"unset it to take the default ({default})" if default else "unset it"
        super().__init__(f"{name}{given} cannot be used: {reason}", hint=f"correct {name}, or {way_out}")


class BadTable(EarwitnessError):
    """The table given with ``--meta`` cannot be used."""

    code = "bad_table"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be used as a table of works ({reason})",
            hint="give a CSV file with a header row: path, and any of title, owner, isrc",
        )


class OutputExists(EarwitnessError):
    """An output would replace a file, and nobody can be asked."""

    code = "output_exists"

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} exists already; nothing was done", hint="add --force to replace it, or name another file"
        )


class OutputsClash(EarwitnessError):
    """Two outputs were sent to the same place."""

    code = "outputs_clash"

    def __init__(self, *, where: str) -> None:
        self.where = where
        super().__init__(f"two outputs were sent to {where}", hint="give each output a file of its own")


class NotResumable(EarwitnessError):
    """A scan to standard output or a device was asked to go on with an earlier one."""

    code = "not_resumable"

    def __init__(self, *, where: str) -> None:
        self.where = where
        super().__init__(
            f"a scan whose findings go to {where} leaves nothing to go on with",
            hint="give --out a file, or leave --resume out",
        )


class SystemRefuses(EarwitnessError):
    """The operating system refused something: a file, a folder, a disk, an address."""

    code = "system_refuses"

    def __init__(self, *, what: str, reason: str, way_out: str) -> None:
        self.what, self.reason = what, reason
        super().__init__(f"{what} ({reason})", hint=way_out)


class KeptAsItWas(EarwitnessError):
    """A person was asked, and said no (or nobody was there to say anything)."""

    code = "kept"

    def __init__(self, *, what: str, option: str) -> None:
        self.what = what
        super().__init__(f"{what}: nothing was changed", hint=f"answer y, or give {option}")
