"""Missing packets of transport and program streams are detected by the timestamps of the others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pytest

from earwitness.fingerprint.decode import Decoder, Limits
from tests.hostile.encode import by_av, by_soundfile, sound

SECONDS = 6.0
CODECS = [("mpegts", "aac"), ("mpegts", "ac3"), ("mpegts", "mp2"), ("mpeg", "mp2"), ("mpeg", "ac3")]


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all tests of this file."""
    with Decoder(limits=Limits(wall_s=300)) as opened:
        yield opened


@lru_cache
def stream(container: str, codec: str) -> tuple[bytes, tuple[int, ...]]:
    """A stream of six seconds, and the offsets of its audio packets."""
    data = by_av(sound(SECONDS, rate_hz=48_000), 48_000, container, codec)
    return data, tuple(_ts_starts(data) if container == "mpegts" else _ps_starts(data))


def _ts_starts(data: bytes) -> Iterator[int]:
    for at in range(0, len(data), 188):
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        if pid == 0x100 and data[at + 1] & 0x40:
            yield at


def _ps_starts(data: bytes) -> Iterator[int]:
    at = data.find(b"\0\0\1\xba")
    while at >= 0:
        yield at
        at = data.find(b"\0\0\1\xba", at + 1)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7])
@pytest.mark.parametrize(("container", "codec"), CODECS)
def test_missing_packets_are_detected_by_timestamps(
    container: str, codec: str, share: float, decoder: Decoder
) -> None:
    """A gap between packets is counted as seconds that were not compared."""
    data, starts = stream(container, codec)
    first = len(starts) // 5
    last = first + max(1, int(share * len(starts)))
    decoded = decoder.decode(data[: starts[first]] + data[starts[last] :], name="gap")
    assert not decoded.whole
    assert decoded.waveform.duration_s + decoded.not_compared_s == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.parametrize(("container", "codec"), CODECS)
def test_joined_recordings_are_whole(container: str, codec: str, decoder: Decoder) -> None:
    """Nothing is missing where timestamps restart, wherever the files were cut and joined."""
    data, starts = stream(container, codec)
    middle = starts[len(starts) // 2]
    for joined in (data, data + data, data[:middle] + data):
        decoded = decoder.decode(joined, name="joined")
        assert decoded.whole
        assert decoded.waveform.duration_s == pytest.approx(SECONDS * len(joined) / len(data), abs=0.6)


@pytest.mark.parametrize(("container", "codec"), [CODECS[0], CODECS[3]])
def test_audio_after_a_stream_is_decoded_or_reported(container: str, codec: str, decoder: Decoder) -> None:
    """An MP3 file after the packets is reported if it is not decoded."""
    data, _ = stream(container, codec)
    mp3 = by_soundfile(sound(3.0), 44_100, "MP3")
    decoded = decoder.decode(data + mp3, name="joined")
    assert not decoded.whole or decoded.waveform.duration_s > SECONDS + 2.5
