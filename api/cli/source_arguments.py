"""Open the sources that a command names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from earwitness.api.cli.options import to_stderr
from earwitness.api.datasets.names import label

if TYPE_CHECKING:
    from earwitness.api.datasets.items import Reader, Skipped, SourceItem
    from earwitness.api.settings import Settings


def open_reader(
    source: str,
    settings: Settings,
    *,
    reader: str | None = None,
    audio_column: str | None = None,
    allow_remote: bool = False,
    allow_private: bool = False,
    root: str | None = None,
) -> Reader:
    """Open one source under the settings' limits, and print its format on stderr."""
    from earwitness.api.datasets.open_source import open_source

    items = open_source(
        source,
        reader=reader,
        audio_column=audio_column,
        limits=settings.source_limits(),
        allow_remote=allow_remote or None,
        allow_private=allow_private,
        root=root,
    )
    to_stderr().print(f"{label(source)}: read as {items.format}", soft_wrap=True)
    return items


def list_items(
    sources: Sequence[str], settings: Settings, *, root: str | None = None
) -> Iterator[SourceItem | Skipped]:
    """Yield the items of several files or folders; print on stderr how many files were skipped."""
    from earwitness.api.datasets.gather_sources import gather_sources
    from earwitness.api.sentences import skipped_files

    def report_passed_over(source: str, kinds: Mapping[str, int]) -> None:
        for sentence in skipped_files(kinds):
            to_stderr().print(f"{label(source)}: {sentence}", soft_wrap=True)

    return gather_sources(
        sources, limits=settings.source_limits(), root=root, report_passed_over=report_passed_over
    )
