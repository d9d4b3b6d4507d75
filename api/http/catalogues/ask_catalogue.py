"""A received list of works is read whole and asked in the lists of names: for the routes and the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from earwitness.api.datasets.isolated.reading_errors import SourceReaderFailed
from earwitness.api.datasets.name_lists.name_source import NameSource
from earwitness.api.http.catalogues.catalogue_schemas import MAX_WORKS
from earwitness.api.http.catalogues.receive_catalogue import ReceivedList
from earwitness.api.http.http_errors import TooManyWorks
from earwitness.api.settings import Settings
from earwitness.api.shelf.catalogue import NamedWork, answered, opened_catalogue, works_in
from earwitness.api.shelf.shelf_errors import NoNamesHere, NotACatalogue
from earwitness.api.shelf.stored_names import open_names
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredList:
    """The works of a list with what names them, the lists that were asked, and how it was read."""

    answers: tuple[NamedWork, ...]
    lists: tuple[NameList, ...]
    names: NameSource


@contextmanager
def opened_list(received: ReceivedList, settings: Settings) -> Iterator[tuple[NameSource, list[NameEntry]]]:
    """Read the whole list; messages call it as the client does.

    Raises
    ------
    NotACatalogue, TooManyWorks
    """
    shown_as = received.shown_as
    try:
        with opened_catalogue(received.path, settings, shown_as=shown_as, reader=received.reader) as names:
            works = list(islice(works_in(names, shown_as), MAX_WORKS + 1))
            if len(works) > MAX_WORKS:
                raise TooManyWorks(limit=MAX_WORKS)
            yield names, works
    except SourceReaderFailed as error:
        raise NotACatalogue(path=shown_as, reason=error.reason) from error


def asked_list(received: ReceivedList, settings: Settings) -> AnsweredList:
    """Say which datasets name the works of a list; nothing is stored.

    Raises
    ------
    NoNamesHere, NotACatalogue, TooManyWorks
    """
    lists = open_names(settings)
    if not lists:
        raise NoNamesHere(home="this server")
    with opened_list(received, settings) as (names, works):
        return AnsweredList(answers=tuple(answered(works, lists)), lists=tuple(lists), names=names)
