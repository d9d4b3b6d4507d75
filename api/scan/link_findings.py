"""Entries of a link list that name a registered work: a class of evidence of its own, apart from sound."""

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
    """Compare identifiers and titles of a source with those of the works; returns how many name one."""
    with open_library(settings) as library:
        works = LinkIndex(named_works(library))
    n_found = 0
    with whole_file(path) as file:
        for found in works.find(item for item in items if isinstance(item, SourceItem)):
            file.write(json.dumps({"schema": SCHEMA, **asdict(found)}).encode() + b"\n")
            n_found += 1
    return n_found


def named_works(library: Library) -> Iterator[NamedWork]:
    """Yield what is known about the works besides their sound; the sha256 names a work."""
    for registry in works_of(library):
        for work in library.listing(registry.id):
            says = Identifiers(isrc=work.isrc, artist=work.owner, title=work.title)
            yield NamedWork(work_id=work.sha256 or work.path, identifiers=says)
