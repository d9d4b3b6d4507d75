"""What the commands are given to listen to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from api.cli.options import to_stderr
from api.datasets.labels import label

if TYPE_CHECKING:
    from api.datasets.types import Reader, Recording, Skipped
    from api.settings import Settings


def opened(
    source: str,
    settings: Settings,
    *,
    reader: str | None = None,
    audio_column: str | None = None,
    remote: bool = False,
    private: bool = False,
    root: str | None = None,
) -> Reader:
    """Open one source under the settings' limits, and say on stderr as what it is read."""
    from api.datasets.sources import open_source

    items = open_source(
        source,
        reader=reader,
        audio_column=audio_column,
        limits=settings.source_limits(),
        allow_remote=remote or None,
        allow_private=private,
        root=root,
    )
    to_stderr().print(f"{label(source)}: read as {items.format}", soft_wrap=True)
    return items


def gathered(sources: Sequence[str], settings: Settings) -> Iterator[Recording | Skipped]:
    """Go through several files or folders; one that cannot be opened is an item that cannot be read."""
    from api.datasets.sources import open_source
    from api.datasets.types import Skipped
    from api.errors import SourceError
    from api.wording import left_aside

    for source in sources:
        try:
            reader = open_source(source, limits=settings.source_limits())
            yield from reader
            for said in left_aside(reader.passed_over):
                to_stderr().print(f"{label(source)}: {said}", soft_wrap=True)
        except SourceError as error:
            yield Skipped.of(error, item_id=label(source))
