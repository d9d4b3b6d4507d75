"""The Python interface: a home to register, index, check and scan with; see ``docs/python.md``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from earwitness.api.datasets.items import Reader, Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source
from earwitness.api.finding_json import read_lines
from earwitness.api.findings import Finding
from earwitness.api.pipeline.enroll import Label
from earwitness.api.pipeline.item_processor import ItemProcessor
from earwitness.api.pipeline.run_spec import ItemResult, refused_result
from earwitness.api.pipeline.search_item import ItemDecoder
from earwitness.api.pipeline.searched_collections import check_spec, open_library, read_summary
from earwitness.api.python_audio import Audio, PathLike, is_path, single_item
from earwitness.api.python_store import Indexed, Registered, index_dataset, register_files
from earwitness.api.scan.run_scan import Plan, scan
from earwitness.api.settings import Settings
from earwitness.index.database.records import Collection
from earwitness.index.library import Library
from earwitness.index.match import Effort
from earwitness.index.writer import Writer


class Home:
    """A folder of fingerprints; make it with `open_home`. For one thread at a time.

    The decode worker and the opened index are kept between calls until `close`, which the end of a ``with``
    block calls.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._library: Library | None = None
        self._decoder: ItemDecoder | None = None

    def __repr__(self) -> str:
        return f"earwitness.open_home({str(self.path)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the decode worker and close the index; the home can be used again afterwards."""
        decoder, self._decoder = self._decoder, None
        library, self._library = self._library, None
        if decoder is not None:
            decoder.close()
        if library is not None:
            library.close()

    @property
    def path(self) -> Path:
        """The folder."""
        return self._settings.home

    @property
    def collections(self) -> tuple[Collection, ...]:
        """The registered works (one collection of the kind "works") and the indexed datasets.

        Raises
        ------
        HomeMissing
            When nothing was ever stored in this home.
        """
        return read_summary(self._settings).collections

    def register(
        self,
        paths: PathLike | Sequence[PathLike],
        *,
        title: str | None = None,
        artist: str | None = None,
        album: str | None = None,
        owner: str | None = None,
        isrc: str | None = None,
        effort: str = "standard",
        watch: bool = False,
    ) -> list[Registered]:
        """Register audio files as works, and check each against the indexed datasets.

        Parameters
        ----------
        paths : path or sequence of paths
            Audio files, or folders of them.
        title, artist, album, owner, isrc : str, optional
            Metadata of every work. The tags of a file give what is left out; there is no tag for the owner.
        effort : {"fast", "standard", "full"}
            Which variants of a work the check searches.
        watch : bool
            Whether each dataset that is indexed or added from now on is asked about the works (see
            ``docs/guide-watch.md``).

        Returns
        -------
        list of Registered
            One for each file. Silence, noise, tones and less than 15 s of active audio are refused.

        Raises
        ------
        HomeBusy
            When another process writes this home.
        """
        with self._writer() as writer:
            label = Label(title=title, artist=artist, album=album, owner=owner, isrc=isrc)
            return register_files(
                [paths] if isinstance(paths, str | os.PathLike) else paths,
                writer=writer,
                settings=self._settings,
                effort=Effort(effort),
                label=label,
                watched=watch,
            )

    def index(
        self,
        source: PathLike,
        name: str,
        *,
        version: str = "1",
        effort: str = "standard",
        reader: str | None = None,
        audio_column: str | None = None,
        root: PathLike | None = None,
        allow_remote: bool = False,
    ) -> Indexed:
        """Index a source as a dataset, and search each of its items for the registered works.

        An item is stored before the next ones are read: after an interruption, the same call adds the rest.

        Parameters
        ----------
        source : path or URL
            A folder, archive, table or manifest.
        name, version : str
            What the dataset is called.
        effort : {"fast", "standard", "full"}
            Which variants of an item are searched.
        reader, audio_column, root, allow_remote
            As for `earwitness.api.datasets.open_source.open_source`.

        Raises
        ------
        SourceError
            When the source cannot be opened; its subclass says why.
        HomeBusy
            When another process writes this home.
        """
        items = self._open_source(source, reader, audio_column, root, allow_remote)
        with self._writer() as writer:
            return index_dataset(
                items,
                name=name,
                version=version,
                writer=writer,
                settings=self._settings,
                effort=Effort(effort),
            )

    def check(
        self,
        audio: Audio,
        *,
        rate_hz: float | None = None,
        name: str = "array",
        datasets: str | Sequence[str] | None = None,
        effort: str = "standard",
    ) -> Finding:
        """Search the indexed datasets for one piece of audio.

        Parameters
        ----------
        audio : path, or array of shape (n_samples,) or (n_channels, n_samples)
            One audio file, or samples: float with full scale +-1, int16 or int32.
        rate_hz : float
            Sample rate of an array in Hz. For files it must be left out.
        name : str
            The item's id in the finding of an array.
        datasets : str or sequence of str, optional
            ``NAME`` or ``NAME:VERSION`` of the datasets to search; all of them by default.
        effort : {"fast", "standard", "full"}
            Which variants of the audio are searched.

        Returns
        -------
        Finding
            A file that cannot be decoded has the verdict "not_readable", and `error` says why.

        Raises
        ------
        NothingIndexed, HomeMissing
            When no dataset is indexed: that would be no answer about the audio.
        NoSuchCollection
            When one of `datasets` does not exist.
        SourceError
            When there is no such file, or it has no audio format.
        TypeError, ValueError
            When the array, its rate or another argument cannot be used.
        """
        names = _dataset_names(datasets)
        library = self._opened_library()
        spec = check_spec(self._settings, library, names=names, effort=Effort(effort))
        decoder = self._opened_decoder(library.scheme)
        processor = ItemProcessor(spec, library, decoder)
        result: ItemResult
        if is_path(audio, rate_hz):
            item = single_item(audio, self._settings)
            result = refused_result(spec, item) if isinstance(item, Skipped) else processor.process(item)
        else:
            item = SourceItem(item_id=name, path=name, open=None)
            decoded = decoder.decode_array(item, np.asarray(audio), rate_hz=rate_hz or 0.0)
            result = processor.process_decoded(item, decoded)
        assert result.finding is not None  # a check always searches
        return result.finding

    def scan(
        self,
        source: PathLike,
        *,
        datasets: str | Sequence[str] | None = None,
        effort: str = "full",
        reader: str | None = None,
        audio_column: str | None = None,
        root: PathLike | None = None,
        allow_remote: bool = False,
        on_finding: Callable[[Finding], None] = lambda _: None,
    ) -> Iterator[Finding]:
        """Search every item of a source for the registered works, or for the items of datasets.

        The scan is finished when this returns, because a match depends on the number of items scanned.
        Findings of an interrupted scan are remembered: the same call searches the rest.

        Parameters
        ----------
        source : path or URL
            A folder, archive, table or manifest.
        datasets : str or sequence of str, optional
            ``NAME`` or ``NAME:VERSION`` of the datasets to search in place of the works.
        effort : {"fast", "standard", "full"}
            Which variants of an item are searched.
        reader, audio_column, root, allow_remote
            As for `earwitness.api.datasets.open_source.open_source`.
        on_finding : callable, optional
            Called with each finding as it comes, such as for a progress bar. Its verdict is preliminary.

        Returns
        -------
        iterator of Finding
            One for each item, unreadable items included, in the source's order.

        Raises
        ------
        NothingRegistered, NothingIndexed, NoSuchCollection, HomeMissing
            When no work is registered, or a dataset of `datasets` does not exist.
        SourceError
            When the source cannot be opened; its subclass says why.
        """
        within = _dataset_names(datasets)
        items = self._open_source(source, reader, audio_column, root, allow_remote)
        folder = tempfile.TemporaryDirectory(prefix="earwitness-")
        plan = Plan(
            source=os.fspath(source),
            out=Path(folder.name) / "findings.jsonl",
            effort=Effort(effort),
            n_workers=self._settings.n_workers,
            within=within,
        )
        scan(plan, items, settings=self._settings, seen=on_finding, finish=lambda _: None)
        return _read_and_delete(plan.out, folder)

    def _writer(self) -> Writer:
        settings = self._settings
        return Writer.open(settings.home_address)

    def _open_source(
        self,
        source: PathLike,
        reader: str | None,
        audio_column: str | None,
        root: PathLike | None,
        allow_remote: bool,
    ) -> Reader:
        return open_source(
            os.fspath(source),
            reader=reader,
            audio_column=audio_column,
            limits=self._settings.source_limits(),
            allow_remote=allow_remote or None,
            root=None if root is None else os.fspath(root),
        )

    def _opened_library(self) -> Library:
        """Return the newest epoch of the index."""
        if self._library is not None and self._library.epoch != read_summary(self._settings).epoch:
            self._library.close()
            self._library = None
        if self._library is None:
            self._library = open_library(self._settings)
        return self._library

    def _opened_decoder(self, scheme: str) -> ItemDecoder:
        if self._decoder is not None and self._decoder.extractor.scheme != scheme:
            self._decoder.close()
            self._decoder = None
        if self._decoder is None:
            self._decoder = ItemDecoder(settings=self._settings, scheme=scheme)
        return self._decoder


def open_home(path: PathLike | None = None, **settings: Any) -> Home:
    """Open a folder of fingerprints. It is made when something is first stored in it.

    Parameters
    ----------
    path : path, optional
        The folder; by default ``EARWITNESS_HOME``, else the platform's folder for this user's data.
    **settings
        Other settings of `earwitness.api.settings.Settings`, such as ``workers=2``; they go before the
        ``EARWITNESS_`` variables.

    Raises
    ------
    TypeError
        For a setting that does not exist.
    ValueError
        For a value that a setting cannot have.

    Examples
    --------
    >>> with earwitness.open_home() as home:  # doctest: +SKIP
    ...     finding = home.check("song.mp3")
    """
    unknown = settings.keys() - Settings.model_fields.keys()
    if unknown:
        raise TypeError(f"there is no setting {', '.join(sorted(unknown))}")
    return Home(Settings(**settings) if path is None else Settings(home=Path(path), **settings))


def _dataset_names(datasets: str | Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(datasets, Sequence) and not datasets:
        raise ValueError("datasets is empty; leave it out to search what is searched by default")
    return (datasets,) if isinstance(datasets, str) else tuple(datasets or ())


def _read_and_delete(path: Path, folder: tempfile.TemporaryDirectory[str]) -> Iterator[Finding]:
    with folder:
        yield from read_lines(path)
