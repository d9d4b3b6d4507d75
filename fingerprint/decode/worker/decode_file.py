"""Decodes all streams of a file to mono samples, within the limits."""

from __future__ import annotations

import time
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.formats import FORMATS
from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.worker.backends import DECODE_ERRORS, NoAudioStream, Track
from earwitness.fingerprint.decode.worker.file_parts import split_file
from earwitness.fingerprint.decode.worker.parts import Piece
from earwitness.fingerprint.decode.worker.read_stream import (
    Budget,
    Header,
    Outcome,
    OutOfTime,
    StreamReader,
)
from earwitness.fingerprint.decode.worker.sniff import Sniffed, sniff
from earwitness.fingerprint.errors import AudioTooLarge, BrokenAudio, NoAudioTrack

MAX_TRACKS: Final = 32
"""Most tracks of one file that are decoded; the others are reported as not compared."""

Kind = Literal["sequential", "parallel"]


class BlockSink(Protocol):
    """Receives what is decoded. A second header discards what came before: a backend starts over."""

    def header(self, header: Header) -> None:
        """Called before the first samples of the file."""

    def part(self, label: str, kind: Kind, *, again: bool) -> None:
        """Called before the samples of each of several streams; `again` discards those of the last one."""

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Called with mono samples at ``RATE_HZ``."""


def decode_file(file: FileView, limits: Limits, sink: BlockSink, *, name: str) -> Outcome:
    """Decode all pieces and tracks of a file to a sink; return what is missing.

    Raises
    ------
    EmptyFile, NotAudio, NoAudioTrack, BrokenAudio, AudioTooLarge
    """
    sniffed = sniff(file, name=name)
    decoding = _FileDecoding(name=name, limits=limits, sink=sink, sniffed=sniffed)
    pieces = split_file(file, sniffed)
    for number, piece in enumerate(pieces, 1):
        decoding.decode_piece(piece, link=f"link {number}" if len(pieces) > 1 else "")
    return decoding.finish()


class _FileDecoding:
    """Decodes the pieces and tracks of one file, one after another."""

    def __init__(self, *, name: str, limits: Limits, sink: BlockSink, sniffed: Sniffed) -> None:
        self._name, self._sink = name, sink
        self._container = FORMATS[sniffed.format].container
        self._budget = Budget(name=name, limits=limits, begun_at=time.monotonic())
        self._outcome = Outcome()
        self._reasons: list[str] = []
        self._no_audio, self._damaged = False, False
        self._limit_reached: str | None = None

    def decode_piece(self, piece: Piece, *, link: str) -> None:
        """Decode one piece: its first track, then the other tracks that this one lists."""
        tracks: tuple[Track, ...] = (Track(),)
        number = 0
        while number < len(tracks):
            label = _label(link, number, tracks)
            if number >= MAX_TRACKS:
                note = f"only {MAX_TRACKS} of its {len(tracks)} tracks are decoded"
                self._outcome.add_missing(note, tracks[number].stated_s or 0.0, from_s=0.0)
            elif self._limit_reached is not None:
                self._outcome.add_missing(
                    f"{label}: {self._limit_reached}", tracks[number].stated_s or 0.0, from_s=0.0
                )
            else:
                tracks = max(self._decode_track(piece, link, number), tracks, key=len)
            number += 1

    def finish(self) -> Outcome:
        """Return what is missing of the file; raise if nothing could be decoded."""
        if self._budget.seconds:
            return self._outcome
        if self._no_audio and not self._damaged:
            raise NoAudioTrack(name=self._name, looks_like=f"a file of the kind {self._container}")
        reasons = "; ".join(dict.fromkeys(self._reasons))
        raise BrokenAudio(name=self._name, reason=reasons or "there are no samples in it")

    def _decode_track(self, piece: Piece, link: str, number: int) -> tuple[Track, ...]:
        """Decode one track with the first backend that decodes all of it; return the tracks of the file."""
        attempts: list[StreamReader] = []
        tracks: tuple[Track, ...] = (Track(),)
        first, silent = not self._budget.seconds, False
        backends = list(FORMATS[piece.format].backends) if piece.file.size else []
        for at, backend in enumerate(backends):
            attempt = StreamReader(piece=piece, backend=backend, track=number, budget=self._budget)
            sink = _StreamSink(self._sink, self._container, link, number, first=first, again=bool(attempts))
            silent = self._run(attempt, sink, first=first) or silent
            tracks = max(attempt.tracks, tracks, key=len)
            if attempt.reason is not None:
                self._reasons.append(attempt.reason)
            if attempt.seconds:
                attempts.append(attempt)
            if self._limit_reached or (attempt.seconds and not attempt.is_short and attempt.reason is None):
                break
            best = max(attempts, key=lambda each: each.seconds, default=None)
            tried_all = at == len(FORMATS[piece.format].backends) - 1
            if tried_all and best is not None and best.seconds > attempts[-1].seconds + 1:
                backends.append(best.backend)  # the last backend decoded less than an earlier one
        if attempts or not silent:
            self._add_outcome(
                piece, attempts[-1] if attempts else None, _label(link, number, tracks), number, tracks
            )
        return tracks

    def _run(self, attempt: StreamReader, sink: _StreamSink, *, first: bool) -> bool:
        """Run an attempt and record why it stopped; return whether the container has no audio stream.

        A limit is raised if the first stream of the file reaches it; later streams are reported as missing.
        """
        try:
            attempt.run(sink)
        except NoAudioStream as error:
            attempt.reason, self._no_audio = str(error), True
            return True
        except DECODE_ERRORS as error:
            attempt.reason, self._damaged = f"{attempt.backend}: {_library_message(error)}", True
        except (AudioTooLarge, OutOfTime) as limit:
            if first:
                raise
            self._limit_reached = _limit_message(limit) if isinstance(limit, AudioTooLarge) else str(limit)
            attempt.reason = self._limit_reached
        return False

    def _add_outcome(
        self, piece: Piece, attempt: StreamReader | None, label: str, number: int, tracks: tuple[Track, ...]
    ) -> None:
        """Add what is missing of a stream to the outcome of the file."""
        sequential = len(tracks) == 1
        prefix = f"{label}: " if label else ""
        if attempt is None:
            reason = piece.missing or "; ".join(dict.fromkeys(self._reasons[-2:])) or "it cannot be decoded"
            seconds = max(piece.expected_s or 0.0, tracks[min(number, len(tracks) - 1)].stated_s or 0.0)
            self._outcome.add_missing(
                f"{prefix}{reason}", seconds, from_s=self._budget.seconds if sequential else 0.0
            )
            return
        start_s = self._budget.seconds if sequential else 0.0
        self._budget.add(attempt)
        note, seconds, at_end = attempt.missing()
        if note is not None:
            self._outcome.add_missing(
                f"{prefix}{note}", seconds, from_s=start_s + attempt.seconds if at_end else start_s
            )


class _StreamSink:
    """Sends header and part of a stream before its first samples, then the samples."""

    def __init__(
        self, sink: BlockSink, container: str, link: str, number: int, *, first: bool, again: bool
    ) -> None:
        self._sink, self._container, self._link, self._number = sink, container, link, number
        self._first, self._again = first, again

    def begin(self, *, codec: str, rate_hz: int, channels: int, tracks: tuple[Track, ...]) -> None:
        """Send the header of the file, if this is its first stream, and the part."""
        if self._first:
            self._sink.header(
                Header(container=self._container, codec=codec, rate_hz=rate_hz, channels=channels)
            )
        label = _label(self._link, self._number, tracks)
        if label:
            kind: Kind = "parallel" if len(tracks) > 1 else "sequential"
            self._sink.part(label, kind, again=self._again and not self._first)

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Send samples."""
        self._sink.samples(samples)


def _label(link: str, number: int, tracks: tuple[Track, ...]) -> str:
    """Such as "link 2", "track 1 (eng)" or "link 1, track 2"; empty if there is one stream."""
    if len(tracks) <= 1:
        return link
    name = tracks[number].label if number < len(tracks) else ""
    track = f"track {number + 1} ({name})" if name else f"track {number + 1}"
    return f"{link}, {track}" if link else track


def _limit_message(error: AudioTooLarge) -> str:
    """Which limit was reached, and the setting that raises it."""
    limit = f"{error.limit}, {error.setting}" if error.setting else error.limit
    return f"the limit on {error.what} ({limit}) was reached"


def _library_message(error: Exception) -> str:
    """The message of the library, without its error numbers and placeholder file names."""
    short = getattr(error, "error_string", None) or getattr(error, "strerror", None)
    return str(short or error or type(error).__name__).strip(" .")
