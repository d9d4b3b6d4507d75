"""Limits on one item, enforced by the parent and by its worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on one item. Samples and seconds are counted during decoding, as headers may be wrong.

    Attributes
    ----------
    max_bytes : int
        Stored size of the item.
    max_seconds : float
        Decoded duration.
    max_channels : int
    max_samples : int or None
        Frames times channels at the source's rate; None means `max_seconds` of `max_channels` at 48 kHz.
    wall_s : float
        Seconds from the request to the last sample.
    memory_bytes : int
        Address space of the worker, its libraries included (they take about 0.2 GB).
    """

    max_bytes: int = 2 << 30
    max_seconds: float = 4 * 3_600.0
    max_channels: int = 32
    max_samples: int | None = None
    wall_s: float = 60.0
    memory_bytes: int = 1 << 30

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value!r}")

    @property
    def n_samples(self) -> float:
        """Most samples of one item, over all channels."""
        if self.max_samples is not None:
            return self.max_samples
        return self.max_seconds * self.max_channels * 48_000
