"""The findings of a scan while it runs."""

from __future__ import annotations

import errno
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.finding_json import to_line
from earwitness.api.scan.checkpoint import (
    Checkpoint,
    findings_so_far,
    partial_path,
)
from earwitness.api.scan.scan_errors import PartialDamaged, ScanBusy, ScanChanged, ScanUnfinished
from earwitness.index.store.store_errors import DiskFull
from tests.unit.api.made_findings import finding

HEADER = {"source": "a.zip", "registry": "r1", "search": {"epoch": 1}}
LINES = [finding(item=f"clip {number}") for number in range(5)]


def begun(out: Path, n_items: int) -> None:
    """Begin a scan and stop after some items."""
    with Checkpoint.open(out, header=HEADER, resume=False) as resumed:
        for each in LINES[:n_items]:
            resumed.append(each)


@given(cut=st.integers(0, 4_000))
def test_a_truncated_checkpoint_resumes_with_complete_findings(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wherever the file ends, the first findings are read, and the resumed scan writes the others."""
    out = tmp_path_factory.mktemp("scan") / "out.jsonl"
    begun(out, 5)
    partial = partial_path(out)
    complete = partial.read_bytes()
    partial.write_bytes(complete[:cut])
    with Checkpoint.open(out, header=HEADER, resume=True) as resumed:
        assert [to_line(each) for each in resumed.findings()] == [
            to_line(each) for each in LINES[: resumed.n_done]
        ]
        for each in LINES[resumed.n_done :]:
            resumed.append(each)
    assert partial.read_bytes() == complete


@given(data=st.data())
def test_a_flipped_bit_is_never_a_finding(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After any flipped bit, a resumed scan ends with the right findings, or is an error with a hint."""
    out = tmp_path_factory.mktemp("scan") / "out.jsonl"
    begun(out, 5)
    partial = partial_path(out)
    complete = partial.read_bytes()
    bit = data.draw(st.integers(0, 8 * len(complete) - 1))
    damaged = bytearray(complete)
    damaged[bit // 8] ^= 1 << bit % 8
    partial.write_bytes(damaged)
    with suppress(PartialDamaged):
        assert [to_line(each) for each in findings_so_far(partial)] == [to_line(each) for each in LINES]
    try:
        resumed = Checkpoint.open(out, header=HEADER, resume=True)
    except PartialDamaged as error:
        assert "delete it" in error.hint
        return
    with resumed:
        for each in LINES[resumed.n_done :]:
            resumed.append(each)
    assert partial.read_bytes() == complete


def test_a_file_of_an_earlier_version_is_not_gone_on_with(tmp_path: Path) -> None:
    """Lines without checksums are not read as findings."""
    partial_path(tmp_path / "out").write_text("{}\n{}\n")
    with pytest.raises(PartialDamaged, match="line 1"):
        Checkpoint.open(tmp_path / "out", header=HEADER, resume=True)


def test_complete_lines_are_not_lost(tmp_path: Path) -> None:
    """A resumed scan has the finding of every complete line."""
    begun(tmp_path / "out", 3)
    with Checkpoint.open(tmp_path / "out", header=HEADER, resume=True) as resumed:
        assert resumed.n_done == 3


def test_an_unfinished_scan_is_not_overwritten(tmp_path: Path) -> None:
    """Without --resume, the findings of an earlier scan stay."""
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
    """The description of the search stays that of the beginning of the scan."""
    begun(tmp_path / "out", 1)
    with Checkpoint.open(tmp_path / "out", header=HEADER | {"search": {"epoch": 2}}, resume=True) as resumed:
        assert resumed.header["search"] == {"epoch": 1}


def test_two_scans_do_not_write_the_same_findings(tmp_path: Path) -> None:
    """The second one gets an error."""
    with (
        Checkpoint.open(tmp_path / "out", header=HEADER, resume=False),
        pytest.raises(ScanBusy),
    ):
        Checkpoint.open(tmp_path / "out", header=HEADER, resume=True)


class Full(io.RawIOBase):
    """A file on a disk without room."""

    def writable(self) -> bool:
        """Return that it is writable."""
        return True

    def write(self, data: object, /) -> int:
        """Find no room."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_an_error_and_no_defect(tmp_path: Path) -> None:
    """On a full disk, the scan ends with a message and a hint."""
    with (
        pytest.raises(DiskFull, match="disk is full"),
        Checkpoint(tmp_path / "out.partial", io.BufferedWriter(Full()), HEADER, 0) as resumed,
    ):
        resumed.append(LINES[0])
        resumed.sync()
