"""What can go wrong at the doors: with settings and commands, and with the sources that are read."""

from __future__ import annotations

from earwitness.fingerprint.errors import AudioError, EarwitnessError

# ---- sources: where recordings are, and why one could not be had ---------------------------------------


class SourceError(EarwitnessError):
    """The source as a whole cannot be read; there is nothing to go on with."""

    code = "source"


class SourceNotFound(SourceError):
    """Nothing lies where the source was said to be."""

    code = "source_not_found"

    def __init__(self, *, source: str) -> None:
        self.source = source
        super().__init__(f"{source} does not exist", hint="check the spelling; a relative path starts here")


class NoAudioHere(SourceError):
    """The source was read to its end and holds nothing that is called like audio or starts like it."""

    code = "no_audio_here"

    def __init__(self, *, source: str, passed_over: str, lists: str = "") -> None:
        self.source, self.passed_over = source, passed_over
        super().__init__(
            f"{source} holds no audio ({passed_over or 'it is empty'})",
            hint=f"give the {lists or 'folder, archive or manifest'} that holds or names the audio",
        )


class UnknownFormat(SourceError):
    """The content is no dataset format that a reader knows."""

    code = "unknown_format"

    def __init__(self, *, source: str, readers: tuple[str, ...], looks_like: str | None = None) -> None:
        self.source, self.readers, self.looks_like = source, readers, looks_like
        seems = f" (it looks like {looks_like})" if looks_like else ""
        way_out = "give the files that it stands for, or unpack it" if looks_like else "check what it is"
        super().__init__(
            f"{source} is no dataset format we recognise{seems}",
            hint=f"{way_out}, or name its reader with --reader: {', '.join(readers)}",
        )


class UnknownReader(SourceError):
    """``--reader`` names a reader that does not exist."""

    code = "unknown_reader"

    def __init__(self, *, reader: str, readers: tuple[str, ...]) -> None:
        self.reader, self.readers = reader, readers
        super().__init__(f"there is no reader called {reader}", hint=f"choose from {', '.join(readers)}")


class SourceBroken(SourceError):
    """The format is known, but its frame (directory, footer, header) cannot be read."""

    code = "source_broken"

    def __init__(self, *, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source} cannot be opened ({reason})", hint="fetch or copy it again")


_LARGER = {
    "members": "split the source, or raise EARWITNESS_MAX_MEMBERS if you trust it",
    "its length": "split it, or raise EARWITNESS_MAX_MANIFEST_BYTES if you trust it",
}


class SourceTooLarge(SourceError):
    """The source states more members, bytes or nesting than its cap allows."""

    code = "source_too_large"

    def __init__(self, *, source: str, what: str, limit: str) -> None:
        self.source, self.what, self.limit = source, what, limit
        super().__init__(
            f"{source} exceeds the limit on {what} ({limit})",
            hint=_LARGER.get(what, "split the source, and scan each part"),
        )


class NoAudioColumn(SourceError):
    """A table has no column that holds audio, or not the one that was named."""

    code = "no_audio_column"

    def __init__(
        self, *, source: str, columns: tuple[str, ...], wanted: str | None = None, is_there: bool = False
    ) -> None:
        self.source, self.columns, self.wanted = source, columns, wanted
        shown = ", ".join(name[:80] for name in columns[:20]) or "there are no columns"
        if wanted is None:
            message, hint = "has no audio column we can tell", f"name it with --audio-column: {shown}"
        elif is_there:
            message = f"has a column {wanted[:80]}, but no audio or path that we can read in it"
            hint = f"leave --audio-column out, or name another column: {shown}"
        else:
            message, hint = f"has no column {wanted[:80]}", f"it has: {shown}"
        super().__init__(f"{source} {message}", hint=hint)


class AddressRefused(SourceError):
    """A remote name led to a private, loopback or link-local address, at first or after a redirect."""

    code = "address_refused"

    def __init__(self, *, host: str, address: str) -> None:
        self.host, self.address = host, address
        super().__init__(
            f"{host} leads to {address}, which is not a public address",
            hint="if that machine is yours and meant, allow private addresses",
        )


class RemoteFailed(SourceError):
    """A remote source did not answer as it should."""

    code = "remote_failed"

    def __init__(self, *, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url} could not be read ({reason})", hint="try again, or copy it here first")


class ItemRefused(AudioError):
    """One item of a source is not read, for the reason its subclass names; the rest of the job goes on."""

    code = "item_refused"
    reason = "it is not read"
    way_out = "leave it out, or store its audio as a plain file"

    def __init__(self, *, name: str, detail: str | None = None) -> None:
        self.name, self.detail = name, detail
        super().__init__(f"{name}: {self.reason}" + (f" ({detail})" if detail else ""), hint=self.way_out)


class LinkRefused(ItemRefused):
    """A symbolic or hard link; what it points at may lie anywhere."""

    code = "link_refused"
    reason = "links are not followed"
    way_out = "store the file itself in place of the link"


class DeviceRefused(ItemRefused):
    """A device, pipe or socket."""

    code = "device_refused"
    reason = "it is no regular file"


class NestedArchive(ItemRefused):
    """An archive within the source."""

    code = "nested_archive"
    reason = "archives inside a source are not opened"
    way_out = "scan the inner archive on its own"


class PathEscapes(ItemRefused):
    """A manifest entry whose path lies outside the manifest's own folder."""

    code = "path_escapes"
    reason = "its path leads out of the manifest's folder"
    way_out = "name the folder that holds the audio with --root"


class CommandRefused(ItemRefused):
    """An entry that would have to be run: a pipe, a shell command, a `command` source."""

    code = "command_refused"
    reason = "commands are never run"
    way_out = "run the command yourself and list the file it makes"


class RemoteRefused(ItemRefused):
    """An entry that lies on another machine, where only local files were asked for."""

    code = "remote_refused"
    reason = "it lies elsewhere, and fetching was not asked for"
    way_out = "allow remote items, or copy the audio here first"


class PrivateItem(ItemRefused):
    """An entry whose URL leads to a private, loopback or link-local address."""

    code = "address_refused"
    reason = "it leads to an address that is not public"
    way_out = "if that machine is yours and meant, allow private addresses"


class EncryptedItem(ItemRefused):
    """A member under a password."""

    code = "encrypted"
    reason = "it is encrypted"
    way_out = "store it without a password"


class SparseItem(ItemRefused):
    """A member stored with holes: a few bytes that stand for any number of zeros."""

    code = "sparse_member"
    reason = "sparse members are not read"
    way_out = "pack the archive again without --sparse"


class OverlappingMember(ItemRefused):
    """A zip member that shares its bytes with another: the mark of a bomb."""

    code = "overlapping_member"
    reason = "its bytes are also another member's"
    way_out = "treat the archive as hostile, or pack it again"


class ItemTooLarge(ItemRefused):
    """An item states, or turns out to have, more bytes than its cap."""

    code = "item_too_large"
    reason = "it exceeds the limit on bytes"
    way_out = "split the file, or set EARWITNESS_MAX_ITEM_BYTES higher if you trust the source"


class Bomb(ItemRefused):
    """A few stored bytes that unpack to very many."""

    code = "bomb"
    reason = "it unpacks to far more than it stores"
    way_out = "store it uncompressed, or raise EARWITNESS_MAX_RATIO if you trust the source"


class ItemMissing(ItemRefused):
    """A manifest names a file that is not there."""

    code = "item_missing"
    reason = "the file is not there"
    way_out = "fetch the missing file, or take the entry out of the manifest"


class BadEntry(ItemRefused):
    """A row, line or record that cannot be understood."""

    code = "bad_entry"
    reason = "the entry cannot be understood"
    way_out = "correct the entry"


class ItemUnreadable(ItemRefused):
    """The bytes of an item could not be had: damaged, cut off, or gone."""

    code = "item_unreadable"
    reason = "its bytes could not be read"
    way_out = "fetch or pack the source again"


class SourceCutOff(ItemRefused):
    """The source ends or breaks here: what should follow cannot be listed, so coverage is partial."""

    code = "source_cut_off"
    reason = "the source breaks off here; what follows could not be listed"
    way_out = "fetch or pack the source again"


class StreamMovedOn(ItemRefused):
    """An item of a streamed archive was opened after the next one was asked for."""

    code = "stream_moved_on"
    reason = "a streamed archive has already passed it"
    way_out = "read each item before asking for the next"


class StretchMissing(ItemRefused):
    """A manifest cuts a part out of a file that ends before the part begins."""

    code = "stretch_missing"
    reason = "the file ends before the part that is meant begins"
    way_out = "fetch the whole file, or correct the entry's start"


class NoSound(ItemRefused):
    """An entry of a link list: it names a recording, but there is no audio to listen to."""

    code = "no_sound"
    reason = "the list links to it, but holds no audio"
    way_out = "it is compared by identifier and title only; fetch the audio to compare by sound"


class WorkerDied(ItemRefused):
    """A worker process ended while it had this item, twice; the other items went on."""

    code = "worker_died"
    reason = "the process that heard it ended, twice"
    way_out = "try it again; if that does not help, re-encode the file"


# ---- commands: what was asked for cannot be done --------------------------------------------------------


class CommandError(EarwitnessError):
    """A command cannot be carried out as it was given."""

    code = "command"


class NothingIndexed(CommandError):
    """A check was asked for where no dataset is indexed: that is no answer about any audio."""

    code = "nothing_indexed"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"no dataset is indexed in {home}, so nothing was searched",
            hint="index one first: earwitness index SOURCE --name NAME",
        )


class NothingRegistered(CommandError):
    """A scan was asked for where no work is registered."""

    code = "nothing_registered"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"no work is registered in {home}, so there is nothing to look for",
            hint="register one first: earwitness register FILE",
        )


class NoSuchCollection(CommandError):
    """A collection was named that does not exist."""

    code = "no_such_collection"

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(
            f"there is no collection called {name}", hint=f"choose from {', '.join(known) or '(none yet)'}"
        )


class ScanUnfinished(CommandError):
    """An earlier scan to the same file was cut off, and this one does not say what to do with it."""

    code = "scan_unfinished"

    def __init__(self, *, partial: str) -> None:
        self.partial = partial
        super().__init__(
            f"an unfinished scan lies in {partial}", hint="add --resume to go on, or delete it to begin again"
        )


class ScanChanged(CommandError):
    """A scan cannot be resumed: its findings would come from two different questions."""

    code = "scan_changed"

    def __init__(self, *, partial: str, what: str, was: str, now: str) -> None:
        self.partial, self.what, self.was, self.now = partial, what, was, now
        super().__init__(
            f"the scan in {partial} was begun with another {what} ({was}, now {now})",
            hint="delete it and begin again; findings that still hold are remembered and cost little",
        )


class ScanBusy(CommandError):
    """Another process writes the same findings."""

    code = "scan_busy"

    def __init__(self, *, partial: str) -> None:
        self.partial = partial
        super().__init__(f"another scan is writing {partial}", hint="wait for it, or choose another --out")


class LibraryMoved(CommandError):
    """The library was changed while a scan's workers were starting: they would not all ask the same one."""

    code = "library_moved"

    def __init__(self, *, wanted: int, found: int) -> None:
        self.wanted, self.found = wanted, found
        super().__init__(
            f"the library went from epoch {wanted} to {found} while it was being asked",
            hint="run the command again; findings that still hold are remembered",
        )


class WorkersFail(CommandError):
    """Worker processes end before they begin to work."""

    code = "workers_fail"

    def __init__(self, *, status: int | None) -> None:
        self.status = status
        super().__init__(
            f"worker processes do not start (exit status {status})",
            hint="run `earwitness doctor`; what the worker printed is above",
        )


class NotFindings(CommandError):
    """A file that should hold findings does not."""

    code = "not_findings"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} does not hold findings ({reason})", hint="give a jsonl file that `earwitness scan` wrote"
        )


class BadTable(CommandError):
    """The table given with ``--meta`` cannot be used."""

    code = "bad_table"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be used as a table of works ({reason})",
            hint="give a CSV file with a header row: path, and any of title, owner, isrc",
        )


class CannotWrite(CommandError):
    """An output file cannot be written where it was asked for."""

    code = "cannot_write"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} cannot be written ({reason})", hint="choose another file or folder")
