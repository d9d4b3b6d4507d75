"""The findings of a scan while it runs."""

from __future__ import annotations

import errno
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.findings import to_line
from earwitness.api.scan.checkpoint import (
    Checkpoint,
    findings_so_far,
    partial_of,
)
from earwitness.api.scan.scan_errors import PartialDamaged, ScanBusy, ScanChanged, ScanUnfinished
from earwitness.index.store.store_errors import DiskFull
from tests.unit.api.made_findings import finding

HEADER = {"source": "a.zip", "registry": "r1", "search": {"epoch": 1}}
LINES = [finding(item=f"clip {number}") for number in range(5)]


def begun(out: Path, n_items: int) -> None:
    """Begin a scan and stop after some items."""
    with Checkpoint.open(out, header=HEADER, resume=False) as kept:
        for each in LINES[:n_items]:
            kept.append(each)


@given(cut=st.integers(0, 4_000))
def test_a_scan_cut_off_anywhere_goes_on_with_whole_findings(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wherever the file ends, what is resumed is a beginning of what was found, and going on completes it."""
    out = tmp_path_factory.mktemp("scan") / "out.jsonl"
    begun(out, 5)
    partial = partial_of(out)
    whole = partial.read_bytes()
    partial.write_bytes(whole[:cut])
    with Checkpoint.open(out, header=HEADER, resume=True) as kept:
        assert [to_line(each) for each in kept.findings()] == [to_line(each) for each in LINES[: kept.n_done]]
        for each in LINES[kept.n_done :]:
            kept.append(each)
    assert partial.read_bytes() == whole


@given(data=st.data())
def test_a_flipped_bit_is_never_a_finding(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever bit flips, a resumed scan ends with the findings of an unbroken one, or says what to do."""
    out = tmp_path_factory.mktemp("scan") / "out.jsonl"
    begun(out, 5)
    partial = partial_of(out)
    whole = partial.read_bytes()
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    partial.write_bytes(damaged)
    with suppress(PartialDamaged):
        assert [to_line(each) for each in findings_so_far(partial)] == [to_line(each) for each in LINES]
    try:
        kept = Checkpoint.open(out, header=HEADER, resume=True)
    except PartialDamaged as error:
        assert "delete it" in error.hint
        return
    with kept:
        for each in LINES[kept.n_done :]:
            kept.append(each)
    assert partial.read_bytes() == whole


def test_a_file_of_an_earlier_version_is_not_gone_on_with(tmp_path: Path) -> None:
    """Lines without checksums are not taken for findings."""
    partial_of(tmp_path / "out").write_text("{}\n{}\n")
    with pytest.raises(PartialDamaged, match="line 1"):
        Checkpoint.open(tmp_path / "out", header=HEADER, resume=True)


def test_findings_lost_nothing_that_was_whole(tmp_path: Path) -> None:
    """A resumed scan asks nothing again that it has the finding of."""
    begun(tmp_path / "out", 3)
    with Checkpoint.open(tmp_path / "out", header=HEADER, resume=True) as kept:
        assert kept.n_done == 3


def test_an_unfinished_scan_is_not_overwritten(tmp_path: Path) -> None:
    """Without --resume, what an earlier scan found stays."""
    begun(tmp_path / "out", 3)
    with pytest.raises(ScanUnfinished):
        Checkpoint.open(tmp_path / "out", header=HEADER, resume=False)


@pytest.mark.parametrize("key", ["source", "registry"])
def test_another_question_does_not_go_on(tmp_path: Path, key: str) -> None:
    """A scan of another source, or of other works, is another scan."""
    begun(tmp_path / "out", 3)
    with pytest.raises(ScanChanged, match=key):
        Checkpoint.open(tmp_path / "out", header=HEADER | {key: "other"}, resume=True)


def test_the_first_wording_stands(tmp_path: Path) -> None:
    """What is said to have been searched stays as it was when the scan began."""
    begun(tmp_path / "out", 1)
    with Checkpoint.open(tmp_path / "out", header=HEADER | {"search": {"epoch": 2}}, resume=True) as kept:
        assert kept.header["search"] == {"epoch": 1}


def test_two_scans_do_not_write_the_same_findings(tmp_path: Path) -> None:
    """The second one is told that it must wait."""
    with (
        Checkpoint.open(tmp_path / "out", header=HEADER, resume=False),
        pytest.raises(ScanBusy),
    ):
        Checkpoint.open(tmp_path / "out", header=HEADER, resume=True)


class Full(io.RawIOBase):
    """A file on a disk without room."""

    def writable(self) -> bool:
        """Say that it may be written."""
        return True

    def write(self, data: object, /) -> int:
        """Find no room."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_and_not_a_defect(tmp_path: Path) -> None:
    """Where there is no room for a finding, the scan ends with the reason and the way out."""
    with (
        pytest.raises(DiskFull, match="no room"),
        Checkpoint(tmp_path / "out.partial", io.BufferedWriter(Full()), HEADER, 0) as kept,
    ):
        kept.append(LINES[0])
        kept.sync()
