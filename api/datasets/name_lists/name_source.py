"""A list of names, read by a process of its own; its parent checks every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from earwitness.api.datasets.isolated.item_messages import read_count, read_optional_text, read_text
from earwitness.api.datasets.isolated.message_frames import BadMessage
from earwitness.api.datasets.isolated.plain_folders import is_plain
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.reading_errors import SourceReaderFailed
from earwitness.api.datasets.isolated.reading_process import INVALID_ANSWER, ReaderEnded, ReadingProcess
from earwitness.api.datasets.names import AUDIO_SUFFIXES, label, suffix
from earwitness.api.datasets.source_errors import SourceError
from earwitness.index.names.stored_rows import StoredRow, checked_row

REFUSED_SHOWN: Final = 20
"""Rows of one trouble which are named; others are counted."""
_NEVER_LISTS: Final = AUDIO_SUFFIXES | {".zip", ".tar", ".tgz", ".warc"}


class AtRow(NamedTuple):
    """A row of a list, and a text about it or of it."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class NameSource:
    """A list of names that is being read, once.

    Attributes
    ----------
    layout, format : str
        How it is read, for people.
    n_rows, n_refused, n_nameless : int
        Rows so far; those that could not be read; and those with neither an identifier nor artist and title.
    refused : list of AtRow
        Place and reason of the first rows that could not be read.
    nameless : list of str
        Places of the first rows that name nothing.
    n_unknown : int
    unknown : list of AtRow
        Texts that stand where identifiers or links belong and are none that is known: their number, and place
        and text of the first; 0 where they are not counted. The other names of such a row are used.
    cut_off : str or None
        Why the list was not read to its end; known after the last entry.
    """

    def __init__(self, source: str, process: ReadingProcess, header: Any) -> None:
        self._source, self._process = source, process
        self.layout, self.format = read_text(header, "layout"), read_text(header, "format")
        self.n_rows = self.n_refused = self.n_nameless = 0
        self.refused, self.nameless = list[AtRow](), list[str]()
        self.n_unknown, self.unknown = 0, list[AtRow]()
        self.cut_off: str | None = None

    def rows(self) -> Iterator[StoredRow]:
        """Yield the rows of the entries that name something, in the order of the list.

        Raises
        ------
        SourceReaderFailed
            The process that reads the list ended.
        """
        try:
            while (message := self._process.receive()).header.get("type") == "rows":
                yield from self._rows_of(message.header)
            self.cut_off = read_optional_text(message.header, "why")
        except ReaderEnded as ended:
            raise SourceReaderFailed(source=label(self._source), reason=ended.reason) from ended
        except BadMessage as error:
            why = INVALID_ANSWER.format(error)
            raise SourceReaderFailed(source=label(self._source), reason=why) from error

    def _rows_of(self, header: Mapping[str, Any]) -> Iterator[StoredRow]:
        rows, refused, unknown, nameless = (
            _list_in(header, name) for name in ("rows", "refused", "unknown", "nameless")
        )
        n_rows = read_count(header, "n_rows")
        self.n_rows += n_rows
        self.n_unknown += read_count(header, "n_unknown")
        self.n_refused += len(refused)
        self.n_nameless += n_rows - len(rows) - len(refused)
        try:
            for place, why in refused[: REFUSED_SHOWN - len(self.refused)]:
                self.refused.append(_at_row(place, why))
            for place, text in unknown[: REFUSED_SHOWN - len(self.unknown)]:
                self.unknown.append(_at_row(place, text))
            shown = nameless[: REFUSED_SHOWN - len(self.nameless)]
            self.nameless += [label(str(place)[:300]) for place in shown]
            yield from map(checked_row, rows)
        except (ValueError, TypeError) as error:
            raise BadMessage("a row that is none") from error


def _list_in(header: Mapping[str, Any], name: str) -> list[Any]:
    value = header.get(name)
    if not isinstance(value, list):
        raise BadMessage(f"no {name}")
    return value


def _at_row(place: object, text: object) -> AtRow:
    return AtRow(label(str(place)[:300]), label(str(text)[:300]))


@contextmanager
def opened_names(
    request: Request, *, audio_may_lie_here: bool = True, tell_unknown: bool = False
) -> Iterator[NameSource | None]:
    """Open a source as a list of names; None where it is none.

    Parameters
    ----------
    audio_may_lie_here
        Whether a list is no list of names where it holds or names audio, or where files of its rows lie
        beside it.
    tell_unknown
        Whether texts that are no identifier, but stand where one belongs, are counted.
    """
    reader = request.options.get("reader")
    asked_for_audio = request.options.get("audio_column") is not None
    if asked_for_audio or is_plain(request.source, reader) or suffix(request.source) in _NEVER_LISTS:
        yield None
        return
    process = ReadingProcess(request, {})
    try:
        yield _names_of(process, request, audio_may_lie_here=audio_may_lie_here, tell_unknown=tell_unknown)
    finally:
        process.close()


def _names_of(process: ReadingProcess, request: Request, **options: bool) -> NameSource | None:
    try:
        header = process.request("names", **options).header
        return NameSource(request.source, process, header) if header.get("type") == "names" else None
    except (SourceError, ReaderEnded, BadMessage):  # reported when it is opened as a source of audio
        return None
