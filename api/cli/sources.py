"""What the commands are given to listen to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.datasets.types import Reader, Recording, Skipped
    from api.settings import Settings


def opened(source: str, settings: Settings, *, reader: str | None, audio_column: str | None) -> Reader:
    """Open one source under the settings' limits."""
    from api.datasets.sources import open_source

    return open_source(source, reader=reader, audio_column=audio_column, limits=settings.source_limits())


def gathered(sources: Sequence[str], settings: Settings) -> Iterator[Recording | Skipped]:
    """Go through several files or folders; one that cannot be opened is an item that cannot be read."""
    from api.datasets.labels import label
    from api.datasets.types import Skipped
    from api.errors import SourceError

    for source in sources:
        try:
            yield from opened(source, settings, reader=None, audio_column=None)
        except SourceError as error:
            yield Skipped.of(error, item_id=label(source))
