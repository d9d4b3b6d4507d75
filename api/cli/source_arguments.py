"""Open the sources that a command names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from earwitness.api.cli.options import to_stderr
from earwitness.api.datasets.names import label

if TYPE_CHECKING:
    from earwitness.api.datasets.isolated.read_request import Request
    from earwitness.api.datasets.items import Reader, Skipped, SourceItem
    from earwitness.api.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOpener:
    """One source and the options of its reading; it opens the source when it is called."""

    source: str
    reader: str | None = None
    audio_column: str | None = None
    allow_remote: bool = False
    allow_private: bool = False
    root: str | None = None

    def __call__(self, settings: Settings) -> Reader:
        """Open the source under the settings' limits, and print its format on stderr."""
        from earwitness.api.datasets.open_source import open_source

        items = open_source(
            self.source,
            reader=self.reader,
            audio_column=self.audio_column,
            limits=settings.source_limits(),
            allow_remote=self.allow_remote or None,
            allow_private=self.allow_private,
            root=self.root,
        )
        self.print_format(items.format)
        return items

    def request(self, settings: Settings) -> Request:
        """Return the request that a process for reading takes."""
        from earwitness.api.datasets.isolated.read_request import Request

        options = {
            "reader": self.reader,
            "audio_column": self.audio_column,
            "allow_remote": self.allow_remote or None,
            "allow_private": self.allow_private,
            "root": self.root,
        }
        return Request(source=self.source, limits=settings.source_limits(), options=options)

    def print_format(self, name: str) -> None:
        """Print what the source is read as on stderr."""
        to_stderr().print(f"{label(self.source)}: read as {name}", soft_wrap=True)


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
