"""Decodes one stream with one backend, within the limits, and reports what is missing."""

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
"""Tolerance in seconds on the stated duration: codecs add and trim a few frames at either end."""

MISSING_LOSSLESS_S: Final = 0.01
"""The same if the header counts samples."""

MISSING_ROUGH_S: Final = 0.5
"""The same if the container states an approximate duration."""

WALL_SHARE: Final = 0.9
"""Share of the time limit after which no stream but the first is decoded further."""

MAX_STATED_S: Final = 1e8
"""Upper limit of the sum of missing seconds (three years), as a header may state any duration."""


class OutOfTime(Exception):
    """The time limit was almost reached while a stream after the first was decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Properties of a file that are sent before its samples."""

    container: str
    codec: str
    rate_hz: int
    channels: int


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Completeness of a decoded file.

    Attributes
    ----------
    notes : list of str
        Descriptions of what is missing; empty if nothing is known to be missing.
    not_compared_s : float
        Seconds known to be missing.
    complete_s : float or None
        Seconds from the start of the waveform in which nothing is missing; None means all of it.
    """

    notes: list[str] = field(default_factory=list)
    not_compared_s: float = 0.0
    complete_s: float | None = None

    @property
    def note(self) -> str | None:
        """Description of what is missing, or None."""
        notes = list(dict.fromkeys(self.notes))
        shown = "; ".join(notes[:3])
        return None if not notes else f"{shown}; and {len(notes) - 3} more" if len(notes) > 3 else shown

    def add_missing(self, note: str, seconds: float, *, from_s: float) -> None:
        """Add a missing part, which would begin at `from_s` of the waveform."""
        self.notes.append(note)
        self.not_compared_s = min(self.not_compared_s + seconds, MAX_STATED_S)
        self.complete_s = from_s if self.complete_s is None else min(from_s, self.complete_s)


@dataclass(slots=True, kw_only=True)
class Budget:
    """What the completed streams of a file have used of the limits.

    Attributes
    ----------
    begun_at : float
        Start of decoding by the monotonic clock, in seconds.
    """

    name: str
    limits: Limits
    begun_at: float
    seconds: float = 0.0
    samples: int = 0

    def add(self, stream: StreamReader) -> None:
        """Add a completed stream."""
        self.seconds += stream.seconds
        self.samples += stream.samples

    def check(self, seconds: float, samples: int, n_channels: int) -> None:
        """Raise if a stream and those before it exceed the limits."""
        limits = self.limits
        if n_channels > limits.max_channels:
            raise ValueError(f"a frame of {n_channels:,} channels")
        self.check_limit("seconds", self.seconds + seconds, limits.max_seconds)
        self.check_limit("samples", self.samples + samples, limits.n_samples)
        if self.seconds and time.monotonic() - self.begun_at > WALL_SHARE * limits.wall_s:
            limit = f"{limits.wall_s:g} s"
            raise OutOfTime(f"the time limit on decoding ({limit}, EARWITNESS_DECODE_WALL_S) was reached")

    def check_limit(self, what: str, value: float, limit: float) -> None:
        """Raise AudioTooLarge if a value exceeds its limit."""
        if value > limit:
            raise AudioTooLarge(name=self.name, what=what, limit=f"{limit:,.0f}")


class SampleSink(Protocol):
    """Takes the samples of one stream."""

    def begin(self, *, codec: str, rate_hz: int, channels: int, tracks: tuple[Track, ...]) -> None:
        """Called before the first samples."""

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Called with mono samples at ``RATE_HZ``."""


class StreamReader:
    """One attempt to decode a stream with one backend.

    Attributes
    ----------
    seconds : float
        Duration decoded so far.
    tracks : tuple of Track
        All tracks of the file that the backend lists.
    reason : str or None
        Why decoding stopped before the end.
    """

    def __init__(self, *, piece: Piece, backend: str, track: int, budget: Budget) -> None:
        self._piece, self.backend, self._track, self._budget = piece, backend, track, budget
        self.seconds, self.samples = 0.0, 0
        self.tracks: tuple[Track, ...] = (Track(),)
        self.reason: str | None = None
        self._lossless, self._rough, self._timeline_s = False, False, 0.0
        self._lost_s, self._stated_s = 0.0, None if track else piece.expected_s

    def run(self, sink: SampleSink) -> None:
        """Decode to the end; raises one of `DECODE_ERRORS`, AudioTooLarge or OutOfTime."""
        backend = open_backend(self.backend, self._piece.file, self._piece.format, self._track)
        try:
            self.tracks = backend.tracks
            expected_s = self._stated_s
            length_s = expected_s if backend.length_s is None else backend.length_s
            if expected_s is not None and length_s is not None and length_s < expected_s - self._tolerance_s:
                raise ValueError(f"it would decode {length_s:.1f} s of {expected_s:.1f} s")
            if expected_s is None:
                self._stated_s = backend.stated_s
                self._rough = backend.tracks[self._track].rough
            self._timeline_s = backend.timeline_s or 0.0
            self._lossless = backend.codec == "flac"
            self._budget.check_limit("channels", backend.channels, self._budget.limits.max_channels)
            self._decode_blocks(backend, sink)
        finally:
            self._lost_s = backend.lost_s
            backend.close()
        if not self.seconds:
            raise ValueError("there are no samples in it")

    @property
    def is_short(self) -> bool:
        """Whether less was decoded than the stream holds."""
        return self._short_s > 0

    def missing(self) -> tuple[str | None, float, bool]:
        """Description of what is missing (None: nothing), its seconds, and whether it is at the end only."""
        piece, short_s = self._piece, self._short_s
        if self.reason is not None:
            note = f"decoding stopped after {self.seconds:.1f} s ({self.reason})"
            return note, short_s, not self._lost_s
        lost_s = self._lost_s if self._lost_s > self._tolerance_s else 0.0
        if piece.missing is not None and not self._track:
            gap_s = 0.0 if piece.at_end else self._timeline_s - self.seconds
            return piece.missing, max(piece.missing_s, short_s, lost_s, gap_s), piece.at_end and not lost_s
        if lost_s:
            return f"{lost_s:.1f} s in it are missing or damaged", max(lost_s, short_s), False
        if short_s:
            note = f"it holds or states {self._stated_s:.1f} s, {self.seconds:.1f} s could be decoded"
            return note, short_s, self._lossless  # FLAC frames have checksums, so damage would be known
        return None, 0.0, True

    @property
    def _tolerance_s(self) -> float:
        if self._rough:
            return MISSING_ROUGH_S
        return self._piece.tolerance_s or (MISSING_LOSSLESS_S if self._lossless else MISSING_S)

    @property
    def _short_s(self) -> float:
        """Seconds missing from the stated duration; 0 within the tolerance."""
        short_s = (self._stated_s or 0.0) - self.seconds
        return short_s if short_s > self._tolerance_s else 0.0

    def _decode_blocks(self, backend: AudioBackend, sink: SampleSink) -> None:
        resampler, rate_hz = None, 0
        try:
            for block_hz, block in backend.blocks():
                if resampler is None or block_hz != rate_hz:
                    self._flush(resampler, sink)
                    resampler, rate_hz = Resampler(block_hz), block_hz
                mono = self._count_and_mix(block, block_hz)
                if self.samples == block.size:
                    sink.begin(
                        codec=backend.codec, rate_hz=block_hz, channels=len(block), tracks=backend.tracks
                    )
                sink.samples(resampler.push(mono))
        finally:
            if self.samples:
                self._flush(resampler, sink)

    def _flush(self, resampler: Resampler | None, sink: SampleSink) -> None:
        if resampler is not None:
            sink.samples(resampler.push(np.empty(0, dtype=np.float32), last=True))

    def _count_and_mix(self, block: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
        seconds, samples = self.seconds + block.shape[1] / rate_hz, self.samples + block.size
        self._budget.check(seconds, samples, len(block))
        self.seconds, self.samples = seconds, samples
        return mix_down(block)
