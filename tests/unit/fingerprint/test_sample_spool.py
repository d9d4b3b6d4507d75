"""Audio in a file gives the same results as in memory, at any length and in any pieces."""

from __future__ import annotations

import errno
import tempfile
import tracemalloc
from io import FileIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.fingerprint import sample_spool as spool
from earwitness.fingerprint.activity import BLOCKS_AT_ONCE, active_seconds
from earwitness.fingerprint.chromaprint import chromaprint
from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.sample_spool import Spool, SpooledSound
from earwitness.fingerprint.spectrogram import (
    READ_FRAMES,
    count_frames,
    power_frames,
    spectrogram,
)
from earwitness.fingerprint.types import RATE_HZ, Sound, Waveform
from tests.hostile.encode import encoded

STEP = READ_FRAMES * PARAMS.hop_samples
BLOCKS = BLOCKS_AT_ONCE * round(0.1 * RATE_HZ)
LENGTHS = sorted(
    {0, 1, 1_101, 1_102, PARAMS.n_fft, 5 * RATE_HZ}
    | {edge + more for edge in (STEP, BLOCKS) for more in (-PARAMS.n_fft, -1, 0, 1, PARAMS.n_fft)}
)


def noisy(n_samples: int) -> NDArray[np.float32]:
    """Amplitude-modulated noise with a stretch of digital silence."""
    samples = np.random.default_rng(n_samples).standard_normal(n_samples).astype(np.float32)
    samples *= np.float32(0.3) * np.sin(np.arange(n_samples) / RATE_HZ).astype(np.float32)
    samples[n_samples // 2 : n_samples * 3 // 5] = 0.0
    return samples


def spooled(samples: NDArray[np.float32], *, piece_bytes: int = 1 << 20, memory_bytes: int = 0) -> Sound:
    """The audio, written to a spool in pieces."""
    samples_spool, data = Spool(memory_bytes=memory_bytes), samples.tobytes()
    for start in range(0, len(data), piece_bytes):
        samples_spool.add(data[start : start + piece_bytes])
    return samples_spool.sound()


@pytest.mark.parametrize("n_samples", LENGTHS)
def test_audio_in_a_file_gives_the_same_query(n_samples: int) -> None:
    """Frames, Chromaprint and activity are bit for bit those of the audio in memory."""
    samples = noisy(n_samples)
    in_memory, in_file = Waveform(samples=samples), spooled(samples)
    assert isinstance(in_file, SpooledSound) == bool(n_samples)
    assert (in_file.n_samples, in_file.duration_s) == (n_samples, in_memory.duration_s)
    at_once = power_frames(samples, 0, count_frames(n_samples))
    for sound in (in_memory, in_file):
        assert spectrogram(sound).power.tobytes() == at_once.tobytes()
    assert chromaprint(in_file).tobytes() == chromaprint(in_memory).tobytes()
    assert active_seconds(in_file) == active_seconds(in_memory)


def test_audio_in_a_file_gives_the_same_fingerprint() -> None:
    """Codes and peaks are equal across several reads."""
    samples = noisy(2 * STEP + 777)
    newest = extractor()
    sounds = Waveform(samples=samples), spooled(samples)
    one, other = [newest.fingerprint(newest.query(sound)) for sound in sounds]
    assert one.codes.tobytes() == other.codes.tobytes()
    assert one.peaks.tobytes() == other.peaks.tobytes()
    assert one.active_s == other.active_s


@pytest.mark.parametrize("piece_bytes", [1, 7, 4_096, 39_999, 40_000, 1 << 20])
@pytest.mark.parametrize("memory_bytes", [0, 1, 10_000, 39_999, 40_000])
def test_samples_do_not_depend_on_the_pieces(piece_bytes: int, memory_bytes: int) -> None:
    """Samples are equal in memory and after the move to a file."""
    samples = noisy(10_000)
    sound = spooled(samples, piece_bytes=piece_bytes, memory_bytes=memory_bytes)
    assert isinstance(sound, SpooledSound) == (memory_bytes < 40_000)
    assert np.array_equal(sound.samples, samples)
    assert np.array_equal(sound.read(4_000, 99_999), samples[4_000:])


@pytest.mark.parametrize("memory_bytes", [0, 3_000, 1 << 20])
def test_a_truncated_spool_can_be_extended(memory_bytes: int) -> None:
    """If another backend starts a stream over, its samples replace the earlier ones."""
    samples_spool = Spool(memory_bytes=memory_bytes)
    first, wrong, right = (noisy(n) for n in (1_000, 900, 500))
    for samples in (first, wrong):
        samples_spool.add(samples.tobytes())
    samples_spool.truncate(first.nbytes)
    samples_spool.add(right.tobytes())
    assert np.array_equal(samples_spool.sound().samples, np.concatenate([first, right]))


def test_ranges_of_audio_in_a_file_equal_those_in_memory() -> None:
    """Any number of ranges, at any position, and ranges of ranges, give the same samples."""
    samples, rng = noisy(5_000), np.random.default_rng(1)
    for _ in range(50):
        sounds: list[Sound] = [Waveform(samples=samples), spooled(samples)]
        for n_spans in (3, 2, 1):
            n_samples = sounds[0].n_samples
            spans = [(int(a), int(a + b)) for a, b in rng.integers(0, max(n_samples // 2, 1), (n_spans, 2))]
            sounds = [sound.cut(spans) for sound in sounds]
            first, last = sorted(map(int, rng.integers(0, n_samples + 1, 2)))
            assert sounds[0].n_samples == sounds[1].n_samples
            assert np.array_equal(sounds[0].samples, sounds[1].samples)
            assert np.array_equal(sounds[0].read(first, last), sounds[1].read(first, last))


class FullDisk(FileIO):
    """A file on a disk with 25,000 free bytes."""

    def write(self, data: Any) -> int:
        """Write as many bytes as are free."""
        free = 25_000 - self.tell()
        if free <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(memoryview(data)[:free]) or 0


def no_folder(**_: Any) -> FileIO:
    """Fail as if there were no temporary folder."""
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


@pytest.mark.parametrize("memory_bytes", [0, 10_000, 30_000])
@pytest.mark.parametrize("failure", ["full", "no folder"])
def test_without_space_for_a_file_samples_stay_in_memory(
    monkeypatch: pytest.MonkeyPatch, failure: str, memory_bytes: int
) -> None:
    """Nothing is lost if the file cannot be created, filled or extended."""
    with tempfile.NamedTemporaryFile() as named:
        opener = {"full": lambda **_: FullDisk(named.name, "w+"), "no folder": no_folder}[failure]
        monkeypatch.setattr(tempfile, "TemporaryFile", opener)
        samples = noisy(10_000)
        sound = spooled(samples, piece_bytes=4_000, memory_bytes=memory_bytes)
    assert isinstance(sound, Waveform)
    assert np.array_equal(sound.samples, samples)


def test_a_decoder_gives_the_same_samples_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of several streams is decoded equally in memory and in a file."""
    data = encoded("flac", 2.0) + encoded("mp3", 1.0)
    with Decoder(limits=Limits(wall_s=300)) as decoder:
        in_memory = decoder.decode(data, name="joined")
        monkeypatch.setattr(spool, "MEMORY_BYTES", 50_000)
        in_file = decoder.decode(data, name="joined")
    assert isinstance(in_memory.waveform, Waveform) and isinstance(in_file.waveform, SpooledSound)
    assert np.array_equal(in_memory.waveform.samples, in_file.waveform.samples)
    assert in_memory.parts == in_file.parts and len(in_file.parts) == 2


def test_the_size_from_which_files_are_used_is_documented() -> None:
    """An hour and 41 minutes, at 159 MB an hour."""
    assert round(3_600 * 4 * RATE_HZ / 1e6) == 159
    assert spool.MEMORY_BYTES // (4 * RATE_HZ) // 60 == 101


def test_a_query_of_audio_in_a_file_needs_little_memory() -> None:
    """A query of ten minutes (26 MB of samples) needs its spectrogram and at most 14 MB more."""
    newest, sound = extractor(), spooled(noisy(600 * RATE_HZ))
    newest.query(spooled(noisy(5 * RATE_HZ)))  # loads the kernels
    tracemalloc.start()
    try:
        query = newest.query(sound)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < query.spectrogram.power.nbytes + 14e6
