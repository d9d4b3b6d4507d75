"""Errors of packs."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class PackError(EarwitnessError):
    """A pack cannot be made, read or added."""

    code = "pack"


class PackDamaged(PackError):
    """A pack is not as it was made; nothing of it is used."""

    code = "pack_damaged"

    def __init__(self, *, path: str, part: str, reason: str) -> None:
        self.path, self.part, self.reason = path, part, reason
        super().__init__(
            f"{path} is not as it was made: {part} {reason}",
            hint="get the pack again from where it came; nothing of it was added",
        )


class NotAPack(PackError):
    """The file is no pack."""

    code = "not_a_pack"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} is no pack: {reason}", hint="`earwitness pack make` makes one of a dataset")


class PackTooNew(PackError):
    """A newer program made the pack, in a format that this one does not know."""

    code = "pack_too_new"

    def __init__(self, *, path: str, pack_format: str) -> None:
        self.path, self.pack_format = path, pack_format
        super().__init__(
            f"{path} has the format {pack_format!r}, which this version does not know",
            hint="install a newer earwitness; nothing of the pack was added",
        )


class PackOfOtherScheme(PackError):
    """The fingerprints of the pack are of another scheme than those of the home."""

    code = "pack_other_scheme"

    def __init__(self, *, path: str, scheme: str, home_scheme: str) -> None:
        self.path, self.scheme, self.home_scheme = path, scheme, home_scheme
        super().__init__(
            f"the fingerprints in {path} are of scheme {scheme}, those of this home of {home_scheme}",
            hint="add it to a home of its own with --home, with a version of earwitness of that scheme,"
            " or add it with --without-sound",
        )


class PackNotSigned(PackError):
    """Nobody signed the pack."""

    code = "pack_not_signed"

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is not signed, so nothing shows who made it",
            hint="add it with --unsigned if you trust where it came from",
        )


class PackKeyUnknown(PackError):
    """The pack was signed with a key that is not accepted here."""

    code = "pack_key_unknown"

    def __init__(self, *, path: str, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint
        super().__init__(
            f"{path} was signed with the key {fingerprint}, which is not accepted here",
            hint="compare the fingerprint with the one that the pack's maker publishes, then accept it:"
            f" `earwitness pack keys accept {fingerprint}`",
        )


class PackSignatureWrong(PackError):
    """The signature of the pack does not fit its manifest."""

    code = "pack_signature_wrong"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"the signature of {path} does not fit: {reason}",
            hint="get the pack again from where it came; nothing of it was added",
        )


class PackTooLarge(PackError):
    """A part of the pack would be, or is, larger than a pack can hold."""

    code = "pack_too_large"

    def __init__(self, *, path: str, part: str, limit: str) -> None:
        self.path, self.part = path, part
        super().__init__(
            f"{part} of {path} is larger than {limit}",
            hint="divide the dataset into versions or parts, and make a pack of each",
        )


class PackTooLargeToGet(PackError):
    """The file at an address is longer than a pack can be, or than what is free on the disk."""

    code = "pack_too_large_to_get"

    def __init__(self, *, path: str, limit_bytes: int) -> None:
        self.path, self.limit_bytes = path, limit_bytes
        super().__init__(
            f"{path} is longer than {limit_bytes:,} bytes, which is as much as a pack can have here",
            hint="look whether the address is that of a pack, and free space on the disk; nothing was added",
        )


class NoSuchPack(PackError):
    """No pack of this name was added."""

    code = "no_such_pack"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"no pack of a dataset {name!r} was added to this home",
            hint="`earwitness shelf` lists what is here",
        )


class InstalledPackDamaged(PackError):
    """A pack of the home cannot be read any more, so that nothing can be asked of it."""

    code = "installed_pack_damaged"

    def __init__(self, *, folder: str, key: str, reason: str) -> None:
        self.folder, self.key, self.reason = folder, key, reason
        super().__init__(
            f"the pack in {folder} cannot be read any more: {reason}",
            hint=f"`earwitness pack remove {key}` deletes the folder; then add the pack again",
        )


class NothingToPack(PackError):
    """The dataset holds nothing that a pack could carry."""

    code = "nothing_to_pack"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name} holds no item with a digest or a fingerprint", hint="index the dataset first"
        )


class KeyUnusable(PackError):
    """A signing key cannot be read or written."""

    code = "pack_key_unusable"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be used as a signing key: {reason}",
            hint="make one with `earwitness pack keys create FILE`",
        )
