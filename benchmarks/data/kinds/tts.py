"""Synthetic voices: Flite, Festival and eSpeak NG, run as programs; every piece has other sentences."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from benchmarks.data.kinds.makers import PIECE_S, Maker, Side, Sound, by_seed, levelled
from benchmarks.data.kinds.text import sentences

N_WORDS: Final = 135
"""Words of a piece: about a minute of speech; the rest is cut off."""

RATE_HZ: Final = 16_000
VOICES: Final = Path("/usr/share/festival/voices")
"""Festival's voices, by language."""

FLITE: Final[tuple[tuple[str, Side], ...]] = (
    ("kal", "fit"),
    ("kal16", "fit"),
    ("awb", "fit"),
    ("rms", "test"),
    ("slt", "test"),
)

FESTIVAL: Final[tuple[tuple[str, str, str, str, Side], ...]] = (
    ("ked_diphone", "en", "latin-1", "festvox-kdlpc16k", "fit"),
    ("kal_diphone", "en", "latin-1", "festvox-kallpc16k", "fit"),
    ("suo_fi_lj_diphone", "fi", "latin-1", "festvox-suopuhe-lj", "fit"),
    ("czech_dita", "cs", "iso8859-2", "festvox-czech-dita", "fit"),
    ("czech_machac", "cs", "iso8859-2", "festvox-czech-machac", "fit"),
    ("hindi_NSK_diphone", "hi", "utf-8", "festvox-hi-nsk festival-hi", "fit"),
    ("telugu_NSK_diphone", "te", "utf-8", "festvox-te-nsk festival-te", "fit"),
    ("cmu_us_slt_arctic_hts", "en", "latin-1", "festvox-us-slt-hts", "test"),
    ("upc_ca_ona_hts", "ca", "latin-1", "festvox-ca-ona-hts", "test"),
    ("hy_fi_mv_diphone", "fi", "latin-1", "festvox-suopuhe-mv", "test"),
    ("czech_krb", "cs", "iso8859-2", "festvox-czech-krb", "test"),
    ("czech_ph", "cs", "iso8859-2", "festvox-czech-ph", "test"),
    ("msu_ru_nsh_clunits", "ru", "utf-8", "festvox-ru", "test"),
)
"""Voice, language, encoding, package, side. One speaker (kal, slt, NSK) is on one side only."""

ESPEAK: Final[tuple[tuple[str, str, Side], ...]] = (
    ("en-us", "en", "fit"),
    ("de+m3", "de", "fit"),
    ("fr+f2", "fr", "fit"),
    ("es+klatt2", "es", "fit"),
    ("nl+f4", "nl", "fit"),
    ("ru+croak", "ru", "fit"),
    ("en-gb-scotland+m7", "en", "test"),
    ("it+f5", "it", "test"),
    ("pl+m4", "pl", "test"),
    ("fi+klatt4", "fi", "test"),
    ("cs+f3", "cs", "test"),
    ("de+klatt", "de", "test"),
)
"""Voice and variant, language, side."""


def _spoken(
    command: Callable[[Path, Path], list[str]], language: str, encoding: str, rng: np.random.Generator
) -> Sound:
    """Return one piece: the program reads a text file and writes a WAV file."""
    with tempfile.TemporaryDirectory() as folder:
        text, wav = Path(folder) / "text.txt", Path(folder) / "speech.wav"
        lines = "\n\n".join(sentences(rng, language, N_WORDS))
        text.write_bytes(lines.encode(encoding, errors="ignore"))
        subprocess.run(command(text, wav), check=True, capture_output=True, timeout=300)
        samples, rate_hz = soundfile.read(wav, dtype="float32", always_2d=True)
    return levelled(samples.mean(axis=1)[: round(PIECE_S * rate_hz)])


def _flite(voice: str, text: Path, wav: Path) -> list[str]:
    return ["flite", "-voice", voice, "-f", str(text), "-o", str(wav)]


def _festival(voice: str, text: Path, wav: Path) -> list[str]:
    return ["text2wave", "-eval", f"(voice_{voice})", "-F", str(RATE_HZ), "-o", str(wav), str(text)]


def _espeak(voice: str, text: Path, wav: Path) -> list[str]:
    return ["espeak-ng", "-v", voice, "-f", str(text), "-w", str(wav)]


def makers() -> list[Maker]:
    """Return every synthetic voice."""
    flite = [
        Maker(
            kind="tts",
            name=f"flite-{voice}",
            side=side,
            rate_hz=8_000 if voice == "kal" else RATE_HZ,
            play=by_seed(partial(_spoken, partial(_flite, voice), "en", "utf-8")),
            licence="CMU (permissive)",
            package="flite",
            needs=("flite",),
        )
        for voice, side in FLITE
    ]
    festival = [
        Maker(
            kind="tts",
            name=f"festival-{voice}",
            side=side,
            rate_hz=RATE_HZ,
            play=by_seed(partial(_spoken, partial(_festival, voice), language, encoding)),
            licence=f"see the package {package}",
            package=f"festival {package}",
            needs=("text2wave", next(map(str, VOICES.glob(f"*/{voice}")), str(VOICES / voice))),
        )
        for voice, language, encoding, package, side in FESTIVAL
    ]
    espeak = [
        Maker(
            kind="tts",
            name=f"espeak-{voice}",
            side=side,
            rate_hz=22_050,
            play=by_seed(partial(_spoken, partial(_espeak, voice), language, "utf-8")),
            licence="GPL-3.0 (program)",
            package="espeak-ng",
            needs=("espeak-ng",),
        )
        for voice, language, side in ESPEAK
    ]
    return flite + espeak + festival
