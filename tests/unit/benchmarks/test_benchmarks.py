"""Degradations are repeatable, scoring is right, and records read back unchanged."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.data.audio_io import RATE_HZ
from benchmarks.data.corpus import Corpus, Role, Track
from benchmarks.data.degrade import CONDITIONS, degrade
from benchmarks.data.file_cache import write_once
from benchmarks.data.overlays import Material
from benchmarks.data.queries import middle, pick, wav
from benchmarks.report.records import load, record, save, wilson
from benchmarks.report.same_recording import LOW_RATE_HZ, one_recording
from benchmarks.report.score import SAME_SOUND, offset_error_s, outcome, repeat_similarity
from benchmarks.runs.calibrate import limit_of
from benchmarks.runs.identify import select
from benchmarks.systems.peers import Adapter, Chromaprint
from earwitness.index.matching.verdict import POSSIBLE_E_VALUE
from sample_audio.make import PIECES, play

SAMPLES = Path(__file__).parents[3] / "sample_audio"
OVERLAID = {"music_0", "ambience_0", "speech_0", "speech_-6", "room", "phone", "medley", "talked_over"}
BY_FFMPEG = {name for name, condition in CONDITIONS.items() if name.startswith(("pitch", "tempo"))}
QUICK = sorted(set(CONDITIONS) - OVERLAID - BY_FFMPEG - {"centre_cancelled", "drums_only"})


@pytest.fixture(scope="module")
def music() -> np.ndarray[Any, Any]:
    """Some seconds of a sample piece, shape (n_samples, 1)."""
    return play(PIECES[0])[: 4 * RATE_HZ, None]


@pytest.fixture(scope="module")
def material() -> Material:
    """Noises and impulse responses of the lists; files are read only when drawn."""
    return Material(Corpus.open(SAMPLES))


@pytest.mark.parametrize("condition", QUICK)
def test_degradation_is_repeatable_and_has_the_stated_length(
    music: np.ndarray[Any, Any], material: Material, condition: str
) -> None:
    """An excerpt of `stretch` times the query length becomes that query, finite and equal each time."""
    first, second = (degrade(music, condition, seed=1, query_id="q", material=material) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()
    assert len(first) / RATE_HZ == pytest.approx(4.0 / CONDITIONS[condition].stretch, abs=0.05)


def test_random_degradation_differs_between_queries(music: np.ndarray[Any, Any], material: Material) -> None:
    """Two queries get different noise."""
    one, other = (degrade(music, "white_0", seed=1, query_id=q, material=material) for q in ("a", "b"))
    assert np.abs(one - other).max() > 0.01


def test_queried_overlaid_and_training_tracks_are_disjoint() -> None:
    """Queried tracks are not used in training, and overlays are in no index."""
    corpus = Corpus.open(SAMPLES)
    roles: tuple[Role, ...] = ("test", "validation")
    for role in roles:
        queried, indexed = select(corpus, role=role, kind=None, distractors=True)
        overlays = {track.path for track in corpus.tracks if track.overlay_for == role}
        assert queried and overlays
        assert not overlays & {track.path for track in indexed}
        assert {track.role for track in queried} == {role}
        assert {track.role for track in indexed} == {role, "train"}


def test_fewer_excerpts_are_the_first_of_more() -> None:
    """A short run searches the first excerpts of a long run, so both share their degraded files."""
    track = Track(
        path="originals/tin_parade.mp3", package="", kind="music", role="test", overlay_for=None,
        duration_s=24.0, license="", sha256="", dup_group=None, self_repeat_s=0.0, self_repeat_lag_s=0.0,
    )  # fmt: skip
    few, many = (pick(SAMPLES, [track], n=n, longest_s=4.0, seed=5) for n in (2, 4))
    assert many[:2] == few


def test_a_shorter_query_is_the_middle_of_the_longest(tmp_path: Path, music: np.ndarray[Any, Any]) -> None:
    """The middle two of four seconds begin at one second."""
    file = tmp_path / "q.wav"
    file.write_bytes(wav(music[:, 0]))
    assert middle(file, length_s=4.0, longest_s=4.0) == file.read_bytes()
    assert middle(file, length_s=2.0, longest_s=4.0) == wav(music[RATE_HZ : 3 * RATE_HZ, 0])


@given(hits=st.integers(0, 500), misses=st.integers(0, 500))
def test_an_interval_holds_its_share(hits: int, misses: int) -> None:
    """The observed share is in its interval, and the interval within 0 to 1."""
    low, high = wilson(hits, hits + misses)
    assert 0.0 <= low <= high <= 1.0
    if hits + misses:
        assert low <= hits / (hits + misses) + 1e-9 and hits / (hits + misses) <= high + 1e-9


def test_a_record_reads_back_as_written(tmp_path: Path) -> None:
    """Saving and loading changes nothing, and the same record is the same bytes."""
    made = record("identify", scheme="x", seed=1, options={"n": 2}, rows=[{"q": "a"}, {"q": "b"}])
    path = save(made, "one", folder=tmp_path)
    assert load(path) == made
    assert save(load(path), "two", folder=tmp_path).read_bytes() == path.read_bytes()


def _row(**changes: Any) -> dict[str, Any]:
    answer = {"track": "right", "e": 1e-9, "at": [1.0, 7.0, 31.0, 37.0]}
    return {"track": "right", "off": 0.1, "answers": [answer], **changes}


def _outcome(row: dict[str, Any]) -> dict[str, bool]:
    return outcome(row, same=lambda a, b: a == b, is_reported=lambda _row, answer: bool(answer["e"] <= 1e-4))


def test_right_wrong_and_missed_are_counted_separately() -> None:
    """Ranked first is not reported; a repeat is a right place; a match of an absent track is false."""
    assert _outcome(_row()) == {
        "named": True, "reported": True, "placed_half_second": True, "placed_quarter_second": True,
        "false_match": False,
    }  # fmt: skip
    assert not _outcome(_row(off=9.0, repeat=0.2))["placed_half_second"]
    assert _outcome(_row(off=9.0, repeat=0.95))["placed_quarter_second"]
    assert not any(_outcome(_row(answers=[])).values())
    assert _outcome(_row(track=None))["false_match"]
    assert _outcome(_row(track="another"))["false_match"]


def test_the_offset_is_measured_at_the_middle_of_the_segment() -> None:
    """At 12 % faster, a segment 4 s into the query is 4.48 s after the excerpt's start."""
    answer = {"at": [3.0, 5.0, 33.5, 35.5]}
    assert offset_error_s(answer, start_s=30.0, stretch=1.12) == pytest.approx(0.02)


def test_a_place_is_similar_to_itself_and_not_to_another() -> None:
    """The correlation that detects repeats separates two bars of a piece."""
    path = SAMPLES / "originals" / "tin_parade.mp3"
    assert repeat_similarity(path, true_s=4.0, claimed_s=4.0, length_s=4.0) > 0.99
    assert repeat_similarity(path, true_s=4.0, claimed_s=11.3, length_s=4.0) < SAME_SOUND


def test_a_recording_is_recognised_by_its_waveform() -> None:
    """A sample under other music, resampled by a little, is the same recording; other noise is not."""
    rng = np.random.default_rng(3)
    length = round(6.0 * LOW_RATE_HZ)
    thunder, again, music = rng.standard_normal((3, length))
    elsewhere = np.interp(np.arange(0, length - 1, 0.9988), np.arange(length), thunder)
    before = np.zeros(round(0.2 * LOW_RATE_HZ))
    mixed = np.concatenate([before, elsewhere[:length] + music])
    assert one_recording(thunder, mixed, expected_s=0.25)
    assert not one_recording(again, mixed, expected_s=0.25)
    assert not one_recording(thunder[:LOW_RATE_HZ], mixed, expected_s=0.25), "too short to compare"
    assert not one_recording(thunder, before, expected_s=0.0), "silence at that place"


def test_one_tone_played_twice_is_not_one_recording() -> None:
    """A steady tone with vibrato repeats itself at every period, so no lag is distinct."""
    seconds = np.arange(6 * LOW_RATE_HZ) / LOW_RATE_HZ
    tone = np.sin(2 * np.pi * 440 * seconds + 2 * np.sin(2 * np.pi * 5 * seconds))
    assert not one_recording(tone[: 5 * LOW_RATE_HZ], tone, expected_s=0.25)


def test_few_queries_are_searched_above_the_products_e_value_limit() -> None:
    """Of 30 absent queries 1 is searched up to an E-value of 20, 5 up to 0.3, 24 as in the product."""
    assert Counter(limit_of(number) for number in range(30)) == {20.0: 1, 0.3: 5, POSSIBLE_E_VALUE: 24}


def test_the_built_in_peer_identifies_a_clean_excerpt(tmp_path: Path) -> None:
    """Chromaprint by exhaustive comparison names the file and the place that a clean excerpt was cut from."""
    pieces = [play(piece)[: 16 * RATE_HZ] for piece in PIECES[:2]]
    files = [(f"piece-{k}", tmp_path / f"{k}.wav") for k in range(2)]
    for (_, path), sound in zip(files, pieces, strict=True):
        path.write_bytes(wav(sound))
    system = Chromaprint()
    system.index(files)
    query = tmp_path / "q.wav"
    query.write_bytes(wav(pieces[1][5 * RATE_HZ : 13 * RATE_HZ]))
    (answer,) = system.answer(query)
    assert answer["track"] == "piece-1"
    assert answer["at"][2] == pytest.approx(5.0, abs=0.25)


def test_an_external_peer_is_queried_in_json_lines(tmp_path: Path) -> None:
    """Any program that reads and writes the protocol's lines can be compared."""
    program = tmp_path / "peer.py"
    program.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    reply = {'indexed': 1} if 'index' in request else {'answers': [{'track': 't'}]}\n"
        "    print(json.dumps(reply), flush=True)\n"
    )
    with Adapter(f"{sys.executable} {program}") as system:
        system.index([("t", tmp_path)])
        assert system.answer(tmp_path / "q.wav") == [{"track": "t"}]


def test_a_cached_file_is_written_once_and_never_partly(tmp_path: Path) -> None:
    """An existing file is not written again; a file whose writing failed does not exist."""
    file = tmp_path / "below" / "cached.npy"
    with pytest.raises(ZeroDivisionError):
        write_once(file, lambda partial: partial.write_bytes(bytes(1 // 0)))
    assert not file.exists()
    write_once(file, lambda partial: partial.write_bytes(b"first"))
    write_once(file, lambda partial: partial.write_bytes(b"second"))
    assert file.read_bytes() == b"first"
    assert [path.name for path in file.parent.iterdir()] == ["cached.npy"]


def test_two_processes_can_write_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one process writes, another may write and finish: both succeed, and the file is complete."""
    file = tmp_path / "cached"

    def slow(partial: Path) -> None:
        with monkeypatch.context() as other:
            other.setattr("os.getpid", lambda: -1)
            write_once(file, lambda beside: beside.write_bytes(b"same"))
        partial.write_bytes(b"same")

    write_once(file, slow)
    assert file.read_bytes() == b"same"
