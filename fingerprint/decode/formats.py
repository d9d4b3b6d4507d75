"""Supported formats and codecs, and the backends that decode them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Format(StrEnum):
    """A supported format, detected from the bytes."""

    WAV = "wav"
    AIFF = "aiff"
    FLAC = "flac"
    MP3 = "mp3"
    OGG = "ogg"
    OPUS = "opus"
    SPEEX = "spx"
    M4A = "m4a"
    AAC = "aac"
    LOAS = "loas"
    WEBM = "webm"
    AU = "au"
    CAF = "caf"
    W64 = "w64"
    AC3 = "ac3"
    EAC3 = "eac3"
    DTS = "dts"
    TRUEHD = "thd"
    WAVPACK = "wv"
    APE = "ape"
    TTA = "tta"
    TAK = "tak"
    MUSEPACK = "mpc"
    MUSEPACK8 = "mpc8"
    SPHERE = "sph"
    SHORTEN = "shn"
    ASF = "asf"
    AVI = "avi"
    FLV = "flv"
    MPEG = "mpg"
    TS = "ts"
    REAL = "rm"
    MXF = "mxf"
    AMR = "amr"
    VOC = "voc"
    IFF = "iff"
    SOX = "sox"
    IRCAM = "ircam"
    DSF = "dsf"
    QOA = "qoa"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatFacts:
    """Properties of a format.

    Attributes
    ----------
    container : str
        Its name in findings.
    demuxer : str
        FFmpeg's name of the only demuxer that is used.
    backends : tuple of str
        Backends in the order in which they are tried. libsndfile is faster, and also reads Ogg files that
        FFmpeg rejects.
    """

    container: str
    demuxer: str
    backends: tuple[str, ...] = ("ffmpeg",)


_BOTH: Final = ("libsndfile", "ffmpeg")
_FFMPEG_FIRST: Final = ("ffmpeg", "libsndfile")

FORMATS: Final[dict[Format, FormatFacts]] = {
    Format.WAV: FormatFacts(container="wav", demuxer="wav", backends=_BOTH),
    Format.AIFF: FormatFacts(container="aiff", demuxer="aiff", backends=_BOTH),
    Format.FLAC: FormatFacts(container="flac", demuxer="flac", backends=_FFMPEG_FIRST),
    Format.MP3: FormatFacts(container="mp3", demuxer="mp3", backends=_BOTH),
    Format.OGG: FormatFacts(container="ogg", demuxer="ogg", backends=_FFMPEG_FIRST),
    Format.OPUS: FormatFacts(container="ogg", demuxer="ogg", backends=_FFMPEG_FIRST),
    Format.SPEEX: FormatFacts(container="ogg", demuxer="ogg"),
    Format.M4A: FormatFacts(container="mp4", demuxer="mov"),
    Format.AAC: FormatFacts(container="adts", demuxer="aac"),
    Format.LOAS: FormatFacts(container="loas", demuxer="loas"),
    Format.WEBM: FormatFacts(container="webm", demuxer="matroska"),
    Format.AU: FormatFacts(container="au", demuxer="au"),
    Format.CAF: FormatFacts(container="caf", demuxer="caf"),
    Format.W64: FormatFacts(container="w64", demuxer="w64"),
    Format.AC3: FormatFacts(container="ac3", demuxer="ac3"),
    Format.EAC3: FormatFacts(container="eac3", demuxer="eac3"),
    Format.DTS: FormatFacts(container="dts", demuxer="dts"),
    Format.TRUEHD: FormatFacts(container="truehd", demuxer="truehd"),
    Format.WAVPACK: FormatFacts(container="wavpack", demuxer="wv"),
    Format.APE: FormatFacts(container="ape", demuxer="ape"),
    Format.TTA: FormatFacts(container="tta", demuxer="tta"),
    Format.TAK: FormatFacts(container="tak", demuxer="tak"),
    Format.MUSEPACK: FormatFacts(container="musepack", demuxer="mpc"),
    Format.MUSEPACK8: FormatFacts(container="musepack", demuxer="mpc8"),
    Format.SPHERE: FormatFacts(container="sphere", demuxer="nistsphere"),
    Format.SHORTEN: FormatFacts(container="shorten", demuxer="shn"),
    Format.ASF: FormatFacts(container="asf", demuxer="asf"),
    Format.AVI: FormatFacts(container="avi", demuxer="avi"),
    Format.FLV: FormatFacts(container="flv", demuxer="flv"),
    Format.MPEG: FormatFacts(container="mpeg", demuxer="mpeg"),
    Format.TS: FormatFacts(container="mpegts", demuxer="mpegts"),
    Format.REAL: FormatFacts(container="realmedia", demuxer="rm"),
    Format.MXF: FormatFacts(container="mxf", demuxer="mxf"),
    Format.AMR: FormatFacts(container="amr", demuxer="amr"),
    Format.VOC: FormatFacts(container="voc", demuxer="voc"),
    Format.IFF: FormatFacts(container="iff", demuxer="iff"),
    Format.SOX: FormatFacts(container="sox", demuxer="sox"),
    Format.IRCAM: FormatFacts(container="ircam", demuxer="ircam"),
    Format.DSF: FormatFacts(container="dsf", demuxer="dsf"),
    Format.QOA: FormatFacts(container="qoa", demuxer="qoa"),
}
"""The allow-list."""

CODECS: Final = (
    "aac", "aac_latm", "ac3", "eac3", "dca", "mlp", "truehd", "alac", "als", "flac", "wavpack", "ape",
    "tta", "tak", "shorten", "mpc7", "mpc8", "qoa", "mp1float", "mp2float", "mp3float", "mp3adufloat",
    "mp3on4float", "mp1", "mp2", "mp3", "opus", "vorbis", "speex", "amrnb", "amrwb", "gsm", "gsm_ms",
    "ilbc", "g722", "g726", "g726le", "g723_1", "g729", "qcelp", "evrc", "wmav1", "wmav2", "wmapro",
    "wmalossless", "wmavoice", "xma1", "xma2", "nellymoser", "cook", "ralf", "sipr", "real_144",
    "real_288", "atrac1", "atrac3", "atrac3plus", "qdm2", "qdmc", "mace3", "mace6", "truespeech",
    "dvaudio", "s302m", "pcm_bluray", "pcm_dvd", "pcm_lxf", "8svx_exp", "8svx_fib", "adpcm_ima_wav",
    "adpcm_ima_qt", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "adpcm_sbpro_2", "adpcm_sbpro_3",
    "adpcm_sbpro_4", "adpcm_ima_ws", "adpcm_ct", "dsd_lsbf", "dsd_msbf", "dsd_lsbf_planar",
    "dsd_msbf_planar", "dst", "pcm_u8", "pcm_s8", "pcm_s8_planar", "pcm_s16le", "pcm_s16be",
    "pcm_s16le_planar", "pcm_s16be_planar", "pcm_u16le", "pcm_u16be", "pcm_s24le", "pcm_s24be",
    "pcm_s24le_planar", "pcm_s24daud", "pcm_u24le", "pcm_u24be", "pcm_s32le", "pcm_s32be",
    "pcm_s32le_planar", "pcm_u32le", "pcm_u32be", "pcm_s64le", "pcm_s64be", "pcm_f16le", "pcm_f24le",
    "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_mulaw", "pcm_alaw", "pcm_vidc",
)  # fmt: skip
"""Allowed decoders of FFmpeg; no video decoder is among them."""
