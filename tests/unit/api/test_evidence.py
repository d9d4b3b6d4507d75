"""Thumbnails and the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.api.datasets.items import NONE_PASSED_OVER, Skipped, SourceItem
from earwitness.api.evidence.report import part_of, write_report
from earwitness.api.evidence.thumbnail import N_BANDS, RANGE_DB, thumbnail
from earwitness.api.findings import Finding, FindingRecording
from earwitness.api.scan.tally import Tally
from earwitness.api.sentences import e_value_words, summary
from earwitness.api.settings import Settings
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import SEARCH, finding, match


def sound(n_frames: int, n_bands: int = 128) -> Spectrogram:
    """A spectrogram that rises."""
    power = np.linspace(1e-6, 1.0, n_frames * n_bands, dtype=np.float32).reshape(n_frames, n_bands)
    return Spectrogram(power=power, frame_s=0.032)


@pytest.mark.parametrize("n_frames", [0, 1, 4, 5, 1_000])
def test_a_thumbnail_covers_the_audio(n_frames: int) -> None:
    """Audio of any length has a small thumbnail that covers it, with the loudest cell at full scale."""
    small = thumbnail(sound(n_frames))
    assert small.levels.shape[1] == N_BANDS
    assert abs(len(small.levels) * small.frame_s - n_frames * 0.032) < small.frame_s
    assert small.levels.max(initial=255) == 255
    assert small.lowest_db + 255 * small.step_db == pytest.approx(0.0)
    assert small.lowest_db == -RANGE_DB


def test_a_thumbnail_of_an_hour_is_small() -> None:
    """Works keep at most 2 MB an hour."""
    second = thumbnail(sound(round(60 / 0.032)))
    assert second.levels.nbytes * 60 < 2_000_000


@pytest.mark.parametrize(
    ("item", "part"),
    [("shard-0/a.wav", "shard-0"), ("a.wav", "(top)"), ("data/x.parquet#17", "data/x.parquet")],
)
def test_coverage_is_counted_by_shard(item: str, part: str) -> None:
    """An item belongs to the table that holds its row, or to its topmost folder."""
    assert part_of(finding(item=item)) == part


class Nothing:
    """A source without items."""

    format, total, passed_over = "zip", 0, NONE_PASSED_OVER
    shards: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        return iter(())


def page_of(every: Sequence[Finding], folder: Path, **described: Any) -> str:
    """The page about a scan; its spectrograms are not drawn."""
    tally = Tally(**described)
    for each in every:
        tally.count(each)
    page = folder / "page.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("earwitness.api.evidence.report.draw", lambda list_items, *_: list_items.works)
        write_report(
            every, tally, page, source="<script>", items=Nothing(), settings=Settings(home=folder / "home")
        )
    return page.read_text()


def test_a_page_escapes_names(tmp_path: Path) -> None:
    """Names from outside are text on the page, whatever they contain."""
    hostile = "<script>alert(1)</script>"
    named = FindingRecording(id="ab" * 32, path=hostile, title=hostile, owner=hostile, isrc=None)
    weak = finding(Verdict.POSSIBLE, item=hostile)
    every = [
        replace(weak, matches=(match(recording=named, e_value=1e-3),)),
        finding(Verdict.NOT_READABLE),
        finding(Verdict.SHARED_MATERIAL, matches=(match(recording=named, kind="shared_material"),)),
    ]
    text = page_of(every, tmp_path, partial=[hostile])
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "empty file" in text


def test_a_page_names_what_was_searched(tmp_path: Path) -> None:
    """Matches stand under each work; where datasets were searched, no word says that a work was."""
    in_dataset = finding()
    works = (replace(SEARCH.collections[0], name="works"),)
    of_work = match(collection="works")
    registered = replace(in_dataset, search=replace(SEARCH, collections=works), matches=(of_work,))
    by_work, by_item = page_of([registered], tmp_path), page_of([in_dataset], tmp_path)
    assert "<h3>song.mp3 " in by_work and e_value_words(of_work) in by_work
    assert "song.mp3" in by_item and "scraped-2026 (version 1)" in by_item
    assert [text.count("work") > 1 for text in (by_work, by_item)] == [True, False]
    tally = Tally()
    tally.count(in_dataset)
    assert "work" not in summary(tally)


def test_a_page_lists_shared_material_apart(tmp_path: Path) -> None:
    """Items that only share material stand under a heading of their own, not among the matches."""
    text = page_of([finding(Verdict.SHARED_MATERIAL, item="drums.wav")], tmp_path)
    matches, apart = text.split("Matches with items of datasets")[1].split("<h2>Shared material</h2>")
    assert "drums.wav" not in matches
    assert "drums.wav" in apart
