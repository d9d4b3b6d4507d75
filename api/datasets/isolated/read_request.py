"""What is asked of the process that reads a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from earwitness.api.datasets.items import SourceLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A source to be opened, as `earwitness.api.datasets.open_source.open_here` takes it.

    Attributes
    ----------
    options : mapping
        Its keyword arguments but the limits, in JSON's types.
    """

    source: str
    limits: SourceLimits = field(default_factory=SourceLimits)
    options: Mapping[str, Any] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """The request as a message."""
        return {"source": self.source, "limits": asdict(self.limits), "options": dict(self.options)}

    @classmethod
    def taken(cls, said: Mapping[str, Any]) -> Self:
        """The request of a message; it comes from the process that started this one."""
        return cls(source=said["source"], limits=SourceLimits(**said["limits"]), options=said["options"])
