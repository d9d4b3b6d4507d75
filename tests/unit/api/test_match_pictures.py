"""What is kept to draw a match: the stretch of both recordings, and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from earwitness.api.evidence.match_pictures import match_pictures
from earwitness.api.evidence.picture_types import LONGEST_S, MOST_PICTURES, MatchPicture
from earwitness.api.evidence.pictures_json import read_pictures, to_bytes
from earwitness.api.evidence.thumbnail import thumbnail
from earwitness.api.findings import FindingSegment
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.database.records import Thumbnail
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, match

DURATION_S = 100.0


@pytest.fixture(scope="module")
def query() -> Query:
    """A recording of noise."""
    power = np.random.default_rng(5).exponential(size=(int(DURATION_S / PARAMS.frame_s), PARAMS.n_bands))
    sound = Spectrogram(power=power.astype(np.float32), frame_s=PARAMS.frame_s)
    return Query(
        scheme="ew1-000000",
        duration_s=DURATION_S,
        active_s=DURATION_S,
        spectrogram=sound,
        chromaprint=np.zeros(0, np.uint32),
    )


def library(query: Query, stored: Thumbnail | None = None) -> Any:
    """A library whose only recording is the query itself."""
    peaks = pick_peaks(normalise_level(query.spectrogram.power))
    return SimpleNamespace(
        extractor=SimpleNamespace(params=PARAMS),
        by_sha256=lambda sha256: SimpleNamespace(id=1) if sha256 == "ab" * 32 else None,
        thumbnail=lambda recording: stored,
        peaks=lambda recording: peaks,
    )


def segment(start_s: float, end_s: float) -> FindingSegment:
    """A stretch at the same place in both recordings."""
    return FindingSegment(
        query_start_s=start_s, query_end_s=end_s, reference_start_s=start_s, reference_end_s=end_s
    )


def kept(query: Query, *segments: FindingSegment, stored: Thumbnail | None = None) -> MatchPicture:
    """What is kept of one match."""
    made = finding(matches=(match(segments=segments),))
    (picture,) = match_pictures(made, query, library(query, stored))
    return picture


def test_of_a_dataset_the_peaks_of_both_are_kept(query: Query) -> None:
    """Of the longest stretch: the query's spectrogram, and peaks that are the same for the same sound."""
    picture = kept(query, segment(0.0, 2.0), segment(30.0, 40.0))
    yours, theirs = picture.yours, picture.theirs
    assert (yours.start_s, yours.end_s, theirs.start_s, theirs.end_s) == (30.0, 40.0, 30.0, 40.0)
    assert theirs.spectrogram is None and yours.spectrogram is not None
    assert len(yours.spectrogram.levels) * yours.spectrogram.frame_s == pytest.approx(10.0, abs=0.4)
    both = {tuple(each) for each in yours.peaks} & {tuple(each) for each in theirs.peaks}
    assert len(both) > 0.9 * max(len(yours.peaks), len(theirs.peaks), 100)
    assert theirs.peaks[:, 0].min() >= 30.0 and theirs.peaks[:, 0].max() <= 40.0


def test_of_a_work_both_spectrograms_are_kept(query: Query) -> None:
    """Where theirs has a thumbnail no peaks are needed, and the same sound has the same levels."""
    picture = kept(query, segment(30.0, 40.0), stored=thumbnail(query.spectrogram))
    assert picture.yours.spectrogram is not None and picture.theirs.spectrogram is not None
    assert (picture.yours.spectrogram.levels == picture.theirs.spectrogram.levels).all()
    assert len(picture.yours.peaks) == len(picture.theirs.peaks) == 0


def test_of_a_long_stretch_only_the_beginning_is_kept(query: Query) -> None:
    """Whatever matches, no more than a minute is kept of it."""
    picture = kept(query, segment(5.0, 95.0))
    assert picture.yours.end_s - picture.yours.start_s == pytest.approx(LONGEST_S)
    assert picture.yours.spectrogram is not None
    assert len(picture.yours.spectrogram.levels) <= LONGEST_S / picture.yours.spectrogram.frame_s + 2


def test_the_surest_matches_of_stored_recordings_are_drawn(query: Query) -> None:
    """At most a few, each by its place in the finding; nothing of shared material and of no match."""
    gone = match(recording=replace(match().recording, id="ef" * 32))
    made = finding(matches=(gone, *[match()] * 9))
    numbers = [each.number for each in match_pictures(made, query, library(query))]
    assert numbers == [1] * (MOST_PICTURES - 1)
    for verdict in (Verdict.SHARED_MATERIAL, Verdict.NO_MATCH, Verdict.NOT_READABLE):
        assert match_pictures(finding(verdict), query, library(query)) == ()
    assert len(match_pictures(finding(Verdict.POSSIBLE), query, library(query))) == 1


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"pictures": 3}', b'{"pictures": [{"number": []}]}'])
def test_pictures_that_cannot_be_read_do_not_hide_an_answer(tmp_path: Path, text: bytes) -> None:
    """Those of another version, or damaged ones, are left out."""
    path = tmp_path / "a.pictures.json"
    path.write_bytes(text)
    assert read_pictures(path) == {}


def test_pictures_of_an_earlier_version_are_left_out(query: Query, tmp_path: Path) -> None:
    """Peaks were a list of numbers once."""
    path = tmp_path / "a.pictures.json"
    path.write_bytes(to_bytes((kept(query, segment(30.0, 40.0), stored=None),)))
    contents = json.loads(path.read_bytes())
    contents["pictures"][0]["yours"]["peaks"] = [[1.0, 440.0]]
    path.write_text(json.dumps(contents))
    assert read_pictures(path) == {}


@pytest.mark.parametrize("is_work", [False, True])
def test_pictures_are_read_as_they_were_kept(query: Query, tmp_path: Path, *, is_work: bool) -> None:
    """The file gives back both stretches, by the number of the match."""
    picture = kept(query, segment(30.0, 40.0), stored=thumbnail(query.spectrogram) if is_work else None)
    path = tmp_path / "a.pictures.json"
    assert read_pictures(path) == {}
    path.write_bytes(to_bytes((picture,)))
    (read,) = read_pictures(path).values()
    for one, other in ((picture.yours, read.yours), (picture.theirs, read.theirs)):
        assert (one.start_s, one.end_s, one.first_s) == (other.start_s, other.end_s, other.first_s)
        assert (one.peaks == other.peaks).all()
        assert (one.spectrogram is None) == (other.spectrogram is None)
        if one.spectrogram is not None and other.spectrogram is not None:
            assert (one.spectrogram.levels == other.spectrogram.levels).all()
            assert one.spectrogram.frame_s == other.spectrogram.frame_s
