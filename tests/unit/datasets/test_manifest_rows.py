"""No row vanishes: what a manifest's lines say is reported, whatever their quotation marks do."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.datasets.items import Manifest, SourceItem
from earwitness.api.datasets.write_clean_manifest import write_clean
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source

N_ROWS = 8


def clips(folder: Path, n: int = N_ROWS) -> None:
    """Make the files that the rows name."""
    for number in range(n):
        (folder / f"x{number}.wav").write_bytes(clip(number))


def paths(source: Path) -> list[str]:
    """The files of the items that can be read."""
    return [item.path for item in open_source(source) if isinstance(item, SourceItem)]


SENTENCES = [
    '"He said hello',
    'he said "hello',
    '"hello" he said',
    'he said "hello"',
    '"',
    '""',
    '"""',
    'plain"',
    '"hello"',
    '" "',
    '"a" "b"',
    '"a ""b',
]


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("at", [0, 3, N_ROWS - 1])
@pytest.mark.parametrize("mark", ["\t", ",", ";", "|"])
@pytest.mark.parametrize("order", ["path last", "path first", "path amid"])
def test_a_quotation_mark_hides_no_row(sentence: str, at: int, mark: str, order: str, tmp_path: Path) -> None:
    """Every file is listed, wherever a stray quotation mark is, and in any order of columns."""
    clips(tmp_path)
    rows = [["path", "sentence", "votes"]]
    rows += [[f"x{n}.wav", sentence if n == at else "plain words", "2"] for n in range(N_ROWS)]
    places = {"path last": (1, 2, 0), "path first": (0, 1, 2), "path amid": (2, 0, 1)}[order]
    text = "".join(mark.join(row[n] for n in places) + "\n" for row in rows)
    (tmp_path / "list.csv").write_text(text)
    assert paths(tmp_path / "list.csv") == [f"x{n}.wav" for n in range(N_ROWS)]


@pytest.mark.parametrize("both", [(0, 4), (2, 3), (0, N_ROWS - 1)])
@pytest.mark.parametrize("closing", ['she said "bye"', 'bye"', '"bye', '"bye"'])
def test_two_marks_rows_apart_are_no_pair(both: tuple[int, int], closing: str, tmp_path: Path) -> None:
    """An open mark and a later one with rows between them are not the ends of one field."""
    clips(tmp_path)
    text = "client\tpath\tsentence\tvotes\n"
    for n in range(N_ROWS):
        sentence = '"He said hello' if n == both[0] else closing if n == both[1] else "plain"
        text += f"{n}\tx{n}.wav\t{sentence}\t2\n"
    (tmp_path / "list.tsv").write_text(text)
    assert paths(tmp_path / "list.tsv") == [f"x{n}.wav" for n in range(N_ROWS)]


def test_a_row_with_missing_cells_is_not_hidden(tmp_path: Path) -> None:
    """Rows without their last cells are rows, too."""
    clips(tmp_path)
    lines = [f'{n}\tx{n}.wav\t"sentence {n}' for n in range(N_ROWS)]
    (tmp_path / "list.tsv").write_text("client\tpath\tsentence\tvotes\n" + "\n".join(lines) + "\n")
    assert paths(tmp_path / "list.tsv") == [f"x{n}.wav" for n in range(N_ROWS)]


TEXTS = [
    "one\ntwo",
    "one,\n\n two, three\n",
    'he said "one"\nand two',
    "\n",
    "a, b\nc, d\ne, f",
    "1\n2\n3\n4",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "order", [("path", "text"), ("text", "path"), ("id", "text", "path"), ("path", "text", "n")]
)
def test_line_breaks_within_quotation_marks_stay(text: str, order: tuple[str, ...], tmp_path: Path) -> None:
    """A field that is quoted by RFC 4180 may span lines: it is one row, byte for byte."""
    clips(tmp_path, 3)
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(order)
    for n in range(3):
        row = {"path": f"x{n}.wav", "text": text if n == 1 else "plain", "id": str(n), "n": "7"}
        table.writerow([row[name] for name in order])
    (tmp_path / "list.csv").write_text(out.getvalue(), newline="")
    reader = open_source(tmp_path / "list.csv")
    assert [item.path for item in reader] == ["x0.wav", "x1.wav", "x2.wav"]
    assert isinstance(reader, Manifest)
    assert b"".join(each.text for each in reader.written()) == (tmp_path / "list.csv").read_bytes()


LINE = st.text(alphabet='ab",\t é#;|', max_size=12)


@given(lines=st.lists(LINE, max_size=8), kind=st.sampled_from(["csv", "tsv"]))
def test_lines_after_any_others_are_rows(
    lines: list[str], kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Complete rows at the end of a table are listed after any other lines."""
    mark = {"csv": ",", "tsv": "\t"}[kind]
    folder = tmp_path_factory.mktemp("rows")
    clips(folder, 2)
    head = [mark.join(["id", "path", "text"]), mark.join(["0", "x0.wav", "first"])]
    last = [mark.join(["8", "x1.wav", "last"]), mark.join(["9", "x0.wav", "very last"])]
    (folder / "l.csv").write_text("\n".join([*head, *lines, *last]) + "\n", newline="")
    ids = [item.item_id for item in open_source(folder / "l.csv", reader=kind)]
    assert {"8", "9"} <= set(ids)


def test_a_cleaned_table_with_stray_marks_keeps_its_other_rows(tmp_path: Path) -> None:
    """Leaving out the row with the stray mark leaves the others as they were written."""
    clips(tmp_path, 4)
    rows = ['0\tx0.wav\t"open\n', "1\tx1.wav\tplain\n", '2\tx2.wav\tshe "said"\n', "3\tx3.wav\tplain\n"]
    (tmp_path / "l.tsv").write_text("id\tpath\ttext\n" + "".join(rows))
    cleaned = write_clean(open_source(tmp_path / "l.tsv"), {"0"}, tmp_path / "clean.tsv")
    assert (cleaned.n_kept, cleaned.n_left_out) == (3, 1)
    assert (tmp_path / "clean.tsv").read_text() == "id\tpath\ttext\n" + "".join(rows[1:])
