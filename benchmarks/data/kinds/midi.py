"""General MIDI renders of made pieces by FluidSynth with several soundfonts, and a piano alone."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import mido
import numpy as np
import soundfile

from benchmarks.data.kinds.makers import PIECE_S, Maker, Side, Sound, by_seed, levelled
from benchmarks.data.kinds.scores import Score, compose

RATE_HZ: Final = 22_050
TICKS_PER_S: Final = 960
"""Two beats of 480 ticks a second at the MIDI file's tempo of 120; notes have their times in seconds."""

LOADING: Final = ("-o", "synth.dynamic-sample-loading=1")
"""Only the samples of a score's programs are read: a compressed soundfont takes 14 s otherwise."""

SF2: Final = Path("/usr/share/sounds/sf2")
SF3: Final = Path("/usr/share/sounds/sf3")

SOUNDFONTS: Final[tuple[tuple[str, Path, str, Side], ...]] = (
    ("fluid", SF2 / "FluidR3_GM.sf2", "fluid-soundfont-gm", "fit"),
    ("timgm6mb", SF2 / "TimGM6mb.sf2", "timgm6mb-soundfont", "fit"),
    ("musescore", SF3 / "MuseScore_General_Lite.sf3", "musescore-general-soundfont-small", "fit"),
    ("csound", SF2 / "sf_GMbank.sf2", "csound-soundfont", "test"),
    ("opl3", SF2 / "OPL-3_FM_128M.sf2", "opl3-soundfont", "test"),
)
"""Name, file, package, side. MuseScore's soundfont grew out of Fluid's, so both are on one side."""

PROGRAMS: Final[Mapping[str, Sequence[int]]] = {
    "chords": (0, 1, 4, 5, 6, 11, 16, 19, 24, 25, 26, 27, 48, 49, 50, 52, 61, 88, 89, 90),
    "melody": (0, 11, 21, 22, 24, 26, 40, 41, 56, 60, 64, 65, 66, 68, 71, 72, 73, 75, 79, 80, 81, 84),
    "second": (0, 4, 9, 12, 14, 45, 46, 48, 57, 70, 73, 82, 98, 104, 108),
    "bass": (32, 33, 34, 35, 36, 38, 39, 43),
    "drums": (0,),
}
"""General MIDI programs of each part."""

CHANNELS: Final = {"chords": 0, "melody": 1, "second": 2, "bass": 3, "drums": 9}


def render(soundfont: Path, programs: Mapping[str, int], score: Score) -> Sound:
    """Return a score played with a soundfont, mono at ``RATE_HZ``."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "score.mid", Path(folder) / "score.wav"
        write_midi(midi, programs, score)
        command = [
            "fluidsynth",
            "-ni",
            "-q",
            "-r",
            str(RATE_HZ),
            "-g",
            "0.5",
            *LOADING,
            "-O",
            "s16",
            "-T",
            "wav",
        ]
        subprocess.run(
            [*command, "-F", str(wav), str(soundfont), str(midi)],
            check=True,
            capture_output=True,
            timeout=300,
        )
        samples, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    return levelled(samples.mean(axis=1)[: round(PIECE_S * RATE_HZ)])


def write_midi(path: Path, programs: Mapping[str, int], score: Score) -> None:
    """Write a standard MIDI file of one track."""
    events: list[tuple[int, int, mido.Message]] = [
        (0, 0, mido.Message("program_change", channel=CHANNELS[part], program=program))
        for part, program in programs.items()
    ]
    for note in score.notes:
        channel, key = CHANNELS[note.part], min(note.key, 127)
        start = round(note.start_s * TICKS_PER_S)
        end = max(round((note.start_s + note.length_s) * TICKS_PER_S), start + 1)
        on = mido.Message("note_on", channel=channel, note=key, velocity=note.velocity)
        events += [(start, 2, on), (end, 1, mido.Message("note_off", channel=channel, note=key))]
    track, last = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - last))
        last = tick
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_S // 2, tracks=[track]).save(path)


def band(soundfont: Path, score: Score) -> Sound:
    """Return a score played by a band of the soundfont's instruments, which the score chooses."""
    programs = {
        part: PROGRAMS[part][int(share * len(PROGRAMS[part]))] for part, share in score.sounds.items()
    }
    return render(soundfont, programs, score)


def _band(soundfont: Path, rng: np.random.Generator) -> Sound:
    return band(soundfont, compose(rng))


def _piano(soundfont: Path, rng: np.random.Generator) -> Sound:
    """Return a piece for the soundfont's grand piano alone."""
    score = compose(rng)
    notes = tuple(note for note in score.notes if note.part != "drums")
    return render(soundfont, dict.fromkeys(PROGRAMS, 0), replace(score, notes=notes))


def _held_chords(soundfont: Path, rng: np.random.Generator) -> Sound:
    """Return slow chords of one organ, strings or a pad: hardly anything moves."""
    score = compose(rng)
    last_s = max(note.start_s for note in score.notes)
    chords = [note for note in score.notes if note.part in ("chords", "bass")]
    slowed = [
        replace(note, start_s=2 * note.start_s, length_s=4 * note.length_s)
        for note in chords
        if 2 * note.start_s <= last_s
    ]
    program = HELD[int(score.sounds["chords"] * len(HELD))]
    return render(soundfont, dict.fromkeys(PROGRAMS, program), replace(score, notes=tuple(slowed)))


HELD: Final = (16, 17, 18, 19, 20, 21, 48, 49, 50, 51, 52, 88, 89, 90, 91, 92, 94, 95)
"""General MIDI programs of organs, strings and pads."""

PLAYS: Final = {"general_midi": _band, "piano": _piano, "held_chords": _held_chords}


def makers(kind: str) -> list[Maker]:
    """Return every soundfont as a maker of a kind."""
    return [
        Maker(
            kind=kind,
            name=name,
            side=side,
            rate_hz=RATE_HZ,
            play=by_seed(partial(PLAYS[kind], file)),
            licence=f"see the package {package}",
            package=f"fluidsynth {package}",
            needs=("fluidsynth", str(file)),
        )
        for name, file, package, side in SOUNDFONTS
    ]
