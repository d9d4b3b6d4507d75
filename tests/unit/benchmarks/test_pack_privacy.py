"""``python -m benchmarks pack-privacy``: the measures tell sounds apart, and the attacks are attacks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.report.privacy_table import ANOTHER, CEILING, pack_sentence, privacy_lines
from benchmarks.report.records import record
from benchmarks.report.summary import PRIVACY, load_record
from benchmarks.shelf.closeness import Heard, closeness
from benchmarks.shelf.pack_privacy import attacked
from benchmarks.shelf.sound_again import Nearest, Printed, griffin_lim
from earwitness.api.packs.make_pack import SOUND_GIVES_AWAY
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import RATE_HZ


def melody(seed: int, *, n_notes: int = 12, note_s: float = 0.4) -> NDArray[np.float32]:
    """Plucked notes of a scale."""
    draw, t = np.random.default_rng(seed), np.arange(round(note_s * RATE_HZ)) / RATE_HZ
    notes = 220 * 2 ** (draw.choice([0, 2, 4, 5, 7, 9, 11], n_notes) / 12)
    plucked = [np.exp(-4 * t) * sum(np.sin(2 * np.pi * k * hz * t) / k for k in (1, 2, 3)) for hz in notes]
    noise = draw.normal(0, 0.003, n_notes * len(t))
    samples: NDArray[np.float32] = (0.3 * np.concatenate(plucked) + noise).astype(np.float32)
    return samples


@pytest.fixture(scope="module")
def printed() -> list[Printed]:
    """Some melodies as a pack has them."""
    return [Printed.of(melody(seed), extractor()) for seed in range(4)]


def test_measures_tell_a_sound_from_another() -> None:
    """A sound is as close to itself as can be, also when it is quieter, and far from another."""
    one, other = Heard.of(melody(1)), Heard.of(melody(2))
    same = closeness(one, Heard.of(np.float32(0.3) * melody(1)), is_speech=True)
    far = closeness(one, other, is_speech=True)
    assert min(same.values()) > 0.99
    assert far["pitch"] < 0.5 and far["chroma"] < 0.5 and far["spectrum"] < 0.7


def test_a_spectrogram_makes_its_sound_again(printed: list[Printed]) -> None:
    """The way of making sound keeps the melody that it is given: else it would hide what codes hold."""
    again = griffin_lim(printed[0].log_spectrogram, seed=1)
    assert closeness(Heard.of(printed[0].samples), Heard.of(again), is_speech=False)["pitch"] > 0.8


def test_a_known_recording_is_its_own_nearest(printed: list[Printed]) -> None:
    """Codes find the stretch that they were made of, and stretches put together give the whole."""
    found = Nearest(printed)(printed[2])
    assert found.shape == printed[2].log_spectrogram.shape
    assert np.abs(found - printed[2].log_spectrogram).mean() < 0.05


def test_every_attack_is_compared_with_chance_and_with_the_best(printed: list[Printed]) -> None:
    """Each excerpt has one row for each attack, beside another recording and its own spectrogram."""
    asked = {"a": printed[0], "b": printed[1]}
    rows = [row for kind in ("music", "speech") for row in attacked(asked, printed[2:], kind=kind, seed=1)]
    made_from = {row["made_from"] for row in rows}
    assert {ANOTHER, CEILING, "peaks", "codes, regression"} < made_from
    assert len(rows) == 2 * 2 * len(made_from)
    pitch = {row["made_from"]: row["pitch"] for row in rows if row["track"] == "a"}
    assert pitch[CEILING] > pitch["peaks"] > pitch[ANOTHER]
    made = record("pack-privacy", scheme="x", seed=1, options={"length": 4.8, "known": 2}, rows=rows)
    assert sum(line.startswith("| ") for line in privacy_lines(made)) == 1 + len(made_from)
    assert "intelligibility" in pack_sentence(made)


def test_pack_make_says_what_was_measured() -> None:
    """The sentence of the command has the numbers of the record."""
    made = load_record(PRIVACY)
    assert made is not None
    assert pack_sentence(made) == SOUND_GIVES_AWAY
