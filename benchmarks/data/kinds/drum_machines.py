"""Step sequencers: kits of samples (Hydrogen's) and computed kits, 16 steps a bar, no pattern twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from benchmarks.data.kinds.makers import PIECE_S, SIDES, Maker, Side, Sound, add_at, by_seed, levelled

RATE_HZ: Final = 22_050
STEPS: Final = 16
TEMPO_BPM: Final = (118, 124)
"""Least and largest tempo, a whole number of beats a minute."""

HYDROGEN: Final = Path("/usr/share/hydrogen/data/drumkits")
HYDROGEN_KITS: Final[Mapping[str, Side]] = {
    "BJA_Pacific": "fit",
    "ColomboAcousticDrumkit": "fit",
    "ElectricEmpireKit": "fit",
    "ForzeeStereo": "fit",
    "Millo-Drums_v.1": "fit",
    "HardElectro1": "fit",
    "Audiophob": "test",
    "Gimme A Hand 1.0": "test",
    "Millo_MultiLayered3": "test",
    "The Black Pearl 1.0": "test",
    "VariBreaks": "test",
    "circAfrique v4": "test",
    "rumpf_kit_z01_h2": "test",
}
ROLES: Final[Mapping[str, str]] = {
    "kick": r"kick|bass|^bd|_bd|_k_|low",
    "snare": r"snare|^sd|_sn|clap|rim|slap",
    "hat": r"hat|^hh|_hh|chh|ohh|shaker|cymb|ride",
}
"""What the names of the samples of a role look like; a kit without such names plays others."""

N_COMPUTED_KITS: Final = 8
"""Computed kits of each side."""
LONGEST_HIT_S: Final = 2.0
SUFFIXES: Final = frozenset({".flac", ".wav", ".aif", ".aiff"})
LEVELS: Final[Mapping[str, float]] = {"kick": 1.0, "snare": 0.7, "hat": 0.4, "other": 0.5}
"""Level of each role in a piece."""

Kit = Mapping[str, list[Sound]]
"""Hits of each role."""

DENSITY: Final[Mapping[str, tuple[float, ...]]] = {
    "kick": (0.95, 0.05, 0.15, 0.15, 0.6, 0.05, 0.25, 0.15, 0.8, 0.05, 0.3, 0.15, 0.6, 0.1, 0.25, 0.2),
    "snare": (0.02, 0.03, 0.05, 0.05, 0.9, 0.05, 0.05, 0.15, 0.03, 0.1, 0.1, 0.05, 0.9, 0.05, 0.15, 0.2),
    "hat": (0.7, 0.25, 0.85, 0.25) * 4,
    "other": (0.06, 0.1, 0.1, 0.12) * 4,
}
"""Chance that a role plays on each step."""


def pattern(rng: np.random.Generator) -> dict[str, Sound]:
    """Return a bar: level of each role on each step, 0 where it does not play."""
    return {
        role: np.asarray(
            (rng.random(STEPS) < np.array(chances)) * rng.choice([0.6, 0.8, 1.0], STEPS), dtype=np.float32
        )
        for role, chances in DENSITY.items()
    }


def play_patterns(kit: Callable[[], Kit], rng: np.random.Generator) -> Sound:
    """Return a piece: patterns of its own, each repeated for some bars, with a fill at the end of each."""
    step_s = 60 / float(rng.integers(TEMPO_BPM[0], TEMPO_BPM[1] + 1)) / 4
    hits = {role: sounds[int(rng.integers(len(sounds)))] for role, sounds in kit().items()}
    track = np.zeros(round(PIECE_S * RATE_HZ), dtype=np.float32)
    bar, n_bars = 0, int(PIECE_S / step_s / STEPS) + 1
    while bar < n_bars:
        bars, fill = [pattern(rng)] * int(rng.integers(2, 8)), pattern(rng)
        for levels in [*bars, fill]:
            for role, of_role in levels.items():
                for step in np.flatnonzero(of_role):
                    at = round((bar * STEPS + float(step)) * step_s * RATE_HZ)
                    add_at(track, at, hits[role], LEVELS[role] * float(of_role[step]))
            bar += 1
    return levelled(track)


@cache
def sampled_kit(folder: Path) -> Kit:
    """Return the samples of a kit by role, by the names of the files."""
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and "empty" not in path.name)
    kit: dict[str, list[Sound]] = {}
    left = files
    for role, names in ROLES.items():
        chosen = [path for path in left if re.search(names, path.stem.lower())] or left[:1]
        left = [path for path in left if path not in chosen] or files
        kit[role] = [_sample(path) for path in chosen[:8]]
    kit["other"] = [_sample(path) for path in left[:12]]
    return kit


def _sample(path: Path) -> Sound:
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples[: round(LONGEST_HIT_S * rate_hz)].mean(axis=1)
    return levelled(soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ"))


@cache
def computed_kit(number: int) -> Kit:
    """Return one hit a role: a falling sine, noise with a tone, filtered noise, a tuned drum."""
    rng = np.random.default_rng([7, number])
    time_s = np.arange(round(0.6 * RATE_HZ)) / RATE_HZ
    noise = rng.standard_normal(time_s.size)
    fall = rng.uniform(38, 70) * (1 + rng.uniform(2, 8) * np.exp(-time_s / rng.uniform(0.01, 0.05)))
    kick = np.sin(2 * np.pi * np.cumsum(fall) / RATE_HZ) * np.exp(-time_s / rng.uniform(0.06, 0.3))
    tone = np.sin(2 * np.pi * rng.uniform(140, 260) * time_s) * np.exp(-time_s / rng.uniform(0.03, 0.12))
    snare = rng.uniform(0.3, 1) * noise * np.exp(-time_s / rng.uniform(0.04, 0.16)) + tone
    squares = sum(
        np.sign(np.sin(2 * np.pi * hertz * time_s))
        for hertz in rng.uniform(2500, 6500, int(rng.integers(2, 7)))
    )
    metal = np.diff(noise * rng.uniform(0.2, 1) + 0.3 * squares, prepend=0)
    hat = metal * np.exp(-time_s / rng.uniform(0.015, 0.1))
    drop = rng.uniform(90, 900) * (1 + rng.uniform(0, 0.6) * np.exp(-time_s / 0.03))
    other = np.sin(2 * np.pi * np.cumsum(drop) / RATE_HZ) * np.exp(-time_s / rng.uniform(0.02, 0.2))
    sounds = {"kick": kick, "snare": snare, "hat": hat, "other": other}
    return {role: [levelled(sound.astype(np.float32))] for role, sound in sounds.items()}


def makers() -> list[Maker]:
    """Return every kit."""
    sampled = [
        Maker(
            kind="drum_machine",
            name=re.sub(r"[^\w.]+", "_", name),
            side=side,
            rate_hz=RATE_HZ,
            play=by_seed(partial(play_patterns, partial(sampled_kit, HYDROGEN / name))),
            licence="GPL or free, see the package hydrogen-drumkits",
            package="hydrogen-drumkits",
            needs=(str(HYDROGEN / name),),
        )
        for name, side in HYDROGEN_KITS.items()
    ]
    computed = [
        Maker(
            kind="drum_machine",
            name=f"computed-{number:02d}",
            side=SIDES[number % 2],
            rate_hz=RATE_HZ,
            play=by_seed(partial(play_patterns, partial(computed_kit, number))),
        )
        for number in range(2 * N_COMPUTED_KITS)
    ]
    return sampled + computed
