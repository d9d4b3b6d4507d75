"""Errors of a source: it does not exist, cannot be opened, or has an unknown format."""

from __future__ import annotations

from shlex import quote

from earwitness.fingerprint.errors import EarwitnessError


class SourceError(EarwitnessError):
    """The source cannot be read."""

    code = "source"


class SourceNotFound(SourceError):
    """There is no file or folder at the given path."""

    code = "source_not_found"

    def __init__(self, *, source: str) -> None:
        self.source = source
        super().__init__(f"{source} does not exist", hint="check the spelling; a relative path starts here")


class UnknownScheme(SourceError):
    """A URL whose scheme is not supported."""

    code = "unknown_scheme"

    def __init__(self, *, source: str, scheme: str, schemes: tuple[str, ...]) -> None:
        self.source, self.scheme = source, scheme
        if scheme == "hf":
            hint = (
                "no extra supports it; download it (huggingface-cli download REPOSITORY --repo-type dataset"
                " --local-dir FOLDER) and give the folder"
            )
        else:
            hint = f"copy it here first, or give an address of {', '.join(schemes)}"
        super().__init__(f"{source}: addresses of {scheme}:// are not read", hint=hint)


class MissingExtra(SourceError):
    """A URL whose scheme needs a library that is not installed."""

    code = "missing_extra"

    def __init__(self, *, scheme: str, library: str) -> None:
        self.scheme, self.library = scheme, library
        super().__init__(
            f"{scheme}:// needs {library}, which is not installed",
            hint=f"install the extra: pip install 'earwitness[remote]' (or pip install {library})",
        )


class NoAudioHere(SourceError):
    """The source was read to its end and holds no file with the name or first bytes of audio."""

    code = "no_audio_here"

    def __init__(self, *, source: str, passed_over: str, lists: str = "") -> None:
        self.source, self.passed_over = source, passed_over
        super().__init__(
            f"{source} holds no audio ({passed_over or 'it is empty'})",
            hint=f"give the {lists or 'folder, archive or manifest'} that holds or names the audio",
        )


class UnknownFormat(SourceError):
    """The source has no dataset format that a reader supports."""

    code = "unknown_format"

    def __init__(self, *, source: str, readers: tuple[str, ...], looks_like: str | None = None) -> None:
        self.source, self.readers, self.looks_like = source, readers, looks_like
        appearance = f" (it looks like {looks_like})" if looks_like else ""
        advice = "give the files that it refers to, or unpack it" if looks_like else "check what it is"
        if looks_like == "text":
            asked = f"`earwitness check --catalogue {quote(source)}`"
            advice = f"if it lists works by link or name, use {asked}; else {advice}"
        super().__init__(
            f"{source} is no dataset format we recognise{appearance}",
            hint=f"{advice}, or name its reader with --reader: {', '.join(readers)}",
        )


class UnknownReader(SourceError):
    """``--reader`` names a reader that does not exist."""

    code = "unknown_reader"

    def __init__(self, *, reader: str, readers: tuple[str, ...]) -> None:
        self.reader, self.readers = reader, readers
        super().__init__(f"there is no reader called {reader}", hint=f"choose from {', '.join(readers)}")


class SourceBroken(SourceError):
    """The format is known, but its structure (directory, footer, header) cannot be read."""

    code = "source_broken"

    def __init__(self, *, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source} cannot be opened ({reason})", hint="fetch or copy it again")


_LARGER = {
    "members": "split the source, or raise EARWITNESS_MAX_MEMBERS if you trust it",
    "its length": "split it, or raise EARWITNESS_MAX_MANIFEST_BYTES if you trust it",
}


class SourceTooLarge(SourceError):
    """The source has more members, bytes or nesting than its limit allows."""

    code = "source_too_large"

    def __init__(self, *, source: str, what: str, limit: str) -> None:
        self.source, self.what, self.limit = source, what, limit
        super().__init__(
            f"{source} exceeds the limit on {what} ({limit})",
            hint=_LARGER.get(what, "split the source, and scan each part"),
        )


class NoAudioColumn(SourceError):
    """A table has no column with audio, or not the named one."""

    code = "no_audio_column"

    def __init__(
        self, *, source: str, columns: tuple[str, ...], wanted: str | None = None, is_there: bool = False
    ) -> None:
        self.source, self.columns, self.wanted = source, columns, wanted
        shown = ", ".join(name[:80] for name in columns[:20]) or "there are no columns"
        if wanted is None:
            message, hint = "has no column recognised as audio", f"name it with --audio-column: {shown}"
        elif is_there:
            message = f"has a column {wanted[:80]}, but it holds no audio or path that can be read"
            hint = f"leave --audio-column out, or name another column: {shown}"
        else:
            message, hint = f"has no column {wanted[:80]}", f"it has: {shown}"
        super().__init__(f"{source} {message}", hint=hint)


class AddressRefused(SourceError):
    """A remote host has a private, loopback or link-local address, at first or after a redirect."""

    code = "address_refused"

    def __init__(self, *, host: str, address: str) -> None:
        self.host, self.address = host, address
        super().__init__(
            f"{host} has the address {address}, which is not public",
            hint="if that machine is yours, allow private addresses",
        )


class RemoteFailed(SourceError):
    """A remote source could not be read."""

    code = "remote_failed"

    def __init__(self, *, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url} could not be read ({reason})", hint="try again, or copy it here first")
