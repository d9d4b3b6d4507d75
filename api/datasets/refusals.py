"""Why what lies in a folder or an archive is not read; beside what `api_errors` has for any item."""

from __future__ import annotations

from earwitness.api.api_errors import ItemMissing, ItemRefused, LinkRefused, SourceError


class BadLink(LinkRefused):
    """A link in a folder that leads to nothing that is read."""

    reason = "the link is not followed"
    way_out = "put the file itself in place of the link"


class MissingTarget(ItemMissing):
    """A link in a folder that leads to a file that is not there."""

    reason = "the link leads to a file that is not there"
    way_out = "fetch the file (git annex get, dvc pull, huggingface-cli download), or remove the link"


class ClosedArchive(ItemRefused):
    """An archive of a form that no reader opens: 7z, rar, a disk image."""

    code = "closed_archive"
    reason = "archives of this form are not opened"
    way_out = "unpack it, or pack it again as zip, tar, tar.gz, tar.bz2, tar.xz or tar.zst"


class UnknownMethod(ItemRefused):
    """A zip member under a compression that no reader knows."""

    code = "unknown_method"
    reason = "it is compressed in a way that is not read"
    way_out = "pack the archive again with Deflate, the usual method"


class UnlistedData(ItemRefused):
    """Bytes of an archive that belong to no member that it lists: another zip before it, or sound."""

    code = "unlisted_data"
    reason = "it holds more than the members that it lists"
    way_out = "take the joined files apart, or pack the archive again (zip -FF)"


class AudioInText(ItemRefused):
    """A text that holds audio, as base64 or as samples, where no reader takes it out."""

    code = "audio_in_text"
    reason = "it is a text that holds audio, which is not read here"
    way_out = "store the audio as plain files; lists (CSV, JSON) are read where they lie in a folder"


class MissingExtra(SourceError):
    """An address whose library is not installed."""

    code = "missing_extra"

    def __init__(self, *, scheme: str, library: str) -> None:
        self.scheme, self.library = scheme, library
        super().__init__(
            f"{scheme}:// needs {library}, which is not installed",
            hint=f"install the extra: pip install 'earwitness[remote]' (or pip install {library})",
        )


class UnknownScheme(SourceError):
    """An address of a kind that is not read."""

    code = "unknown_scheme"

    def __init__(self, *, source: str, scheme: str, schemes: tuple[str, ...]) -> None:
        self.source, self.scheme = source, scheme
        if scheme == "hf":
            hint = (
                "no extra reads it; download it (huggingface-cli download REPOSITORY --repo-type dataset"
                " --local-dir FOLDER) and give the folder"
            )
        else:
            hint = f"copy it here first, or give an address of {', '.join(schemes)}"
        super().__init__(f"{source}: addresses of {scheme}:// are not read", hint=hint)
