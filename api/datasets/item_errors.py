"""Errors of single items of a source; the other items are read."""

from __future__ import annotations

from earwitness.fingerprint.errors import AudioError


class ItemRefused(AudioError):
    """An item of a source is not read; the job continues with the others.

    Attributes
    ----------
    reason : str
        Why items of this class are not read.
    """

    code = "item_refused"
    reason = "it is not read"
    hint = "leave it out, or store its audio as a plain file"

    def __init__(self, *, name: str, detail: str | None = None) -> None:
        self.name, self.detail = name, detail
        super().__init__(f"{name}: {self.reason}" + (f" ({detail})" if detail else ""), hint=self.hint)


class LinkRefused(ItemRefused):
    """A symbolic or hard link in an archive; its target may be any file."""

    code = "link_refused"
    reason = "links are not followed"
    hint = "store the file itself in place of the link"


class BadLink(LinkRefused):
    """A link in a folder whose target is not read."""

    reason = "the link is not followed"
    hint = "put the file itself in place of the link"


class DeviceRefused(ItemRefused):
    """A device, pipe or socket."""

    code = "device_refused"
    reason = "it is not a regular file"


class NestedArchive(ItemRefused):
    """An archive within the source."""

    code = "nested_archive"
    reason = "archives inside a source are not opened"
    hint = "scan the inner archive on its own"


class ClosedArchive(ItemRefused):
    """An archive of a format that is not supported: 7z, rar, a disk image."""

    code = "closed_archive"
    reason = "archives of this format are not opened"
    hint = "unpack it, or pack it again as zip, tar, tar.gz, tar.bz2, tar.xz or tar.zst"


class PathEscapes(ItemRefused):
    """A manifest entry whose path is outside the folder of the manifest."""

    code = "path_escapes"
    reason = "its path is outside the manifest's folder"
    hint = "name the folder that holds the audio with --root"


class CommandRefused(ItemRefused):
    """A manifest entry that is a command: a pipe, a shell command, a `command` source."""

    code = "command_refused"
    reason = "commands are never run"
    hint = "run the command yourself and list the file it makes"


class RemoteRefused(ItemRefused):
    """An item on another machine; remote items are not allowed."""

    code = "remote_refused"
    reason = "it is on another machine, and remote items are not allowed"
    hint = "allow remote items, or copy the audio here first"


class PrivateItem(ItemRefused):
    """An item whose URL has a private, loopback or link-local address."""

    code = "address_refused"
    reason = "its address is not public"
    hint = "if that machine is yours, allow private addresses"


class EncryptedItem(ItemRefused):
    """A member that is encrypted."""

    code = "encrypted"
    reason = "it is encrypted"
    hint = "store it without a password"


class SparseItem(ItemRefused):
    """A sparse member: few stored bytes represent any number of zeros."""

    code = "sparse_member"
    reason = "sparse members are not read"
    hint = "pack the archive again without --sparse"


class UnknownMethod(ItemRefused):
    """A zip member with a compression method that is not supported."""

    code = "unknown_method"
    reason = "its compression method is not supported"
    hint = "pack the archive again with Deflate, the usual method"


class OverlappingMember(ItemRefused):
    """A zip member that shares bytes with another member, as in decompression bombs."""

    code = "overlapping_member"
    reason = "its bytes are also another member's"
    hint = "do not trust the archive, or pack it again"


class UnlistedData(ItemRefused):
    """Bytes of an archive that belong to no listed member, such as a second zip before it."""

    code = "unlisted_data"
    reason = "it holds more than the members that it lists"
    hint = "take the joined files apart, or pack the archive again (zip -FF)"


class ItemTooLarge(ItemRefused):
    """An item has, or declares, more bytes than the limit."""

    code = "item_too_large"
    reason = "it exceeds the limit on bytes"
    hint = "split the file, or set EARWITNESS_MAX_ITEM_BYTES higher if you trust the source"


class Bomb(ItemRefused):
    """An item that unpacks to far more bytes than it stores."""

    code = "bomb"
    reason = "it unpacks to far more than it stores"
    hint = "store it uncompressed, or raise EARWITNESS_MAX_RATIO if you trust the source"


class ItemMissing(ItemRefused):
    """A manifest names a file that does not exist."""

    code = "item_missing"
    reason = "the file does not exist"
    hint = "fetch the missing file, or take the entry out of the manifest"


class MissingTarget(ItemMissing):
    """A link in a folder whose target does not exist."""

    reason = "the target of the link does not exist"
    hint = "fetch the file (git annex get, dvc pull, huggingface-cli download), or remove the link"


class BadEntry(ItemRefused):
    """A row, line or record that cannot be understood."""

    code = "bad_entry"
    reason = "the entry cannot be understood"
    hint = "correct the entry"


class AudioInText(ItemRefused):
    """A text file that holds audio as base64 or as samples; this is not supported."""

    code = "audio_in_text"
    reason = "it is a text file that holds audio, which is not read"
    hint = "store the audio as plain files; lists (CSV, JSON) in a folder are read"


class ItemUnreadable(ItemRefused):
    """The bytes of an item could not be read: they are damaged, truncated or removed."""

    code = "item_unreadable"
    reason = "its bytes could not be read"
    hint = "fetch or pack the source again"


class SourceCutOff(ItemRefused):
    """The source ends early or is damaged; later items cannot be listed, so coverage is partial."""

    code = "source_cut_off"
    reason = "the source ends early or is damaged here; later items could not be listed"
    hint = "fetch or pack the source again"


class StreamMovedOn(ItemRefused):
    """An item of a streamed archive was opened after the next item was requested."""

    code = "stream_moved_on"
    reason = "the streamed archive is already past it"
    hint = "read each item before requesting the next"


class NoSound(ItemRefused):
    """An entry of a link list: it names a recording, but holds no audio."""

    code = "no_sound"
    reason = "the list links to it, but holds no audio"
    hint = "it is compared by identifier and title only; fetch the audio to compare by sound"
