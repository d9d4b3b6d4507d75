"""One decoder's go at one stream: its samples counted within the caps, and what falls short."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.worker.backends import AudioBackend, Track, open_backend
from earwitness.fingerprint.decode.worker.downmix import Resampler, mix_down
from earwitness.fingerprint.decode.worker.parts import Piece
from earwitness.fingerprint.errors import AudioTooLarge

MISSING_S: Final = 0.25
"""Seconds that may be missing of a whole file: codecs add and trim a few frames at either end."""

MISSING_LOSSLESS_S: Final = 0.01
"""The same where a header counts the very samples."""

MISSING_ROUGH_S: Final = 0.5
"""The same where a container states its length only about right."""

WALL_SHARE: Final = 0.9
"""Part of the time limit after which no further link or track goes on."""


MOST_STATED_S: Final = 1e8
"""A header may state any length: more than three years are not added up."""


class OutOfTime(Exception):
    """A further stream was still being decoded shortly before the time limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is told of a file before its samples."""

    container: str
    codec: str
    rate_hz: int
    channels: int


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Whether all of a file was decoded.

    Attributes
    ----------
    notes : list of str
        What is missing, in words; empty where nothing is known to be missing.
    not_compared_s : float
        Seconds that are missing, where they can be told.
    complete_s : float or None
        Seconds from the start of what was decoded in which nothing is missing; None means all of it.
    """

    notes: list[str] = field(default_factory=list)
    not_compared_s: float = 0.0
    complete_s: float | None = None

    @property
    def note(self) -> str | None:
        """What is missing, in words."""
        notes = list(dict.fromkeys(self.notes))
        shown = "; ".join(notes[:3])
        return None if not notes else f"{shown}; and {len(notes) - 3} more" if len(notes) > 3 else shown

    def miss(self, words: str, seconds: float, *, from_s: float) -> None:
        """Add what is missing, and where in what was decoded it would begin."""
        self.notes.append(words)
        self.not_compared_s = min(self.not_compared_s + seconds, MOST_STATED_S)
        self.complete_s = from_s if self.complete_s is None else min(from_s, self.complete_s)


@dataclass(slots=True, kw_only=True)
class Budget:
    """What the streams of a file that are done have used up of the caps.

    Attributes
    ----------
    begun_at : float
        By the monotonic clock.
    """

    name: str
    limits: Limits
    begun_at: float
    seconds: float = 0.0
    samples: int = 0

    def take(self, take: StreamReader) -> None:
        """Count a stream that is done."""
        self.seconds += take.seconds
        self.samples += take.samples

    def check(self, seconds: float, samples: int, n_channels: int) -> None:
        """Hold a stream to the caps, together with those before it."""
        limits = self.limits
        if n_channels > limits.max_channels:
            raise ValueError(f"a frame of {n_channels:,} channels")
        self.within("seconds", self.seconds + seconds, limits.max_seconds)
        self.within("samples", self.samples + samples, limits.n_samples)
        if self.seconds and time.monotonic() - self.begun_at > WALL_SHARE * limits.wall_s:
            limit = f"{limits.wall_s:g} s"
            raise OutOfTime(f"the time limit on decoding ({limit}, EARWITNESS_DECODE_WALL_S) was reached")

    def within(self, what: str, value: float, limit: float) -> None:
        """Hold one number to its cap."""
        if value > limit:
            raise AudioTooLarge(name=self.name, what=what, limit=f"{limit:,.0f}")


class SampleSink(Protocol):
    """Takes the samples of one stream."""

    def begin(self, *, codec: str, rate_hz: int, channels: int, tracks: tuple[Track, ...]) -> None:
        """Called before the first samples."""

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Called with mono samples at ``RATE_HZ``."""


class StreamReader:
    """One decoder's go at one stream.

    Attributes
    ----------
    seconds : float
        What it has given.
    tracks : tuple of Track
        All tracks of the file, as this decoder sees them.
    reason : str or None
        Why it stopped before the end, in words.
    """

    def __init__(self, *, piece: Piece, backend: str, track: int, budget: Budget) -> None:
        self._piece, self.backend, self._track, self._budget = piece, backend, track, budget
        self.seconds, self.samples = 0.0, 0
        self.tracks: tuple[Track, ...] = (Track(),)
        self.reason: str | None = None
        self._lossless, self._rough, self._timeline_s = False, False, 0.0
        self._lost_s, self._stated_s = 0.0, None if track else piece.expected_s

    def run(self, emit: SampleSink) -> None:
        """Decode to the end; raises one of `DAMAGE`, AudioTooLarge or OutOfTime where it gets not so far."""
        backend = open_backend(self.backend, self._piece.file, self._piece.format, self._track)
        try:
            self.tracks = backend.tracks
            expected_s = self._stated_s
            gives_s = expected_s if backend.length_s is None else backend.length_s
            if expected_s is not None and gives_s is not None and gives_s < expected_s - self._spare_s:
                raise ValueError(f"it means to give {gives_s:.1f} s of {expected_s:.1f} s")
            if expected_s is None:
                self._stated_s = backend.stated_s
                self._rough = backend.tracks[self._track].rough
            self._timeline_s = backend.timeline_s or 0.0
            self._lossless = backend.codec == "flac"
            self._budget.within("channels", backend.channels, self._budget.limits.max_channels)
            self._blocks(backend, emit)
        finally:
            self._lost_s = backend.lost_s
            backend.close()
        if not self.seconds:
            raise ValueError("there are no samples in it")

    @property
    def falls_short(self) -> bool:
        """Whether this decoder gave less than the stream holds."""
        return self._short_s > 0

    def missing(self) -> tuple[str | None, float, bool]:
        """What is missing in words (None: nothing), how many seconds, and whether only at the end."""
        piece, short_s = self._piece, self._short_s
        if self.reason is not None:
            words = f"decoding stopped after {self.seconds:.1f} s ({self.reason})"
            return words, short_s, not self._lost_s
        lost_s = self._lost_s if self._lost_s > self._spare_s else 0.0
        if piece.missing is not None and not self._track:
            gap_s = 0.0 if piece.at_end else self._timeline_s - self.seconds
            return piece.missing, max(piece.missing_s, short_s, lost_s, gap_s), piece.at_end and not lost_s
        if lost_s:
            return f"{lost_s:.1f} s in it are missing or damaged", max(lost_s, short_s), False
        if short_s:
            words = f"it holds or states {self._stated_s:.1f} s, {self.seconds:.1f} s could be decoded"
            return words, short_s, self._lossless  # FLAC checks its frames: what is damaged would be known
        return None, 0.0, True

    @property
    def _spare_s(self) -> float:
        if self._rough:
            return MISSING_ROUGH_S
        return self._piece.spare_s or (MISSING_LOSSLESS_S if self._lossless else MISSING_S)

    @property
    def _short_s(self) -> float:
        """Seconds that it fell short; 0 where that is no more than codecs trim."""
        short_s = (self._stated_s or 0.0) - self.seconds
        return short_s if short_s > self._spare_s else 0.0

    def _blocks(self, backend: AudioBackend, emit: SampleSink) -> None:
        resampler, rate_hz = None, 0
        try:
            for block_hz, block in backend.blocks():
                if resampler is None or block_hz != rate_hz:
                    self._flush(resampler, emit)
                    resampler, rate_hz = Resampler(block_hz), block_hz
                mono = self._mono(block, block_hz)
                if self.samples == block.size:
                    emit.begin(
                        codec=backend.codec, rate_hz=block_hz, channels=len(block), tracks=backend.tracks
                    )
                emit.samples(resampler.push(mono))
        finally:
            if self.samples:
                self._flush(resampler, emit)

    def _flush(self, resampler: Resampler | None, emit: SampleSink) -> None:
        if resampler is not None:
            emit.samples(resampler.push(np.empty(0, dtype=np.float32), last=True))

    def _mono(self, block: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
        seconds, samples = self.seconds + block.shape[1] / rate_hz, self.samples + block.size
        self._budget.check(seconds, samples, len(block))
        self.seconds, self.samples = seconds, samples
        return mix_down(block)
