"""One stored file -> header and mono samples, within the caps; what the worker does for each request."""

from __future__ import annotations

import re
import time
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.formats import FORMATS
from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.worker.backends import DAMAGE, NoTrack, Track
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
"""Tracks that are decoded of one file; of others it is said that they were not compared."""

Kind = Literal["sequential", "parallel"]


class BlockSink(Protocol):
    """Takes what is decoded. A second header says: forget all so far, another decoder starts over."""

    def header(self, header: Header) -> None:
        """Called before the first samples of the file."""

    def part(self, label: str, kind: Kind, *, again: bool) -> None:
        """Called before the samples of each stream of several; `again` says: forget those of the last one."""

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Called with mono samples at ``RATE_HZ``."""


def decode_file(file: FileView, limits: Limits, listener: BlockSink, *, name: str) -> Outcome:
    """Decode a file to a listener, all of its links and tracks; return what is missing.

    Raises
    ------
    EmptyFile, NotAudio, NoAudioTrack, BrokenAudio, AudioTooLarge
    """
    sniffed = sniff(file, name=name)
    player = _Player(name=name, limits=limits, listener=listener, sniffed=sniffed)
    pieces = split_file(file, sniffed)
    for number, piece in enumerate(pieces, 1):
        player.piece(piece, link=f"link {number}" if len(pieces) > 1 else "")
    return player.finish()


class _Player:
    """Plays the links and tracks of one file, one after another."""

    def __init__(self, *, name: str, limits: Limits, listener: BlockSink, sniffed: Sniffed) -> None:
        self._name, self._listener = name, listener
        self._container = FORMATS[sniffed.format].container
        self._budget = Budget(name=name, limits=limits, begun_at=time.monotonic())
        self._outcome = Outcome()
        self._reasons: list[str] = []
        self._no_track, self._damaged = False, False
        self._spent: str | None = None

    def piece(self, piece: Piece, *, link: str) -> None:
        """Play one link: its first track, and then the others that turn out to be there."""
        tracks: tuple[Track, ...] = (Track(),)
        number = 0
        while number < len(tracks):
            label = _label(link, number, tracks)
            if number >= MAX_TRACKS:
                words = f"only {MAX_TRACKS} of its {len(tracks)} tracks are decoded"
                self._outcome.miss(words, tracks[number].stated_s or 0.0, from_s=0.0)
            elif self._spent is not None:
                self._outcome.miss(f"{label}: {self._spent}", tracks[number].stated_s or 0.0, from_s=0.0)
            else:
                tracks = max(self._stream(piece, link, number), tracks, key=len)
            number += 1

    def finish(self) -> Outcome:
        """What is missing of the whole file."""
        if self._budget.seconds:
            return self._outcome
        if self._no_track and not self._damaged:
            raise NoAudioTrack(name=self._name, looks_like=f"a file of the kind {self._container}")
        reasons = "; ".join(dict.fromkeys(self._reasons))
        raise BrokenAudio(name=self._name, reason=reasons or "there are no samples in it")

    def _stream(self, piece: Piece, link: str, number: int) -> tuple[Track, ...]:
        """Play one track by the first decoder that gives all of it; returns the file's tracks."""
        takes: list[StreamReader] = []
        tracks: tuple[Track, ...] = (Track(),)
        first, silent = not self._budget.seconds, False
        backends = list(FORMATS[piece.format].backends) if piece.file.size else []
        for at, backend in enumerate(backends):
            take = StreamReader(piece=piece, backend=backend, track=number, budget=self._budget)
            emit = _Emit(self._listener, self._container, link, number, first=first, again=bool(takes))
            try:
                take.run(emit)
            except NoTrack as damage:
                take.reason, self._no_track, silent = str(damage), True, True
            except DAMAGE as damage:
                take.reason, self._damaged = f"{backend}: {_words(damage)}", True
            except (AudioTooLarge, OutOfTime) as spent:
                if first:
                    raise
                self._spent = _limit(spent) if isinstance(spent, AudioTooLarge) else str(spent)
                take.reason = self._spent
            tracks = max(take.tracks, tracks, key=len)
            if take.reason is not None:
                self._reasons.append(take.reason)
            if take.seconds:
                takes.append(take)
            if self._spent or (take.seconds and not take.falls_short and take.reason is None):
                break
            best = max(takes, key=lambda take: take.seconds, default=None)
            tried_all = at == len(FORMATS[piece.format].backends) - 1
            if tried_all and best is not None and best.seconds > takes[-1].seconds + 1:
                backends.append(best.backend)  # the last decoder gave less than one before it
        if takes or not silent:
            self._judge(piece, takes[-1] if takes else None, _label(link, number, tracks), number, tracks)
        return tracks

    def _judge(
        self, piece: Piece, take: StreamReader | None, label: str, number: int, tracks: tuple[Track, ...]
    ) -> None:
        """Add what is missing of a stream to what is missing of the file."""
        sequential = len(tracks) == 1
        prefix = f"{label}: " if label else ""
        if take is None:
            words = piece.missing or "; ".join(dict.fromkeys(self._reasons[-2:])) or "it cannot be decoded"
            seconds = max(piece.expected_s or 0.0, tracks[min(number, len(tracks) - 1)].stated_s or 0.0)
            self._outcome.miss(
                f"{prefix}{words}", seconds, from_s=self._budget.seconds if sequential else 0.0
            )
            return
        start_s = self._budget.seconds if sequential else 0.0
        self._budget.take(take)
        lack, seconds, at_end = take.missing()
        if lack is not None:
            self._outcome.miss(
                f"{prefix}{lack}", seconds, from_s=start_s + take.seconds if at_end else start_s
            )


class _Emit:
    """Announces a stream before its first samples, and passes them on."""

    def __init__(
        self, listener: BlockSink, container: str, link: str, number: int, *, first: bool, again: bool
    ) -> None:
        self._listener, self._container, self._link, self._number = listener, container, link, number
        self._first, self._again = first, again

    def begin(self, *, codec: str, rate_hz: int, channels: int, tracks: tuple[Track, ...]) -> None:
        """Announce."""
        if self._first:
            self._listener.header(
                Header(container=self._container, codec=codec, rate_hz=rate_hz, channels=channels)
            )
        label = _label(self._link, self._number, tracks)
        if label:
            kind: Kind = "parallel" if len(tracks) > 1 else "sequential"
            self._listener.part(label, kind, again=self._again and not self._first)

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Pass on."""
        self._listener.samples(samples)


def _label(link: str, number: int, tracks: tuple[Track, ...]) -> str:
    """Such as "link 2", "track 1 (eng)" or "link 1, track 2"; empty where there is but one stream."""
    if len(tracks) <= 1:
        return link
    said = tracks[number].label if number < len(tracks) else ""
    track = f"track {number + 1} ({said})" if said else f"track {number + 1}"
    return f"{link}, {track}" if link else track


def _limit(spent: AudioTooLarge) -> str:
    """Which limit was reached, and the setting that raises it."""
    setting = re.search(r"EARWITNESS_[A-Z_]+", spent.hint)
    limit = f"{spent.limit}, {setting[0]}" if setting else spent.limit
    return f"the limit on {spent.what} ({limit}) was reached"


def _words(damage: Exception) -> str:
    """The library's own words, without its numbers and the names that it made up for the file."""
    short = getattr(damage, "error_string", None) or getattr(damage, "strerror", None)
    return str(short or damage or type(damage).__name__).strip(" .")
