"""Files of several streams: joined, chained and muxed streams are decoded as labelled parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.decode.parent.response import WorkerResponse
from earwitness.fingerprint.decode.protocol import ProtocolError
from earwitness.fingerprint.types import RATE_HZ, Decoded
from tests.hostile.encode import SUFFIXES, by_soundfile, encoded, sound, tracks
from tests.hostile.encode_more import BY_HAND, BY_LIBRARY, encoded_more

TRIMMED_S = 0.1
"""Seconds that codecs may add to or trim from a stream."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all tests of this file."""
    with Decoder(limits=Limits(wall_s=300)) as opened:
        yield opened


def low(suffix: str, seconds: float = 1.5) -> bytes:
    """Encoded mono audio at 22.05 kHz."""
    samples = sound(seconds, rate_hz=22_050, channels=1)
    return by_soundfile(samples, 22_050, {"mp3": "MP3", "oga": "OGG"}.get(suffix, suffix.upper()))


def lengths(decoded: Decoded) -> list[float]:
    """Duration of each part in seconds; of the waveform if there is one stream."""
    return [part.duration_s for part in decoded.parts] or [decoded.waveform.duration_s]


FIRST = [suffix for suffix in SUFFIXES if suffix != "webm"]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FIRST, SUFFIXES)))
def test_a_file_of_any_format_after_another_is_decoded(decoder: Decoder, first: str, second: str) -> None:
    """Two files joined end to end are decoded to the end."""
    joined = decoder.decode(encoded(first, 1.0) + encoded(second, 2.0), name="joined")
    seconds = joined.waveform.duration_s + joined.not_compared_s
    assert seconds == pytest.approx(3.0, abs=2 * TRIMMED_S)
    assert joined.whole, joined.note


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav", "aiff"])
def test_links_of_other_rates_and_channels_are_decoded(decoder: Decoder, suffix: str) -> None:
    """Links of different rates and channels have a label and a position in the waveform."""
    joined = decoder.decode(encoded(suffix, 1.0) + low(suffix) + encoded(suffix, 2.0), name="joined")
    assert joined.whole, joined.note
    assert lengths(joined) == pytest.approx([1.0, 1.5, 2.0], abs=TRIMMED_S)
    assert [part.label for part in joined.parts] == ["link 1", "link 2", "link 3"]
    assert {part.kind for part in joined.parts} == {"sequential"}
    starts = [0.0, *np.cumsum([part.duration_s for part in joined.parts])[:-1]]
    assert [part.start_s for part in joined.parts] == pytest.approx(starts, abs=1e-6)
    alone = decoder.decode(low(suffix), name="alone").waveform.samples
    first = round(joined.parts[1].start_s * RATE_HZ)
    np.testing.assert_allclose(joined.waveform.samples[first : first + alone.size], alone, atol=1e-3)


@pytest.mark.parametrize("suffix", [*BY_LIBRARY, *BY_HAND])
def test_a_file_of_any_other_format_joined_to_itself_is_decoded(decoder: Decoder, suffix: str) -> None:
    """If a format does not state the end of a file, the next one is detected by its first bytes."""
    joined = decoder.decode(encoded_more(suffix, 2.0) * 2, name="joined")
    assert joined.waveform.duration_s + joined.not_compared_s == pytest.approx(4.0, abs=0.3)
    assert joined.whole, joined.note


@pytest.mark.parametrize("codecs", [("ogg", "opus"), ("opus", "oga", "ogg"), ("oga", "ogg")])
def test_a_chained_ogg_may_change_its_codec(decoder: Decoder, codecs: tuple[str, ...]) -> None:
    """Vorbis, Opus and FLAC may be chained in one Ogg file."""
    links = [encoded_more(codec, 1.0) if codec == "oga" else encoded(codec, 1.0) for codec in codecs]
    chained = decoder.decode(b"".join(links), name="chained")
    assert chained.whole, chained.note
    assert lengths(chained) == pytest.approx([1.0] * len(codecs), abs=TRIMMED_S)


def test_joined_layers_of_mpeg_audio_are_two_parts(decoder: Decoder) -> None:
    """MP3 and MP2 in one file are two parts."""
    joined = decoder.decode(encoded("mp3", 1.0) + encoded_more("mp2", 1.0), name="layers")
    assert lengths(joined) == pytest.approx([1.0, 1.0], abs=TRIMMED_S)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "aac"), ("mov", "pcm_s16le"), ("matroska", "aac"), ("webm", "libopus"), ("avi", "mp2"),
     ("mpegts", "mp2"), ("mpeg", "mp2")],
)  # fmt: skip
def test_every_track_of_a_container_is_decoded(decoder: Decoder, container: str, codec: str) -> None:
    """Parallel tracks are concatenated, each with its number and language."""
    data = tracks(container, codec, 1.0, 2.0, 1.5, languages=("eng", "deu"))
    decoded = decoder.decode(data, name="tracks")
    assert decoded.whole, decoded.note
    assert lengths(decoded) == pytest.approx([1.0, 2.0, 1.5], abs=TRIMMED_S)
    assert {part.kind for part in decoded.parts} == {"parallel"}
    assert [part.label[:7] for part in decoded.parts] == ["track 1", "track 2", "track 3"]
    if container in ("mp4", "matroska"):
        assert decoded.parts[1].label == "track 2 (deu)"


def test_tracks_beyond_the_limit_are_reported(decoder: Decoder) -> None:
    """Of 34 tracks, 32 are decoded and two are reported as not compared."""
    decoded = decoder.decode(tracks("mp4", "aac", *[0.5] * 34), name="many")
    assert len(decoded.parts) == 32
    assert not decoded.whole and decoded.note is not None and "32 of its 34" in decoded.note
    assert decoded.not_compared_s == pytest.approx(1.0, abs=0.2)


def test_a_limit_on_later_streams_is_reported() -> None:
    """A limit reached by a later stream truncates that stream only."""
    with Decoder(limits=Limits(max_seconds=2.5)) as small:
        decoded = small.decode(tracks("mp4", "aac", 2.0, 2.0), name="long")
    assert not decoded.whole and decoded.note is not None and "limit on seconds" in decoded.note
    assert lengths(decoded)[0] == pytest.approx(2.0, abs=TRIMMED_S)
    assert decoded.waveform.duration_s + decoded.not_compared_s == pytest.approx(4.0, abs=2 * TRIMMED_S)


def test_parts_sent_by_the_worker_are_checked() -> None:
    """The parent places parts by the samples received, and rejects parts that are not in the protocol."""
    response = WorkerResponse(name="a", limits=Limits())
    response._header = {"container": "c", "codec": "c", "rate_hz": 1, "channels": 1}
    response._part({"label": "link 1\x1b[31m" * 99, "kind": "sequential", "again": False})
    response._samples.add(bytes(4 * RATE_HZ))
    response._part({"label": "link 2", "kind": "parallel", "again": False})
    decoded = response._decoded(response._header, {"note": None, "not_compared_s": 9.0})
    assert [(part.start_s, part.duration_s) for part in decoded.parts] == [(0.0, 1.0), (1.0, 0.0)]
    assert "\x1b" not in decoded.parts[0].label and len(decoded.parts[0].label) <= 120
    assert decoded.not_compared_s == 0.0
    for kind in ("crosswise", None, 7, ["parallel"]):
        with pytest.raises(ProtocolError):
            response._part({"label": "x", "kind": kind})
    for seconds in (-1, float("nan"), float("inf"), "3", None, True):
        with pytest.raises(ProtocolError):
            response._decoded(response._header, {"note": "cut", "not_compared_s": seconds})
