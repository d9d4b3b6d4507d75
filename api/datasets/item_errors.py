"""Errors about one item of a source: why it is not read; the other items are."""

from __future__ import annotations

from earwitness.fingerprint.errors import AudioError


class ItemRefused(AudioError):
    """One item of a source is not read; the job continues with the others.

    Attributes
    ----------
    reason : str
        Why, of every item of the subclass.
    """

    code = "item_refused"
    reason = "it is not read"
    hint = "leave it out, or store its audio as a plain file"

    def __init__(self, *, name: str, detail: str | None = None) -> None:
        self.name, self.detail = name, detail
        super().__init__(f"{name}: {self.reason}" + (f" ({detail})" if detail else ""), hint=self.hint)


class LinkRefused(ItemRefused):
    """A symbolic or hard link; what it points at may lie anywhere."""

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
    reason = "it is no regular file"


class NestedArchive(ItemRefused):
    """An archive within the source."""

    code = "nested_archive"
    reason = "archives inside a source are not opened"
    hint = "scan the inner archive on its own"


class ClosedArchive(ItemRefused):
    """An archive of a format that no reader opens: 7z, rar, a disk image."""

    code = "closed_archive"
    reason = "archives of this form are not opened"
    hint = "unpack it, or pack it again as zip, tar, tar.gz, tar.bz2, tar.xz or tar.zst"


class PathEscapes(ItemRefused):
    """A manifest entry whose path lies outside the manifest's own folder."""

    code = "path_escapes"
    reason = "its path leads out of the manifest's folder"
    hint = "name the folder that holds the audio with --root"


class CommandRefused(ItemRefused):
    """An entry that would have to be run: a pipe, a shell command, a `command` source."""

    code = "command_refused"
    reason = "commands are never run"
    hint = "run the command yourself and list the file it makes"


class RemoteRefused(ItemRefused):
    """An entry that lies on another machine, where only local files were asked for."""

    code = "remote_refused"
    reason = "it is on another machine, and remote items are not allowed"
    hint = "allow remote items, or copy the audio here first"


class PrivateItem(ItemRefused):
    """An entry whose URL has a private, loopback or link-local address."""

    code = "address_refused"
    reason = "it leads to an address that is not public"
    hint = "if that machine is yours and meant, allow private addresses"


class EncryptedItem(ItemRefused):
    """A member that is encrypted."""

    code = "encrypted"
    reason = "it is encrypted"
    hint = "store it without a password"


class SparseItem(ItemRefused):
    """A sparse member: few stored bytes stand for any number of zeros."""

    code = "sparse_member"
    reason = "sparse members are not read"
    hint = "pack the archive again without --sparse"


class UnknownMethod(ItemRefused):
    """A zip member under a compression that no reader knows."""

    code = "unknown_method"
    reason = "it is compressed in a way that is not read"
    hint = "pack the archive again with Deflate, the usual method"


class OverlappingMember(ItemRefused):
    """A zip member that shares its bytes with another: the mark of a bomb."""

    code = "overlapping_member"
    reason = "its bytes are also another member's"
    hint = "treat the archive as hostile, or pack it again"


class UnlistedData(ItemRefused):
    """Bytes of an archive that belong to no member that it lists: another zip before it, or sound."""

    code = "unlisted_data"
    reason = "it holds more than the members that it lists"
    hint = "take the joined files apart, or pack the archive again (zip -FF)"


class ItemTooLarge(ItemRefused):
    """An item states, or turns out to have, more bytes than its cap."""

    code = "item_too_large"
    reason = "it exceeds the limit on bytes"
    hint = "split the file, or set EARWITNESS_MAX_ITEM_BYTES higher if you trust the source"


class Bomb(ItemRefused):
    """A few stored bytes that unpack to very many."""

    code = "bomb"
    reason = "it unpacks to far more than it stores"
    hint = "store it uncompressed, or raise EARWITNESS_MAX_RATIO if you trust the source"


class ItemMissing(ItemRefused):
    """A manifest names a file that does not exist."""

    code = "item_missing"
    reason = "the file is not there"
    hint = "fetch the missing file, or take the entry out of the manifest"


class MissingTarget(ItemMissing):
    """A link in a folder whose target does not exist."""

    reason = "the link leads to a file that is not there"
    hint = "fetch the file (git annex get, dvc pull, huggingface-cli download), or remove the link"


class BadEntry(ItemRefused):
    """A row, line or record that cannot be understood."""

    code = "bad_entry"
    reason = "the entry cannot be understood"
    hint = "correct the entry"


class AudioInText(ItemRefused):
    """A text that holds audio, as base64 or as samples, which no reader extracts."""

    code = "audio_in_text"
    reason = "it is a text that holds audio, which is not read here"
    hint = "store the audio as plain files; lists (CSV, JSON) in a folder are read"


class ItemUnreadable(ItemRefused):
    """The bytes of an item could not be read: damaged, cut off, or removed."""

    code = "item_unreadable"
    reason = "its bytes could not be read"
    hint = "fetch or pack the source again"


class SourceCutOff(ItemRefused):
    """The source ends early or is damaged here: later items cannot be listed, so coverage is partial."""

    code = "source_cut_off"
    reason = "the source breaks off here; what follows could not be listed"
    hint = "fetch or pack the source again"


class StreamMovedOn(ItemRefused):
    """An item of a streamed archive was opened after the next one was asked for."""

    code = "stream_moved_on"
    reason = "a streamed archive has already passed it"
    hint = "read each item before asking for the next"


class NoSound(ItemRefused):
    """An entry of a link list: it names a recording, but there is no audio to listen to."""

    code = "no_sound"
    reason = "the list links to it, but holds no audio"
    hint = "it is compared by identifier and title only; fetch the audio to compare by sound"
