"""The first message to a reading process: the source, the limits and the options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from earwitness.api.datasets.items import SourceLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A source to be opened by `earwitness.api.datasets.open_source.open_here`.

    Attributes
    ----------
    options : mapping
        Keyword arguments of `open_source` without the limits, in JSON's types.
    """

    source: str
    limits: SourceLimits = field(default_factory=SourceLimits)
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_message(self) -> dict[str, Any]:
        """Convert to JSON's types."""
        return {"source": self.source, "limits": asdict(self.limits), "options": dict(self.options)}

    @classmethod
    def from_message(cls, fields: Mapping[str, Any]) -> Self:
        """Convert from JSON's types; not checked, as the parent process is trusted."""
        return cls(
            source=fields["source"], limits=SourceLimits(**fields["limits"]), options=fields["options"]
        )
