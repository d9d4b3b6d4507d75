"""Hostile sources: nothing crashes, nothing is written or run, and every item is accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from earwitness.api.datasets import Skipped, SourceItem, SourceLimits, open_source
from earwitness.fingerprint.errors import EarwitnessError
from tests.hostile.case import Case
from tests.hostile.make_archives import ARCHIVES
from tests.hostile.make_manifests import MANIFESTS
from tests.hostile.make_tables import TABLES
from tests.hostile.make_zips import ZIPS

CASES = (*ZIPS, *ARCHIVES, *TABLES, *MANIFESTS)
# small caps, so that small fixtures reach them
LIMITS = SourceLimits(
    item_bytes=64 << 20,
    members=1_000,
    ratio_free_bytes=1 << 20,
    skipped_bytes=16 << 20,
    header_bytes=1 << 16,
    table_bytes=1 << 20,
    json_bytes=1 << 20,
)


def outcome(item: SourceItem | Skipped) -> str:
    """The item's code, or ``ok`` when it can be read to its end, or ``link`` when it has no audio."""
    if isinstance(item, Skipped):
        return item.code
    if item.open is None:
        return "link"
    try:
        with item.open() as stream:
            while stream.read(1 << 16):
                pass
    except EarwitnessError as error:
        return error.code
    return "ok"


def outcomes(source: Path | str, **options: object) -> Iterator[str]:
    """What becomes of each item of a source, or of the source."""
    try:
        reader = open_source(source, limits=LIMITS, **options)  # type: ignore[arg-type]
    except EarwitnessError as error:
        assert error.message
        assert error.hint
        yield error.code
        return
    seen = set()
    for item in reader:
        assert item.item_id not in seen
        assert item.item_id.isprintable()
        seen.add(item.item_id)
        yield outcome(item)


def everything_below(root: Path) -> dict[Path, int]:
    """Every file below a folder, and its length."""
    return {path: path.lstat().st_size for path in root.rglob("*")}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_hostile_source_is_accounted_for_and_leaves_no_trace(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each item comes to the outcome that its hostility calls for, and no file appears anywhere near."""
    here, source_folder = tmp_path / "here", tmp_path / "source"
    here.mkdir()
    source_folder.mkdir()
    monkeypatch.chdir(here)
    source = case.build(source_folder)
    before = everything_below(tmp_path)
    assert set(outcomes(source, **case.options)) == case.codes
    assert everything_below(tmp_path) == before


def test_the_hostile_set_is_large_enough() -> None:
    """At least 35 hostile sources, no two of one name."""
    assert len({case.name for case in CASES}) == len(CASES) >= 35


def peak_of_all(folder: Path) -> int:
    """Build and read all hostile sources; the most memory that this process ever held, in KiB."""
    for number, case in enumerate(CASES):
        here = folder / str(number)
        here.mkdir()
        for _ in outcomes(case.build(here), **case.options):
            pass
    # not getrusage: what a process holds before it is replaced by another program counts there
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def test_hostile_sources_take_little_memory(tmp_path: Path) -> None:
    """A process of its own goes through all of them in less than 512 MiB."""
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(peak_of_all, (tmp_path,)) < 512 << 10
