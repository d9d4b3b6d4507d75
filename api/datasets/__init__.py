"""Sources of recordings: folders, archives, tables, manifests, link lists; decodes nothing."""

from earwitness.api.datasets.items import (
    Identifiers,
    Reader,
    Skipped,
    SourceItem,
    SourceLimits,
)
from earwitness.api.datasets.open_source import open_source

__all__ = ["Identifiers", "Reader", "SourceItem", "Skipped", "SourceLimits", "open_source"]
