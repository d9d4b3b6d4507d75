"""Well-known manifests are recognised by their header, and their audio is found where it usually is."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source
from tests.contract.packings import clip

AUDIOSET = """# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=2, num_segs=2, num_unique_labels=2
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"
--ZhevVpy1s, 50.000, 60.000, "/m/012xff"
"""
VGGSOUND = "---g-f_I2yQ,1,people marching,test\n--0PQM4-hqg,30,waterfall burbling,train\n"
MUSICCAPS = (
    "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,"
    "is_audioset_eval\n"
    "-0Gj8-vB1q4,30,40,/m/0140xf,\"['low quality', 'male']\",\"A ballad, slow\",4,False,True\n"
)
JAMENDO = (
    "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    "track_0000948\tartist_87\talbum_149\t48/948.mp3\t212.7\tgenre---rock\tmood---sad\n"
)
FMA = ",album,album,track\n,comments,title,title\ntrack_id,,,\n2,0,AWOL,Food\n"


def only(source: Path, *, column: str | None = None) -> tuple[str, SourceItem]:
    """The format and first item of a manifest."""
    reader = open_source(source, audio_column=column)
    item = next(iter(reader))
    assert isinstance(item, SourceItem), item
    return reader.format, item


@pytest.mark.parametrize(
    ("text", "name", "form", "file", "span"),
    [
        (AUDIOSET, "eval.csv", "csv: AudioSet", "audio/Y--PJHxphWEs.wav", (30.0, 40.0)),
        (AUDIOSET, "eval.csv", "csv: AudioSet", "--PJHxphWEs_30000_40000.flac", (None, None)),
        (VGGSOUND, "vgg.csv", "csv: VGGSound", "---g-f_I2yQ_000001.wav", (None, None)),
        (MUSICCAPS, "caps.csv", "csv: MusicCaps", "wav/-0Gj8-vB1q4.mp3", (30.0, 40.0)),
        (JAMENDO, "autotagging.tsv", "tsv: MTG-Jamendo", "48/948.low.mp3", (None, None)),
        (FMA, "tracks.csv", "csv: FMA", "fma_small/000/000002.mp3", (None, None)),
    ],
)
def test_a_known_layout_is_named_and_its_audio_found(
    text: str, name: str, form: str, file: str, span: tuple[float | None, float | None], tmp_path: Path
) -> None:
    """Each layout finds the clip under its usual name; a clip that is named by its start is not cut again."""
    (tmp_path / name).write_text(text)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_bytes(clip(0))
    format_name, item = only(tmp_path / name)
    assert format_name == form
    assert (item.path, item.start_s, item.end_s) == (file, *span)


@pytest.mark.parametrize(("text", "n"), [(AUDIOSET, 2), (VGGSOUND, 2), (MUSICCAPS, 1)])
def test_a_known_layout_without_its_audio_is_a_list_of_links(text: str, n: int, tmp_path: Path) -> None:
    """Without downloaded clips, the rows still identify their videos."""
    (tmp_path / "list.csv").write_text(text)
    items = [item for item in open_source(tmp_path / "list.csv") if isinstance(item, SourceItem)]
    assert len(items) == n
    assert all(item.open is None and item.identifiers and item.identifiers.youtube for item in items)


def test_segments_of_kaldi_cut_the_recordings(tmp_path: Path) -> None:
    """With `segments` beside `wav.scp` the items are the utterances, with their times."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    (tmp_path / "wav.scp").write_text("rec1 a.wav\n")
    (tmp_path / "segments").write_text(
        "utt1 rec1 0.00 0.05\nutt2 rec1 0.05 0.10\nutt3 rec9 0 1\nutt4 rec1 2 1\n"
    )
    items = list(open_source(tmp_path))
    assert [item.item_id for item in items] == ["utt1", "utt2", "utt3", "utt4"]
    assert [(i.start_s, i.end_s) for i in items if isinstance(i, SourceItem)] == [(0.0, 0.05), (0.05, 0.1)]
    assert [i.code for i in items if isinstance(i, Skipped)] == ["item_missing", "bad_entry"]


def test_the_named_column_is_the_one_read(tmp_path: Path) -> None:
    """`audio_column` overrides the header."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    (tmp_path / "list.csv").write_text("id,path,Mix Down\n1,gone.wav,a.wav\n")
    _, item = only(tmp_path / "list.csv", column="Mix Down")
    assert item.path == "a.wav"


def test_duration_counts_from_the_offset(tmp_path: Path) -> None:
    """An entry with an offset and a duration ends where they add up; a duration alone cuts nothing."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    (tmp_path / "l.jsonl").write_text(
        '{"audio_filepath": "a.wav", "offset": 1.5, "duration": 2}\n'
        '{"audio_filepath": "a.wav", "duration": 2}\n'
    )
    items = [item for item in open_source(tmp_path / "l.jsonl") if isinstance(item, SourceItem)]
    assert [(item.start_s, item.end_s) for item in items] == [(1.5, 3.5), (None, None)]
