"""Where recordings are: folders, archives, tables, manifests, link lists; decodes nothing."""

from api.datasets.sources import open_source
from api.datasets.types import Identifiers, Reader, Recording, Skipped, SourceLimits

__all__ = ["Identifiers", "Reader", "Recording", "Skipped", "SourceLimits", "open_source"]
