"""The table with the labels of single works."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.api.cli.cli_errors import BadTable
from earwitness.api.cli.commands.register import read_labels
from earwitness.api.pipeline.enroll import Label


def test_a_row_is_the_label_of_one_work(tmp_path: Path) -> None:
    """Columns may be missing and cells empty; control characters are shown, not sent to the terminal."""
    table = tmp_path / "works.csv"
    table.write_text(
        "\ufeffpath,title,owner,artist\na.wav,Song,,\nb.wav,Be\x1b[31mll,Me,You\n", encoding="utf-8"
    )
    assert read_labels(table) == {
        "a.wav": Label(title="Song"),
        "b.wav": Label(title="Be\\x1b[31mll", owner="Me", artist="You"),
    }


@pytest.mark.parametrize(
    "content", [b"title\nSong\n", b"", b"path\n\xff\xfe\n"], ids=["no path", "empty", "bytes"]
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing is registered under a wrong name because a table was read halfway."""
    table = tmp_path / "works.csv"
    table.write_bytes(content)
    with pytest.raises(BadTable, match="works"):
        read_labels(table)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing table is an EarwitnessError."""
    with pytest.raises(BadTable, match="nowhere"):
        read_labels(tmp_path / "nowhere.csv")
