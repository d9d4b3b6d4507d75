"""Test material of every kind: made from seeds, no piece twice, makers on one side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from benchmarks.data.kinds import (
    chiptunes,
    computed_sounds,
    drum_machines,
    midi,
    sample_audio,
    synthesisers,
    tts,
)
from benchmarks.data.kinds.make import MAKERS, make
from benchmarks.data.kinds.makers import Maker, part_of, seed_of
from benchmarks.data.kinds.recorded import VOICES, Folders
from benchmarks.data.kinds.scores import compose
from benchmarks.data.kinds.text import LANGUAGES, content_words, sentences

COMPUTED: dict[str, Callable[[], Maker]] = {
    "chip": lambda: chiptunes.makers()[0],
    "kit": lambda: drum_machines.makers()[-1],
    "synthesiser": lambda: synthesisers.makers()[0],
    "sample_audio": lambda: sample_audio.makers()[0],
    "bells": lambda: computed_sounds.makers("bells_alarms")[0],
    "alarm": lambda: computed_sounds.makers("bells_alarms")[-1],
    "birds": lambda: computed_sounds.makers("birds_weather")[0],
    "weather": lambda: computed_sounds.makers("birds_weather")[-1],
    "tones": lambda: computed_sounds.makers("tones")[0],
    "hum": lambda: computed_sounds.makers("babble_hum")[0],
}
"""One maker of each generator that needs no program and no package."""


def _all_makers(folder: Path) -> list[Maker]:
    folders = Folders(corpus=folder, packages=folder)
    return [maker for kind in MAKERS for maker in MAKERS[kind](folders)]


@pytest.mark.parametrize("sort", COMPUTED)
def test_a_seed_gives_one_piece(sort: str) -> None:
    """The same seed gives the same samples, another seed gives others, and no sample is beyond full scale."""
    maker = COMPUTED[sort]()
    once, again, other = (maker.play(0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once[: other.size], other[: once.size])
    assert 0.5 < np.abs(once).max() <= 1.0
    assert np.isfinite(once).all()


def test_no_two_pieces_have_one_seed(tmp_path: Path) -> None:
    """The pieces of all makers have seeds of their own."""
    seeds = [seed_of(maker, number) for maker in _all_makers(tmp_path) for number in range(50)]
    assert len(set(seeds)) == len(seeds)


def test_each_maker_is_on_one_side(tmp_path: Path) -> None:
    """Within a kind, names are unique, and most kinds have makers on both sides."""
    makers = _all_makers(tmp_path)
    assert len({(maker.kind, maker.name) for maker in makers}) == len(makers)
    sides = {kind: {maker.side for maker in makers if maker.kind == kind} for kind in MAKERS}
    one_sided = {kind for kind, found in sides.items() if len(found) == 1}
    assert one_sided == {"sample_audio"}


def test_one_speaker_is_on_one_side() -> None:
    """Voices that several engines have of one speaker are on the same side."""
    for speaker in ("kal", "slt", "NSK"):
        assert len({maker.side for maker in tts.makers() if speaker in maker.name}) == 1


def test_two_soundfonts_are_left_for_the_test() -> None:
    """Two soundfonts of their own samples are never used in fitting."""
    assert sum(maker.side == "test" for maker in midi.makers("general_midi")) == 2


def test_no_pattern_twice() -> None:
    """Pieces of a kit have no pattern of steps in common."""
    patterns = [
        np.concatenate(list(drum_machines.pattern(np.random.default_rng([seed, bar])).values())).tobytes()
        for seed in range(100)
        for bar in range(5)
    ]
    assert len(set(patterns)) == len(patterns)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_twice(language: str) -> None:
    """Pieces of a voice have no sentence in common."""
    pieces = [sentences(np.random.default_rng(seed), language, 60) for seed in range(8)]
    every = [sentence for piece in pieces for sentence in piece]
    assert len(set(every)) == len(every)
    assert len(content_words(language)) == len(set(content_words(language)))


def test_no_melody_twice() -> None:
    """Composed pieces differ in their notes, and each has chords, a bass and a melody."""
    scores = [compose(np.random.default_rng(seed)) for seed in range(30)]
    melodies = {tuple(note.key for note in score.notes if note.part == "melody")[:16] for score in scores}
    assert len(melodies) == len(scores)
    assert all({"chords", "bass", "melody"} <= {note.part for note in score.notes} for score in scores)


def test_references_and_queries_take_turns() -> None:
    """Half of a maker's pieces are references, half are queries."""
    assert [part_of(number) for number in range(4)] == ["reference", "query", "reference", "query"]


def test_voices_hold_no_recording_in_both_parts(tmp_path: Path) -> None:
    """Queries of a human voice hold other recordings than its references, where files repeat too."""
    package = tmp_path / "raw" / "asterisk-core-sounds-es-wav"
    package.mkdir(parents=True)
    for number in range(12):
        tone = np.sin(np.arange(16_000) * (0.01 + 0.01 * (number % 10))).astype(np.float32)
        soundfile.write(package / f"{number:02d}.wav", tone, 8_000)
    (maker,) = MAKERS["human_voice"](Folders(corpus=tmp_path, packages=tmp_path))
    reference, query = (maker.play(number, np.random.default_rng(number)) for number in (0, 1))
    assert _dominant_hz(reference).isdisjoint(_dominant_hz(query))
    assert VOICES["asterisk-core-sounds-es-wav"][1] == maker.side


def _dominant_hz(samples: NDArray[np.float32]) -> set[int]:
    """Return the strongest frequency of each tenth of a second that is loud throughout."""
    frames = samples[: samples.size // 2205 * 2205].reshape(-1, 2205)
    return {int(np.abs(np.fft.rfft(frame)).argmax()) for frame in frames if frame.std() > 0.5}


def test_missing_programs_and_packages_are_named(tmp_path: Path) -> None:
    """What a maker needs is missing if it is neither a program nor a file; nothing is made without it."""
    (tmp_path / "font.sf2").write_bytes(b"")
    maker = replace(COMPUTED["kit"](), needs=("sh", str(tmp_path / "font.sf2")))
    assert maker.missing == []
    gone = str(tmp_path / "other.sf2")
    assert replace(maker, needs=("no-such-program", gone)).missing == ["no-such-program", gone]


def test_a_piece_is_written_once(tmp_path: Path) -> None:
    """A piece that exists is not made again; its file holds the maker's rate."""
    maker = COMPUTED["kit"]()
    file = tmp_path / "0000.flac"
    make(maker, 0, file)
    before = file.read_bytes()
    make(maker, 1, file)
    assert file.read_bytes() == before
    assert soundfile.info(file).samplerate == maker.rate_hz
