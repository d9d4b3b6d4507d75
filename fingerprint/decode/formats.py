"""The formats that we read, and who decodes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Format(StrEnum):
    """One entry of the allow-list, recognised from the bytes."""

    WAV = "wav"
    AIFF = "aiff"
    FLAC = "flac"
    MP3 = "mp3"
    OGG = "ogg"
    OPUS = "opus"
    M4A = "m4a"
    AAC = "aac"
    WEBM = "webm"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatFacts:
    """What is to be known of a format.

    Attributes
    ----------
    container : str
        What a finding calls it.
    demuxer : str
        FFmpeg's name for it; nothing else is tried on the bytes.
    roads : tuple of str
        Decoders in the order in which they are tried. libsndfile is the faster one, but it stops where a
        chained Ogg, or a FLAC header that lies, has more; and it reads Ogg files that FFmpeg refuses.
    """

    container: str
    demuxer: str
    roads: tuple[str, ...]


FORMATS: Final[dict[Format, FormatFacts]] = {
    Format.WAV: FormatFacts(container="wav", demuxer="wav", roads=("libsndfile", "ffmpeg")),
    Format.AIFF: FormatFacts(container="aiff", demuxer="aiff", roads=("libsndfile", "ffmpeg")),
    Format.FLAC: FormatFacts(container="flac", demuxer="flac", roads=("ffmpeg", "libsndfile")),
    Format.MP3: FormatFacts(container="mp3", demuxer="mp3", roads=("libsndfile", "ffmpeg")),
    Format.OGG: FormatFacts(container="ogg", demuxer="ogg", roads=("ffmpeg", "libsndfile")),
    Format.OPUS: FormatFacts(container="ogg", demuxer="ogg", roads=("ffmpeg", "libsndfile")),
    Format.M4A: FormatFacts(container="mp4", demuxer="mov", roads=("ffmpeg",)),
    Format.AAC: FormatFacts(container="adts", demuxer="aac", roads=("ffmpeg",)),
    Format.WEBM: FormatFacts(container="webm", demuxer="matroska", roads=("ffmpeg",)),
}
"""The allow-list."""
