"""Entries of a link list that name a registered work by identifier or title; no audio is compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from earwitness.api.datasets.items import Identifiers, Reader, SourceItem
from earwitness.api.datasets.link_matching import LinkIndex, NamedWork
from earwitness.api.pipeline.searched_collections import open_library, works_of
from earwitness.api.scan.outputs import whole_file
from earwitness.api.settings import Settings
from earwitness.index.library import Library

SCHEMA = "earwitness.link-finding/1"


def write_links(items: Reader, path: Path, *, settings: Settings) -> int:
    """Compare identifiers and titles of a source with those of the works; return the number of matches."""
    with open_library(settings) as library:
        works = LinkIndex(named_works(library))
    n_matches = 0
    with whole_file(path) as file:
        for match in works.find(item for item in items if isinstance(item, SourceItem)):
            file.write(json.dumps({"schema": SCHEMA, **asdict(match)}).encode() + b"\n")
            n_matches += 1
    return n_matches


def named_works(library: Library) -> Iterator[NamedWork]:
    """Yield the identifiers of the works; the id of a work is its sha256."""
    for registry in works_of(library.collections):
        for work in library.listing(registry.id):
            # many creators register their works as owners and give no artist
            artist = work.artist or work.owner
            identifiers = Identifiers(isrc=work.isrc, artist=artist, title=work.title)
            yield NamedWork(work_id=work.sha256 or work.path, identifiers=identifiers)
