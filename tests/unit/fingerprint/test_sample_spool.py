"""A sound in a file gives the very answers of the same sound in memory, whatever its length and pieces."""

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
    """Noise that comes and goes, with a stretch of digital silence in it."""
    samples = np.random.default_rng(n_samples).standard_normal(n_samples).astype(np.float32)
    samples *= np.float32(0.3) * np.sin(np.arange(n_samples) / RATE_HZ).astype(np.float32)
    samples[n_samples // 2 : n_samples * 3 // 5] = 0.0
    return samples


def spooled(samples: NDArray[np.float32], *, piece_bytes: int = 1 << 20, memory_bytes: int = 0) -> Sound:
    """The sound, given to a spool in pieces."""
    taken, data = Spool(memory_bytes=memory_bytes), samples.tobytes()
    for start in range(0, len(data), piece_bytes):
        taken.add(data[start : start + piece_bytes])
    return taken.sound()


@pytest.mark.parametrize("n_samples", LENGTHS)
def test_a_sound_in_a_file_gives_the_same_query(n_samples: int) -> None:
    """Frames, Chromaprint and activity are those of the sound in memory, to the last bit."""
    samples = noisy(n_samples)
    whole, stored = Waveform(samples=samples), spooled(samples)
    assert isinstance(stored, SpooledSound) == bool(n_samples)
    assert (stored.n_samples, stored.duration_s) == (n_samples, whole.duration_s)
    at_once = power_frames(samples, 0, count_frames(n_samples))
    for sound in (whole, stored):
        assert spectrogram(sound).power.tobytes() == at_once.tobytes()
    assert chromaprint(stored).tobytes() == chromaprint(whole).tobytes()
    assert active_seconds(stored) == active_seconds(whole)


def test_a_sound_in_a_file_gives_the_same_fingerprint() -> None:
    """Codes and peaks, too, of what lies over several reads."""
    samples = noisy(2 * STEP + 777)
    ours = extractor()
    kept = [ours.fingerprint(ours.query(sound)) for sound in (Waveform(samples=samples), spooled(samples))]
    assert kept[0].codes.tobytes() == kept[1].codes.tobytes()
    assert kept[0].peaks.tobytes() == kept[1].peaks.tobytes()
    assert kept[0].active_s == kept[1].active_s


@pytest.mark.parametrize("piece_bytes", [1, 7, 4_096, 39_999, 40_000, 1 << 20])
@pytest.mark.parametrize("memory_bytes", [0, 1, 10_000, 39_999, 40_000])
def test_samples_come_back_in_whatever_pieces_they_came(piece_bytes: int, memory_bytes: int) -> None:
    """Before and after the move to a file."""
    samples = noisy(10_000)
    sound = spooled(samples, piece_bytes=piece_bytes, memory_bytes=memory_bytes)
    assert isinstance(sound, SpooledSound) == (memory_bytes < 40_000)
    assert np.array_equal(sound.samples, samples)
    assert np.array_equal(sound.read(4_000, 99_999), samples[4_000:])


@pytest.mark.parametrize("memory_bytes", [0, 3_000, 1 << 20])
def test_a_spool_forgets_what_it_is_to_forget(memory_bytes: int) -> None:
    """Another decoder starts a stream over: what follows takes the place of what came of it before."""
    taken = Spool(memory_bytes=memory_bytes)
    first, wrong, right = (noisy(n) for n in (1_000, 900, 500))
    for samples in (first, wrong):
        taken.add(samples.tobytes())
    taken.truncate(first.nbytes)
    taken.add(right.tobytes())
    assert np.array_equal(taken.sound().samples, np.concatenate([first, right]))


def test_stretches_of_a_sound_in_a_file_are_those_of_the_sound_in_memory() -> None:
    """However many there are, wherever they lie, also of what was cut before."""
    samples, rng = noisy(5_000), np.random.default_rng(1)
    for _ in range(50):
        sounds: list[Sound] = [Waveform(samples=samples), spooled(samples)]
        for n_spans in (3, 2, 1):
            most = sounds[0].n_samples
            spans = [(int(a), int(a + b)) for a, b in rng.integers(0, max(most // 2, 1), (n_spans, 2))]
            sounds = [sound.cut(spans) for sound in sounds]
            first, last = sorted(map(int, rng.integers(0, most + 1, 2)))
            assert sounds[0].n_samples == sounds[1].n_samples
            assert np.array_equal(sounds[0].samples, sounds[1].samples)
            assert np.array_equal(sounds[0].read(first, last), sounds[1].read(first, last))


class Full(FileIO):
    """A file on a disk that has room for 25,000 bytes."""

    def write(self, data: Any) -> int:
        """Write what there is room for."""
        room = 25_000 - self.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(memoryview(data)[:room]) or 0


def nowhere(**_: Any) -> FileIO:
    """No temporary folder."""
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


@pytest.mark.parametrize("memory_bytes", [0, 10_000, 30_000])
@pytest.mark.parametrize("trouble", ["full", "nowhere"])
def test_without_room_for_a_file_the_sound_is_held_in_memory(
    monkeypatch: pytest.MonkeyPatch, trouble: str, memory_bytes: int
) -> None:
    """Nothing is lost, whether the file cannot be made, moved to, or gone on with."""
    with tempfile.NamedTemporaryFile() as named:
        made = {"full": lambda **_: Full(named.name, "w+"), "nowhere": nowhere}[trouble]
        monkeypatch.setattr(tempfile, "TemporaryFile", made)
        samples = noisy(10_000)
        sound = spooled(samples, piece_bytes=4_000, memory_bytes=memory_bytes)
    assert isinstance(sound, Waveform)
    assert np.array_equal(sound.samples, samples)


def test_a_decoder_gives_the_same_samples_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file of several streams, held in memory or not."""
    data = encoded("flac", 2.0) + encoded("mp3", 1.0)
    with Decoder(limits=Limits(wall_s=300)) as decoder:
        held = decoder.decode(data, name="joined")
        monkeypatch.setattr(spool, "MEMORY_BYTES", 50_000)
        stored = decoder.decode(data, name="joined")
    assert isinstance(held.waveform, Waveform) and isinstance(stored.waveform, SpooledSound)
    assert np.array_equal(held.waveform.samples, stored.waveform.samples)
    assert held.parts == stored.parts and len(stored.parts) == 2


def test_the_length_from_which_files_are_used_is_the_one_in_the_documents() -> None:
    """An hour and 41 minutes, at 159 MB an hour."""
    assert round(3_600 * 4 * RATE_HZ / 1e6) == 159
    assert spool.MEMORY_BYTES // (4 * RATE_HZ) // 60 == 101


def test_of_a_sound_in_a_file_memory_holds_the_spectrogram_and_little_more() -> None:
    """A query of ten minutes: 26 MB of samples, 10 MB of frames."""
    ours, sound = extractor(), spooled(noisy(600 * RATE_HZ))
    ours.query(spooled(noisy(5 * RATE_HZ)))  # loads the kernels
    tracemalloc.start()
    try:
        query = ours.query(sound)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < query.spectrogram.power.nbytes + 14e6
