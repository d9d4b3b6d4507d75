"""What the commands are given to listen to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from earwitness.api.cli.options import to_stderr
from earwitness.api.datasets.names import label

if TYPE_CHECKING:
    from earwitness.api.datasets.items import Reader, Skipped, SourceItem
    from earwitness.api.settings import Settings


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
    from earwitness.api.datasets.open_source import open_source

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


def gathered(
    sources: Sequence[str], settings: Settings, *, root: str | None = None
) -> Iterator[SourceItem | Skipped]:
    """Go through several files or folders; one that cannot be opened is an item that cannot be read.

    Of several, the ids tell apart what lies in which (see `telling`).
    """
    from earwitness.api.datasets.items import Skipped
    from earwitness.api.datasets.open_source import open_source
    from earwitness.api.datasets.source_errors import SourceError
    from earwitness.api.sentences import left_aside

    names = telling(sources)
    for source in sources:
        try:
            reader = open_source(source, limits=settings.source_limits(), root=root)
            yield from (_named(item, source, names[source]) for item in reader) if len(names) > 1 else reader
            for said in left_aside(reader.passed_over):
                to_stderr().print(f"{label(source)}: {said}", soft_wrap=True)
        except SourceError as error:
            yield Skipped.of(error, item_id=label(source))


def telling(sources: Sequence[str]) -> dict[str, str]:
    """Shortest end of each source's path, in whole parts, that no other source's path has; as a label.

    ``a/x.mp3`` and ``b/x.mp3`` stay so, ``a/x.mp3`` and ``a/y.mp3`` become ``x.mp3`` and ``y.mp3``.
    """
    parts = {source: _parts(source) for source in dict.fromkeys(sources)}
    longest = max(map(len, parts.values()), default=0)
    names: dict[str, str] = {}
    for length in range(1, longest + 1):
        ends = {source: own[-length:] for source, own in parts.items()}
        times = Counter(ends.values())
        for source, end in ends.items():
            if source not in names and (times[end] == 1 or length >= len(parts[source])):
                names[source] = label("/".join(end))
    return names


def _parts(source: str) -> tuple[str, ...]:
    whole = source if "://" in source else str(Path(source).absolute())
    return tuple(part for part in whole.replace("\\", "/").split("/") if part) or (source,)


def _named(item: SourceItem | Skipped, source: str, name: str) -> SourceItem | Skipped:
    """Give an item of one source of several an id, and a path, that tells where it is from."""
    own = label(_parts(source)[-1])
    if item.item_id == own:  # a file by itself
        return replace(item, item_id=name, path=name)
    return replace(item, item_id=f"{name}/{item.item_id}", path=f"{name}/{item.path}")
