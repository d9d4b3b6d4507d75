"""The items of several files or folders, with ids that differ between the sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.names import label
from earwitness.api.datasets.open_source import open_source
from earwitness.api.datasets.source_errors import SourceError


def gather_sources(
    sources: Sequence[str],
    *,
    limits: SourceLimits,
    root: str | None = None,
    report_passed_over: Callable[[str, Mapping[str, int]], None] = lambda _, __: None,
) -> Iterator[SourceItem | Skipped]:
    """Yield the items of every source; a source that cannot be opened is yielded as `Skipped`.

    Parameters
    ----------
    report_passed_over
        Called after each source with its name and the number of files that are no items, by kind.
    """
    names = distinct_names(sources)
    for source in sources:
        try:
            reader = open_source(source, limits=limits, root=root)
            yield from (
                (_renamed(item, source, names[source]) for item in reader) if len(names) > 1 else reader
            )
            report_passed_over(source, reader.passed_over)
        except SourceError as error:
            yield Skipped.of(error, item_id=label(source))


def distinct_names(sources: Sequence[str]) -> dict[str, str]:
    """Return the shortest end of each source's path that no other source's path has, as a label.

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
    path = source if "://" in source else str(Path(source).absolute())
    return tuple(part for part in path.replace("\\", "/").split("/") if part) or (source,)


def _renamed(item: SourceItem | Skipped, source: str, name: str) -> SourceItem | Skipped:
    """Put the source's name into the id and path of its item."""
    if item.item_id == label(_parts(source)[-1]):  # the source is this one file
        return replace(item, item_id=name, path=name)
    return replace(item, item_id=f"{name}/{item.item_id}", path=f"{name}/{item.path}")
