"""Stores the samples of long recordings in an unlinked temporary file instead of memory."""

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

MEMORY_BYTES: Final = 256 << 20
"""Samples up to this size, 1 h 41 min, stay in memory."""

SAMPLE_BYTES: Final = 4


class Spool:
    """Collects samples; moves them to a temporary file when they exceed `memory_bytes`.

    If no file can be created or written (no temporary folder, a full disk), all stay in memory.
    """

    def __init__(self, *, memory_bytes: int | None = None) -> None:
        self._max_memory: float = MEMORY_BYTES if memory_bytes is None else memory_bytes
        self._memory = bytearray()
        self._file: FileIO | None = None
        self.n_bytes = 0

    def add(self, data: bytes) -> None:
        """Append bytes of samples."""
        if self._file is None and self.n_bytes + len(data) > self._max_memory:
            self._to_file()
        if self._file is not None:
            try:
                _write(self._file, self.n_bytes, data)
            except OSError:
                self._to_memory(self._file)
        if self._file is None:
            self._memory += data
        self.n_bytes += len(data)

    def truncate(self, n_bytes: int) -> None:
        """Discard everything after the first `n_bytes`."""
        del self._memory[n_bytes:]
        self.n_bytes = n_bytes

    def sound(self) -> Sound:
        """The complete samples, not copied; nothing can be added afterwards."""
        n_samples = self.n_bytes // SAMPLE_BYTES
        if self._file is None:
            return Waveform(samples=np.frombuffer(self._memory, dtype=np.float32, count=n_samples))
        return SpooledSound(spool=self, spans=((0, n_samples),))

    def read_into(self, first: int, samples: NDArray[np.float32]) -> None:
        """Fill an array with the samples from `first` on, from the file.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        assert self._file is not None
        _read(self._file, first * SAMPLE_BYTES, samples.data.cast("B"))

    def _to_file(self) -> None:
        self._max_memory = float("inf")  # try only once
        with suppress(OSError):
            file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed with the spool
            weakref.finalize(self, file.close)
            try:
                _write(file, 0, self._memory)
            except OSError:
                file.close()  # frees the disk
                return
            self._file, self._memory = file, bytearray()

    def _to_memory(self, file: FileIO) -> None:
        self._memory, self._file = bytearray(self.n_bytes), None
        _read(file, 0, memoryview(self._memory))
        file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledSound:
    """Mono audio at ``RATE_HZ`` in a file.

    Attributes
    ----------
    spans : tuple of (int, int)
        Ranges of samples of the spool, first and last (excluded), that are concatenated.
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
        """All samples, read into memory; float32, shape (n_samples,)."""
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
        filled = 0
        for before, after in spans:
            self.spool.read_into(before, samples[filled : filled + after - before])
            filled += after - before
        return samples

    def cut(self, spans: Sequence[tuple[int, int]]) -> SpooledSound:
        """Concatenation of ranges of samples, first and last (excluded)."""
        within = tuple(span for first, last in spans for span in self._within(first, last))
        return SpooledSound(spool=self.spool, spans=within)

    def _within(self, first: int, last: int) -> list[tuple[int, int]]:
        """Ranges of the spool that hold samples `first` to `last`."""
        ranges, start = [], 0
        for begin, end in self.spans:
            before = begin + max(first - start, 0)
            after = min(begin + last - start, end)
            if before < after:
                ranges.append((before, after))
            start += end - begin
        return ranges


def _write(file: FileIO, offset: int, data: bytes | bytearray) -> None:
    file.seek(offset)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _read(file: FileIO, offset: int, view: memoryview) -> None:
    file.seek(offset)
    while view:
        n_read = file.readinto(view)
        if not n_read:
            raise OSError("a temporary file is shorter than what was written to it")
        view = view[n_read:]
