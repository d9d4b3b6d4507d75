"""``python -m benchmarks names``: the made list has its layout and frequencies, and chance is as claimed."""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.data.made_lists import made_songs, write_parquet
from benchmarks.report.names_table import names_lines
from benchmarks.report.records import record
from benchmarks.runs.names import counted, measured
from benchmarks.shelf.name_spellings import spellings


def test_a_made_list_has_the_layout_and_the_frequencies_of_a_real_one(tmp_path: Path) -> None:
    """Columns are those of LAION-DISCO-12M; the same seed gives the same songs; some titles are shared."""
    songs = made_songs(3_000, seed=1)
    write_parquet(songs, tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.schema.names[:3] == ["song_id", "title", "artist_names"]
    titles = table.column("title").to_pylist()
    assert titles == [made_songs(3_000, seed=1).title_of(row) for row in range(3_000)]
    assert 10 < max(titles.count(title) for title in set(titles)) < 300
    assert len(set(table.column("song_id").to_pylist())) == 3_000


def test_the_record_compares_claims_with_counts(tmp_path: Path) -> None:
    """All rows of lists are kept, half of the works are found by identifier, and chance is as claimed."""
    listed = tmp_path / "list.csv"
    listed.write_text("artist,title\nA,B\n,\n")
    options = argparse.Namespace(rows=2_000, pairs=1_000, lists=[listed], seed=3)
    rows = list(measured(options, tmp_path))
    assert [(row["rows"], row["kept"]) for row in rows if row["what"] == "read"] == [(1, 1), (2_000, 2_000)]
    assert [row["by_id"] for row in rows if row["what"] == "ask"] == [500]
    chance = [row for row in rows if row["what"] == "chance"]
    claimed, observed = (sum(row[name] for row in chance) for name in ("claimed", "observed"))
    assert sum(row["pairs"] for row in chance) == 1_000
    assert claimed / 2 < observed < claimed * 2
    made = record("names", scheme="names/1", seed=3, options={"rows": 2_000}, rows=rows)
    assert any("`list.csv`" in line for line in names_lines([made]))


def test_other_spellings_are_found_and_chance_is_as_claimed(tmp_path: Path) -> None:
    """Every spelling but another script is found, and mixed spellings leave the E-values right."""
    rows = list(spellings(made_songs(4_000, seed=5), tmp_path, n_pairs=4_000, seed=5))
    missed = [row["kind"] for row in rows if row["what"] == "spelling" and row["found"] < row["works"]]
    assert missed == ["other scripts"]
    chance = [row for row in rows if row["what"] == "chance"]
    claimed, observed = (sum(row[name] for row in chance) for name in ("claimed", "observed"))
    assert claimed / 1.5 < observed < claimed * 1.5
    made = record("names", scheme="names/1", seed=5, options={"rows": 4_000}, rows=rows)
    lines = list(names_lines([made]))
    assert "| The X, X, The | 500 of 500 | - |" in lines
    assert any("4,000 songs, each in one of many spellings" in line for line in lines)


def test_many_pairs_are_counted_as_the_look_up_counts_them() -> None:
    """Without a stored list, claims and counts are of the same kind, and agree as well."""
    rows = list(counted(made_songs(5_000, seed=3), 200_000, seed=3))
    assert sum(row["pairs"] for row in rows) == 200_000
    for row in rows:
        if row["claimed"] > 50:
            assert row["claimed"] / 1.5 < row["observed"] < row["claimed"] * 1.5
