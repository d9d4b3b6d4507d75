"""One stored file -> header and mono samples, within the caps; what the worker does for each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fingerprint.decode.formats import FORMATS
from fingerprint.decode.lengths import cut_short, hides_more
from fingerprint.decode.limits import Limits
from fingerprint.decode.mono import Resampler, mix_down
from fingerprint.decode.roads import DAMAGE, Road, open_road
from fingerprint.decode.sniff import Sniffed, sniff
from fingerprint.decode.stored import Stored
from fingerprint.errors import AudioTooLarge, BrokenAudio

MISSING_S: Final = 0.25
"""Seconds that may be missing of a whole file: codecs add and trim a few frames at either end."""

MISSING_LOSSLESS_S: Final = 0.01
"""The same where a header counts the very samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is told of a file before its samples."""

    container: str
    codec: str
    rate_hz: int
    channels: int


class Listener(Protocol):
    """Takes what is decoded. A second header says: forget the samples so far, another decoder starts over."""

    def header(self, header: Header) -> None:
        """Called before the first samples of each decoder."""

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Called with mono samples at ``RATE_HZ``."""


def play(stored: Stored, limits: Limits, listener: Listener, *, name: str) -> str | None:
    """Decode a file to a listener; return in words why it is not whole, or None if it is.

    Raises
    ------
    EmptyFile, NotAudio, BrokenAudio, AudioTooLarge
    """
    sniffed = sniff(stored, name=name)
    shortfall = cut_short(stored, sniffed)
    heard: str | None = None
    reasons = []
    roads = FORMATS[sniffed.format].roads
    for road in reversed(roads) if hides_more(stored, sniffed) else roads:
        performance = _Performance(name=name, limits=limits, listener=listener)
        try:
            performance.run(road, stored, sniffed)
        except DAMAGE as damage:
            reason = _words(damage)
            reasons.append(f"{road}: {reason}")
            if performance.frames:
                heard = f"decoding stopped after {performance.seconds:.1f} s ({reason})"
            continue
        return shortfall or performance.shortfall
    if heard is None:
        raise BrokenAudio(name=name, reason="; ".join(reasons))
    return shortfall or heard


def _words(damage: Exception) -> str:
    """The library's own words, without its numbers and the names that it made up for the file."""
    short = getattr(damage, "error_string", None) or getattr(damage, "strerror", None)
    return str(short or damage or type(damage).__name__).strip(" .")


class _Performance:
    """One decoder's go at a file, counting what it gives."""

    def __init__(self, *, name: str, limits: Limits, listener: Listener) -> None:
        self._name, self._limits, self._listener = name, limits, listener
        self.frames, self.seconds = 0, 0.0
        self.shortfall: str | None = None
        self._samples = 0

    def run(self, road_name: str, stored: Stored, sniffed: Sniffed) -> None:
        """Decode to the end; `shortfall` then says what was missing."""
        road = open_road(road_name, stored, sniffed.format)
        try:
            self._within("channels", road.channels, self._limits.max_channels)
            resampler = Resampler(road.rate_hz)
            header = Header(
                container=FORMATS[sniffed.format].container,
                codec=road.codec,
                rate_hz=road.rate_hz,
                channels=road.channels,
            )
            self._stream(road, resampler, header)
        finally:
            road.close()
        if not self.frames:
            raise ValueError("there are no samples in it")
        spare_s = MISSING_LOSSLESS_S if road.codec == "flac" else MISSING_S
        if road.lost_s > spare_s:
            self.shortfall = f"{road.lost_s:.1f} s in it are damaged and were left out"
        elif road.stated_s is not None and self.seconds < road.stated_s - spare_s:
            self.shortfall = f"its header promises {road.stated_s:.1f} s, {self.seconds:.1f} s are there"

    def _stream(self, road: Road, resampler: Resampler, header: Header) -> None:
        for block in road.blocks():
            self._count(block, road.rate_hz)
            mono = mix_down(block)
            if self.frames == mono.size:
                self._listener.header(header)
            self._listener.samples(resampler.push(mono))
        if self.frames:
            self._listener.samples(resampler.push(np.empty(0, dtype=np.float32), last=True))

    def _count(self, block: NDArray[np.float32], rate_hz: int) -> None:
        self.frames += block.shape[1]
        self._samples += block.size
        self.seconds = self.frames / rate_hz
        self._within("channels", len(block), self._limits.max_channels)
        self._within("seconds", self.seconds, self._limits.max_seconds)
        self._within("samples", self._samples, self._limits.n_samples)

    def _within(self, what: str, value: float, limit: float) -> None:
        if value > limit:
            raise AudioTooLarge(name=self._name, what=what, limit=f"{limit:,.0f}")
