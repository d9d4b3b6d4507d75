"""Audio in a table's cells, however it is stored there: as bytes, text, samples, or behind a dictionary."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.source_errors import NoAudioColumn
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source

RATE = 8_000
WAVE = (np.sin(np.arange(800) / 7.0) * 0.5).astype(np.float32)


def table(folder: Path, columns: dict[str, Any], form: str = "parquet") -> Path:
    """A shard of these columns."""
    made = pa.table(columns)
    path = folder / f"t.{form}"
    if form == "parquet":
        pq.write_table(made, path)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, made.schema) as stream:
            stream.write_table(made)
    return path


def sounds(source: Path, **options: Any) -> list[bytes]:
    """The bytes of each item."""
    audio = []
    for item in open_source(source, **options):
        assert isinstance(item, SourceItem), item
        assert item.open is not None
        audio.append(item.open().read())
    return audio


CLIPS = [clip(0), clip(1), clip(0)]
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
STORED: dict[str, Callable[[], Any]] = {
    "binary": lambda: pa.array(CLIPS, pa.binary()),
    "large binary": lambda: pa.array(CLIPS, pa.large_binary()),
    "binary view": lambda: pa.array(CLIPS, pa.binary_view()),
    "fixed binary": lambda: pa.array(CLIPS, pa.binary(len(clip(0)))),
    "dictionary": lambda: pa.array(CLIPS, pa.binary()).dictionary_encode(),
    "struct": lambda: pa.array([{"bytes": each, "path": "a.wav"} for each in CLIPS], STRUCT),
    "struct of large": lambda: pa.array(
        [{"bytes": each, "path": "a"} for each in CLIPS],
        pa.struct([("bytes", pa.large_binary()), ("path", pa.large_string())]),
    ),
    "struct of a dictionary": lambda: pa.StructArray.from_arrays(
        [pa.array(CLIPS, pa.binary()).dictionary_encode(), pa.array(["a"] * 3)], names=["bytes", "path"]
    ),
    "base64": lambda: pa.array([base64.b64encode(each).decode() for each in CLIPS]),
    "base64, large": lambda: pa.array([base64.b64encode(each).decode() for each in CLIPS], pa.large_string()),
    "base64 in lines": lambda: pa.array([base64.encodebytes(each).decode() for each in CLIPS]),
    "base64 for URLs": lambda: pa.array(
        [base64.urlsafe_b64encode(each).decode().rstrip("=") for each in CLIPS]
    ),
    "data URLs": lambda: pa.array(
        [f"data:audio/wav;base64,{base64.b64encode(each).decode()}" for each in CLIPS]
    ),
    "base64 in a dictionary": lambda: pa.array(
        [base64.b64encode(each).decode() for each in CLIPS]
    ).dictionary_encode(),
}
PATHS: dict[str, Callable[[], Any]] = {
    "text": lambda: pa.array(["0.wav", "1.wav", "0.wav"]),
    "large text": lambda: pa.array(["0.wav", "1.wav", "0.wav"], pa.large_string()),
    "text view": lambda: pa.array(["0.wav", "1.wav", "0.wav"], pa.string_view()),
    "text in a dictionary": lambda: pa.array(["0.wav", "1.wav", "0.wav"]).dictionary_encode(),
    "struct of a path": lambda: pa.array([{"path": "0.wav"}, {"path": "1.wav"}, {"path": "0.wav"}]),
    "struct without bytes": lambda: pa.array(
        [{"bytes": None, "path": f"{n}.wav"} for n in (0, 1, 0)], STRUCT
    ),
}
VIEWS = {"binary view", "text view"}


@pytest.mark.parametrize("how", STORED)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("requested", [None, "audio"])
def test_bytes_are_read_however_they_are_stored(
    how: str, form: str, requested: str | None, tmp_path: Path
) -> None:
    """Every way to store a file's bytes in a column gives them, with `audio_column` or without."""
    source = table(tmp_path, {"audio": STORED[how](), "text": ["x", "y", "z"]}, form)
    assert sounds(source, audio_column=requested) == CLIPS


@pytest.mark.parametrize("how", PATHS)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("name", ["audio", "file_name", "wav_path"])
def test_paths_are_read_however_they_are_stored(how: str, form: str, name: str, tmp_path: Path) -> None:
    """Every way to store a path in a column gives the file."""
    for n in (0, 1):
        (tmp_path / f"{n}.wav").write_bytes(clip(n))
    assert sounds(table(tmp_path, {name: PATHS[how]()}, form)) == CLIPS


def samples(data: bytes) -> tuple[int, Any]:
    """Rate in Hz and samples, shape (frames, channels), of a WAV file."""
    at = data.index(b"fmt ") + 8
    code, channels = int.from_bytes(data[at : at + 2], "little"), data[at + 2]
    width = int.from_bytes(data[at + 14 : at + 16], "little")
    kind = {(3, 32): "<f4", (1, 16): "<i2", (1, 32): "<i4"}[code, width]
    body = data[data.index(b"data", at) + 8 :]
    return int.from_bytes(data[at + 4 : at + 8], "little"), np.frombuffer(body, kind).reshape(-1, channels)


def decoded(array: Any, type_: Any, **more: Any) -> Any:
    """A column of {array, sampling_rate}."""
    fields = [("array", type_), ("sampling_rate", pa.int64()), ("path", pa.string())]
    return pa.array([{"array": array, "sampling_rate": RATE, "path": "a", **more}], pa.struct(fields))


ARRAYS: dict[str, Callable[[], dict[str, Any]]] = {
    "float64": lambda: {"audio": decoded(WAVE.tolist(), pa.list_(pa.float64()))},
    "float32": lambda: {"audio": decoded(WAVE.tolist(), pa.list_(pa.float32()))},
    "large list": lambda: {"audio": decoded(WAVE.tolist(), pa.large_list(pa.float32()))},
    "fixed list": lambda: {"audio": decoded(WAVE.tolist(), pa.list_(pa.float32(), len(WAVE)))},
    "one channel in a list": lambda: {"audio": decoded([WAVE.tolist()], pa.list_(pa.list_(pa.float32())))},
    "a plain list and its rate": lambda: {
        "audio": pa.array([WAVE.tolist()], pa.list_(pa.float32())),
        "sampling_rate": [RATE],
    },
    "a waveform and its rate": lambda: {
        "waveform": pa.array([WAVE.tolist()], pa.list_(pa.float32())),
        "sr": [RATE],
    },
}


@pytest.mark.parametrize("how", ARRAYS)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_decoded_samples_are_read_as_a_wav(how: str, form: str, tmp_path: Path) -> None:
    """Lists of floats beside their rate come out as a WAV of the same samples."""
    (data,) = sounds(table(tmp_path, ARRAYS[how](), form))
    rate, values = samples(data)
    assert rate == RATE
    np.testing.assert_allclose(values[:, 0], WAVE, atol=1e-6)


def test_integers_and_channels_keep_their_values(tmp_path: Path) -> None:
    """16-bit integers stay; lists of channels become channels, whichever axis is time."""
    integers = (WAVE * 30_000).astype(np.int16)
    (data,) = sounds(table(tmp_path, {"audio": decoded(integers.tolist(), pa.list_(pa.int16()))}))
    assert (samples(data)[1][:, 0] == integers).all()
    stereo = np.stack([WAVE, -WAVE])
    for array in (stereo.tolist(), stereo.T.tolist()):
        (data,) = sounds(table(tmp_path, {"audio": decoded(array, pa.list_(pa.list_(pa.float32())))}))
        np.testing.assert_allclose(samples(data)[1].T, stereo, atol=1e-6)


def test_the_wav_is_read_by_the_standard_library(tmp_path: Path) -> None:
    """`wave` reads the file that is made of 16-bit samples."""
    integers = (WAVE * 30_000).astype(np.int16)
    (data,) = sounds(table(tmp_path, {"audio": decoded(integers.tolist(), pa.list_(pa.int16()))}))
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getframerate(), sound.getnframes(), sound.getnchannels()) == (RATE, len(integers), 1)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (pa.array([WAVE.tolist()], pa.list_(pa.float32())), "bad_entry"),  # no rate
        (decoded([[0.1] * 4, [0.1] * 5], pa.list_(pa.list_(pa.float32()))), "bad_entry"),  # ragged
        (decoded([], pa.list_(pa.float32())), "bad_entry"),
        (decoded([0.1] * 5_000, pa.list_(pa.float32())), "item_too_large"),
    ],
)
def test_samples_that_cannot_be_read_say_why(column: Any, code: str, tmp_path: Path) -> None:
    """A list without a rate, of mixed shape or beyond the limit is an error of its row."""
    (item,) = open_source(table(tmp_path, {"audio": column}), limits=SourceLimits(item_bytes=10_000))
    assert isinstance(item, Skipped)
    assert item.code == code


def test_no_message_quotes_a_long_text(tmp_path: Path) -> None:
    """A text that is neither a path nor audio is named by its start."""
    long = base64.b64encode(b"no sound at all" * 9_000).decode()
    items = list(open_source(table(tmp_path, {"audio": [long, "x" * 5_000, "y" * 900]})))
    lines = "".join(json.dumps({"audio": each}) + "\n" for each in (long, "x" * 5_000))
    (tmp_path / "l.jsonl").write_text(lines)
    for item in [*items, *open_source(tmp_path / "l.jsonl")]:
        assert isinstance(item, Skipped)
        assert len(item.message) < 1_000
        assert len(item.item_id) < 500
        assert len(item.path) < 1_000


@pytest.mark.parametrize("name", ["l.csv", "l.jsonl", "wav.scp", "r.jsonl"])
def test_no_id_is_longer_than_an_id(name: str, tmp_path: Path) -> None:
    """Long names of entries and columns are cut in ids."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    (tmp_path / "b.wav").write_bytes(clip(1))
    long = "i" * 20_000
    source = [{"type": "file", "channels": [0], "source": "a.wav"}]
    (tmp_path / name).write_text(
        {
            "l.csv": f"id,path,vocals{long}_wav\n{long},a.wav,b.wav\n",
            "l.jsonl": json.dumps({"id": long, "audio": "a.wav"}) + "\n",
            "wav.scp": f"{long} a.wav\n",
            "r.jsonl": json.dumps({"id": long, "sources": source}) + "\n",
        }[name]
    )
    items = list(open_source(tmp_path / name))
    assert all(isinstance(item, SourceItem) for item in items)
    assert items
    assert all(len(item.item_id) < 900 for item in items)


@pytest.mark.parametrize("entry", [{"array": WAVE.tolist(), "sampling_rate": RATE}, {"bytes": "base64"}])
def test_json_entries_may_hold_audio_too(entry: dict[str, Any], tmp_path: Path) -> None:
    """Samples and base64 in JSON lines are read as in tables."""
    value = entry if "array" in entry else {"bytes": base64.b64encode(clip(0)).decode()}
    (tmp_path / "l.jsonl").write_text(json.dumps({"id": "a", "audio": value}) + "\n")
    (data,) = sounds(tmp_path / "l.jsonl")
    assert data == clip(0) if "bytes" in entry else samples(data)[0] == RATE


# ---- shards --------------------------------------------------------------------------------------------


def shards(folder: Path, *tables: dict[str, Any]) -> Path:
    """A folder of Parquet shards."""
    for n, columns in enumerate(tables):
        pq.write_table(pa.table(columns), folder / f"{n}.parquet")
    return folder


AUDIO = {"audio": pa.array([{"bytes": clip(0), "path": "a.wav"}], STRUCT)}


@pytest.mark.parametrize("odd", [{"text": ["x"]}, {"n": [1]}, {"audio": [1.5]}, {"image": [b"\x89PNG"]}])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_shard_without_audio_ends_nothing(odd: dict[str, Any], at: int, tmp_path: Path) -> None:
    """It is reported, and the shards before and after it are read."""
    tables = [AUDIO, AUDIO]
    tables.insert(at, odd)
    items = list(open_source(shards(tmp_path, *tables)))
    assert [isinstance(item, SourceItem) for item in items] == [n != at for n in range(3)]
    skipped = items[at]
    assert isinstance(skipped, Skipped)
    assert skipped.code in {"no_audio_column", "bad_entry"}


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("columns", [{"audio": pa.array([], STRUCT)}, {"audio": pa.nulls(0)}, {}])
def test_a_shard_of_no_rows_ends_nothing(columns: dict[str, Any], at: int, tmp_path: Path) -> None:
    """It has nothing to compare, with any columns."""
    tables: list[dict[str, Any]] = [AUDIO, AUDIO]
    tables.insert(at, columns)
    reader = open_source(shards(tmp_path, *tables))
    assert [isinstance(item, SourceItem) for item in reader] == [True, True]
    assert reader.total in {2, None}


def test_a_column_that_no_shard_has_is_an_error_of_the_command(tmp_path: Path) -> None:
    """Naming a column that is nowhere says which there are, and not to name it."""
    with pytest.raises(NoAudioColumn) as caught:
        open_source(shards(tmp_path, AUDIO, AUDIO), audio_column="vocals")
    assert "vocals" in caught.value.message
    assert "name it with" not in caught.value.hint


def test_a_column_of_the_wrong_kind_has_a_hint_without_it(tmp_path: Path) -> None:
    """The hint for a column that was named is not to name it."""
    with pytest.raises(NoAudioColumn) as caught:
        open_source(table(tmp_path, {"audio": [1, 2], "n": [1, 2]}), audio_column="audio")
    assert "no audio or path" in caught.value.message
    assert "leave --audio-column out" in caught.value.hint


def test_lists_of_artists_are_identifiers(tmp_path: Path) -> None:
    """A link list that names its artists in a list still names them."""
    columns = {"song_id": ["dQw4w9WgXcQ"], "title": ["A"], "artist_names": [["X", "Y"]], "vec": [[0.1, 0.2]]}
    (item,) = open_source(table(tmp_path, columns))
    assert isinstance(item, SourceItem)
    assert item.identifiers is not None
    assert (item.identifiers.artist, item.identifiers.title) == ("X, Y", "A")
    assert "vec" not in item.metadata
