"""Sounds that are too long for memory: their samples lie in an unlinked temporary file."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import RATE_HZ, Sound, Waveform

HELD_BYTES: Final = 256 << 20
"""Samples up to this size, of 1 h 41 min, are held in memory."""

SAMPLE_BYTES: Final = 4


class Spool:
    """Takes the bytes of samples as they come; more than `held_bytes` of them go to a file.

    Where no file can be had or written (no temporary folder, a full disk), all are held in memory.
    """

    def __init__(self, *, held_bytes: int | None = None) -> None:
        self._most_held: float = HELD_BYTES if held_bytes is None else held_bytes
        self._held = bytearray()
        self._file: FileIO | None = None
        self.n_bytes = 0

    def add(self, data: bytes) -> None:
        """Take what follows."""
        if self._file is None and self.n_bytes + len(data) > self._most_held:
            self._to_file()
        if self._file is not None:
            try:
                _write(self._file, self.n_bytes, data)
            except OSError:
                self._to_memory(self._file)
        if self._file is None:
            self._held += data
        self.n_bytes += len(data)

    def cut_off(self, n_bytes: int) -> None:
        """Forget what came after the first `n_bytes`."""
        del self._held[n_bytes:]
        self.n_bytes = n_bytes

    def sound(self) -> Sound:
        """All samples that are whole, not copied; nothing can be added afterwards."""
        n_samples = self.n_bytes // SAMPLE_BYTES
        if self._file is None:
            return Waveform(samples=np.frombuffer(self._held, dtype=np.float32, count=n_samples))
        return SpooledSound(spool=self, spans=((0, n_samples),))

    def read_into(self, first: int, samples: NDArray[np.float32]) -> None:
        """Fill an array with the samples from number `first` on, which lie in the file.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        assert self._file is not None
        _read(self._file, first * SAMPLE_BYTES, samples.data.cast("B"))

    def _to_file(self) -> None:
        self._most_held = float("inf")  # it is tried once
        with suppress(OSError):
            file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # it is closed with the spool
            weakref.finalize(self, file.close)
            try:
                _write(file, 0, self._held)
            except OSError:
                file.close()  # what it holds would go on filling the disk
                return
            self._file, self._held = file, bytearray()

    def _to_memory(self, file: FileIO) -> None:
        self._held, self._file = bytearray(self.n_bytes), None
        _read(file, 0, memoryview(self._held))
        file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledSound:
    """Mono sound at ``RATE_HZ`` that lies in a file.

    Attributes
    ----------
    spans : tuple of (int, int)
        First and last sample (excluded) of the stretches of the spool that follow one another in it.
    """

    spool: Spool
    spans: tuple[tuple[int, int], ...]

    @property
    def n_samples(self) -> int:
        """Length in samples."""
        return sum(last - first for first, last in self.spans)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / RATE_HZ

    @property
    def samples(self) -> NDArray[np.float32]:
        """All of its samples, read to memory; float32, shape (n_samples,)."""
        return self.read(0, self.n_samples)

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Samples `first` (included) to `last` (excluded), fewer at the end.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        spans = self._within(first, last)
        samples = np.empty(sum(after - before for before, after in spans), dtype=np.float32)
        place = 0
        for before, after in spans:
            self.spool.read_into(before, samples[place : place + after - before])
            place += after - before
        return samples

    def cut(self, spans: Sequence[tuple[int, int]]) -> SpooledSound:
        """Some stretches of it, one after another, each from a first sample up to a last one (excluded)."""
        within = tuple(span for first, last in spans for span in self._within(first, last))
        return SpooledSound(spool=self.spool, spans=within)

    def _within(self, first: int, last: int) -> list[tuple[int, int]]:
        """Where samples `first` to `last` of this sound lie in the spool."""
        found, start = [], 0
        for begin, end in self.spans:
            before = begin + max(first - start, 0)
            after = min(begin + last - start, end)
            if before < after:
                found.append((before, after))
            start += end - begin
        return found


def _write(file: FileIO, place: int, data: bytes | bytearray) -> None:
    file.seek(place)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _read(file: FileIO, place: int, view: memoryview) -> None:
    file.seek(place)
    while view:
        n_read = file.readinto(view)
        if not n_read:
            raise OSError("a temporary file is shorter than what was written to it")
        view = view[n_read:]
