"""Opens a source: detects its format from the content and returns its reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from earwitness.api.datasets.access.locations import Listing, Location, local_location, walk
from earwitness.api.datasets.access.remote import (
    Guard,
    Remote,
    RemoteRoot,
    check_scheme,
    is_remote,
)
from earwitness.api.datasets.access.unpack import compression_of
from earwitness.api.datasets.appearance import appearance
from earwitness.api.datasets.archives.single_file import FileReader, PackedReader
from earwitness.api.datasets.archives.tars import TarReader
from earwitness.api.datasets.archives.webdataset import WebDatasetReader
from earwitness.api.datasets.archives.zips import ZipReader
from earwitness.api.datasets.detect_format import (
    TAR_ENDINGS,
    check_closed,
    detect_file_format,
    detect_folder_format,
)
from earwitness.api.datasets.entries.resolve_path import LocalRoot, Resolver, is_command
from earwitness.api.datasets.file_kinds import lists_among, passed_over_words
from earwitness.api.datasets.isolated.guarded_lookup import GuardedResolver
from earwitness.api.datasets.isolated.plain_folders import is_plain
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.item_errors import CommandRefused
from earwitness.api.datasets.items import Manifest, Reader, SourceLimits
from earwitness.api.datasets.manifests.croissant import CroissantReader
from earwitness.api.datasets.manifests.cue_sheet import CueReader
from earwitness.api.datasets.manifests.kaldi import KaldiReader
from earwitness.api.datasets.manifests.lhotse import LhotseReader
from earwitness.api.datasets.manifests.manifest import ManifestReader
from earwitness.api.datasets.mixed_folder import Lead, MixedManifest, MixedReader
from earwitness.api.datasets.names import HEAD_BYTES, label, suffix
from earwitness.api.datasets.shard_patterns import expand, is_pattern
from earwitness.api.datasets.source_errors import (
    NoAudioHere,
    SourceBroken,
    SourceNotFound,
    UnknownFormat,
    UnknownReader,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A located source and the options of its reading.

    Attributes
    ----------
    places : sequence of Location
        The file, or the files of a shard pattern; empty for a folder.
    listing : callable or None
        Lists the folder: the source itself, or the folder of its file.
    root : Path or None
        That folder, where it is a local one.
    resolver : Resolver
        Locates the files that entries name.
    declared : tuple of str
        Columns that a description declares as audio.
    """

    source: str
    places: Sequence[Location]
    listing: Listing
    root: Path | None = None
    resolver: Resolver
    audio_column: str | None
    limits: SourceLimits
    declared: tuple[str, ...] = ()

    def file(self) -> Location:
        """The one file; `UnknownFormat` when the source is a folder."""
        if len(self.places) != 1:
            raise UnknownFormat(source=self.source, readers=tuple(READERS))
        return self.places[0]

    def shards(self, *endings: str) -> Sequence[Location]:
        """The files of the pattern, the one file, or those of the folder with these endings."""
        files = self.places or [
            place
            for place in self.listing()
            if isinstance(place, Location) and place.name.lower().endswith(endings)
        ]
        if not files:
            raise NoAudioHere(source=self.source, passed_over="no file of this kind")
        return files

    def beside(self, name: str) -> Location | None:
        """The file of this name at the top of the folder; None when there is none."""
        files = (place for place in self.listing() if isinstance(place, Location) and place.name == name)
        return next(files, None)


def _kaldi(opening: Opening) -> Reader:
    wav_scp = opening.places[0] if opening.places else opening.beside("wav.scp")
    if wav_scp is None:
        raise SourceNotFound(source=f"{opening.source}/wav.scp")
    segments = opening.beside("segments")
    return KaldiReader(wav_scp, segments, resolver=opening.resolver, limits=opening.limits)


def _manifest(kind: str, opening: Opening) -> Reader:
    return ManifestReader(
        opening.file(),
        kind=kind,
        resolver=opening.resolver,
        # several declared columns are each detected as columns that name audio
        path_column=opening.audio_column or (opening.declared[0] if len(opening.declared) == 1 else None),
        limits=opening.limits,
    )


def _tar(packing: str, opening: Opening) -> Reader:
    return TarReader(opening.file(), packing=packing, limits=opening.limits)


def _parquet(opening: Opening) -> Reader:
    from earwitness.api.datasets.tables.parquet import ParquetReader  # loads numpy

    return ParquetReader(
        opening.shards(".parquet"),
        resolver=opening.resolver,
        wanted=opening.audio_column,
        limits=opening.limits,
        declared=opening.declared,
    )


def _arrow(opening: Opening) -> Reader:
    from earwitness.api.datasets.tables.arrow import ArrowReader  # loads numpy

    return ArrowReader(
        opening.shards(".arrow"),
        resolver=opening.resolver,
        wanted=opening.audio_column,
        limits=opening.limits,
        declared=opening.declared,
    )


def _webdataset(opening: Opening) -> Reader:
    return WebDatasetReader(opening.shards(*TAR_ENDINGS), limits=opening.limits)


def _croissant(opening: Opening) -> Reader:
    def nested(place: Location, columns: tuple[str, ...]) -> Reader:
        inner = replace(opening, source=place.name, places=(place,), audio_column=None, declared=columns)
        name = detect_file_format(place, limits=opening.limits)
        if name is None or name == "croissant":
            raise UnknownFormat(source=place.name, readers=tuple(READERS))
        return READERS[name](inner)

    return CroissantReader(
        opening.file(),
        resolver=opening.resolver,
        listing=opening.listing,
        nested=nested,
        limits=opening.limits,
    )


def _warc(opening: Opening) -> Reader:
    from earwitness.api.datasets.archives.warc import WarcReader  # warcio is slow to import

    return WarcReader(opening.file(), limits=opening.limits)


def _packed(place: Location, *, limits: SourceLimits) -> Reader:
    compression = compression_of(place.head(HEAD_BYTES))
    if compression is None:
        raise SourceBroken(source=place.name, reason="it is not gzip, bzip2, xz or zstandard")
    return PackedReader(place, compression=compression, limits=limits)


READERS: Final[dict[str, Callable[[Opening], Reader]]] = {
    "folder": lambda opening: _folder(opening, lead=None),
    "file": lambda opening: FileReader(opening.file(), limits=opening.limits),
    "zip": lambda opening: ZipReader(opening.file(), limits=opening.limits),
    "tar": partial(_tar, "tar"),
    "tar.gz": partial(_tar, "tar.gz"),
    "tar.bz2": partial(_tar, "tar.bz2"),
    "tar.xz": partial(_tar, "tar.xz"),
    "tar.zst": partial(_tar, "tar.zst"),
    "packed": lambda opening: _packed(opening.file(), limits=opening.limits),
    "webdataset": _webdataset,
    "parquet": _parquet,
    "arrow": _arrow,
    "csv": partial(_manifest, "csv"),
    "tsv": partial(_manifest, "tsv"),
    "jsonl": partial(_manifest, "jsonl"),
    "json": partial(_manifest, "json"),
    "list": partial(_manifest, "list"),
    "cue": lambda opening: CueReader(opening.file(), resolver=opening.resolver, limits=opening.limits),
    "croissant": _croissant,
    "kaldi": _kaldi,
    "lhotse": lambda opening: LhotseReader(opening.file(), resolver=opening.resolver, limits=opening.limits),
    "warc": _warc,
}
"""Every reader by its name in ``--reader`` and in the output."""


_LIST_READERS: Final = frozenset({"csv", "tsv", "jsonl", "json", "lhotse"})
_NESTED: Final = frozenset({
    "zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "packed", "webdataset", "parquet", "arrow",
    "warc",
})  # fmt: skip
"""Formats that are read inside a folder. A list in a folder is not: the files that it names are items."""


def _inside(opening: Opening, place: Location) -> Opening:
    return replace(opening, source=place.name, places=(place,))


def _folder(opening: Opening, *, lead: str | None) -> Reader:
    """Make the reader of a folder; ``lead`` names the reader of its main format, if it has one."""
    if opening.places:
        raise UnknownFormat(source=opening.source, readers=tuple(READERS))

    def nested(place: Location, *, lists: bool = False) -> Reader | None:
        name = detect_file_format(place, limits=opening.limits) or ""
        if lists:
            return READERS[name](_inside(opening, place)) if name in _LIST_READERS else None
        if name not in _NESTED:
            check_closed(place, limits=opening.limits)
            return None
        return READERS[name](_inside(opening, place))

    first = None
    if lead is not None:
        reader = READERS[lead](opening)
        first = Lead(reader=reader, names=frozenset({*reader.shards, *_LISTS.get(lead, ())}))
    kind = MixedManifest if first is not None and isinstance(first.reader, Manifest) else MixedReader
    return kind(opening.listing, nested=nested, lead=first, root=opening.root, limits=opening.limits)


_LISTS: Final = {"kaldi": ("wav.scp", "segments")}
"""Files of a folder that the reader of its main format reads."""


def guard_entries(opening: Opening) -> Opening:
    """The same source; an exception over an entry becomes the entry's error."""
    return replace(opening, resolver=GuardedResolver(inner=opening.resolver))


def open_source(
    source: str | Path,
    *,
    reader: str | None = None,
    audio_column: str | None = None,
    limits: SourceLimits | None = None,
    allow_remote: bool | None = None,
    allow_private: bool = False,
    root: str | Path | None = None,
) -> Reader:
    """Open a folder, archive, table, manifest or shard pattern, by the format of its content.

    Anything but plain audio files is read by a process of its own: see `earwitness.api.datasets.isolated`.

    Parameters
    ----------
    source : str or Path
        A local path, a URL (s3, gs, http, https), or a pattern such as ``train-{0000..0009}.tar``.
    reader : str, optional
        Name in `READERS`; replaces the detected one.
    audio_column : str, optional
        Column of a table or manifest that holds the audio or its path.
    allow_remote : bool, optional
        Whether entries of a local manifest may be fetched from URLs; a remote source's always may.
    allow_private : bool
        Whether private, loopback and link-local addresses may be connected to.
    root : str or Path, optional
        Folder (or URL) that holds what a manifest names, where that is not the manifest's own folder; entries
        are located there first, and absolute paths and paths with ``..`` may lead there.

    Raises
    ------
    SourceNotFound, UnknownFormat, UnknownReader, NoAudioHere, NoAudioColumn, SourceBroken, SourceTooLarge,
    AddressRefused, RemoteFailed, CommandRefused, SourceReaderFailed
    """
    if reader is not None and reader not in READERS:
        raise UnknownReader(reader=label(reader), readers=tuple(READERS))
    options = {
        "reader": reader,
        "audio_column": audio_column,
        "allow_remote": allow_remote,
        "allow_private": allow_private,
        "root": None if root is None else str(root),
    }
    request = Request(source=str(source), limits=limits or SourceLimits(), options=options)
    if is_plain(request.source, reader):
        return open_here(request)
    from earwitness.api.datasets.isolated.isolated_reader import open_isolated  # only the parent needs it

    return open_isolated(request)


def open_here(request: Request, *, wrap: Callable[[Opening], Opening] = guard_entries) -> Reader:
    """Open a source in this process, which dies if a library crashes while it reads.

    Parameters
    ----------
    wrap : callable
        Applied to the located source before it is read.
    """
    opening, name = located(request, wrap=wrap)
    opened = READERS[name](opening) if opening.places or name == "folder" else _folder(opening, lead=name)
    if next(iter(opened), None) is None:
        kinds = opened.passed_over
        passed_over = "; ".join(passed_over_words(kinds))
        raise NoAudioHere(source=opening.source, passed_over=passed_over, lists=lists_among(kinds))
    return opened


def located(request: Request, *, wrap: Callable[[Opening], Opening] = guard_entries) -> tuple[Opening, str]:
    """Locate a source, and name the reader of its format; parameters and errors are those of `open_here`."""
    options = request.options
    opening = wrap(
        _locate(
            request.source,
            remote=Remote(Guard(allow_private=bool(options.get("allow_private")))),
            allow_remote=bool(options.get("allow_remote")),
            audio_column=options.get("audio_column"),
            limits=request.limits,
            root=options.get("root"),
        )
    )
    return opening, options.get("reader") or _detect(opening)


def _locate(
    source: str,
    *,
    remote: Remote,
    allow_remote: bool,
    audio_column: str | None,
    limits: SourceLimits,
    root: str | None,
) -> Opening:
    if is_command(source):
        raise CommandRefused(name=label(source))
    sources = expand(source) if is_pattern(source) and not Path(source).exists() else [source]
    make = partial(Opening, source=label(source), audio_column=audio_column, limits=limits)
    if not Path(source).exists():
        check_scheme(source)
    if is_remote(source):
        return _locate_remote(sources, remote, make, root=root)
    first = _existing(sources[0])
    # a manifest that is a link, as in the Hugging Face cache, has its audio beside the link
    below = first if first.is_dir() else Path(sources[0]).absolute().parent.resolve()
    resolver: Resolver = LocalRoot(
        root=below,
        named=None if root is None or is_remote(root) else _existing_folder(root),
        fetch=remote.item if allow_remote else None,
    )
    if root is not None and is_remote(root):
        resolver = RemoteRoot(remote=remote, base=root.rstrip("/") + "/")
    return make(
        places=() if first.is_dir() else [local_location(Path(name)) for name in sources],
        listing=partial(walk, below),
        root=below,
        resolver=resolver,
    )


def _existing_folder(root: str) -> Path:
    folder = _existing(root)
    if not folder.is_dir():
        raise SourceNotFound(source=f"{label(root)}/")
    return folder


def _existing(source: str) -> Path:
    # only the named path itself may be a link
    path = Path(source)
    if "\0" in source or not path.exists():
        raise SourceNotFound(source=label(source))
    return path.resolve()


def _locate_remote(
    sources: Sequence[str], remote: Remote, make: Callable[..., Opening], *, root: str | None
) -> Opening:
    first = sources[0]
    folder = first if remote.is_folder(first) else first.rpartition("/")[0]
    base = folder.rstrip("/") + "/"
    return make(
        places=() if folder == first else [remote.place(url) for url in sources],
        listing=remote.listing(base),
        resolver=RemoteRoot(remote=remote, base=base if root is None else root.rstrip("/") + "/"),
    )


def _detect(opening: Opening) -> str:
    if not opening.places:
        return detect_folder_format(opening.listing)
    if len(opening.places) > 1:
        ending = suffix(opening.places[0].name)
        return {".parquet": "parquet", ".arrow": "arrow"}.get(ending, "webdataset")
    name = detect_file_format(opening.file(), limits=opening.limits)
    if name is None:
        looks_like = appearance(opening.file())
        raise UnknownFormat(source=opening.source, readers=tuple(READERS), looks_like=looks_like)
    return name
