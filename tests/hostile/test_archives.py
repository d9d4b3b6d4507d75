"""Hostile sources: nothing crashes, nothing is written or run, and every item is accounted for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.open_source import open_source
from earwitness.fingerprint.errors import EarwitnessError
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


def wrong_of_all(folder: Path) -> tuple[dict[str, str], int]:
    """Build and read all hostile sources; what is wrong by case, and the most memory ever held, in KiB."""
    wrong = dict[str, str]()
    for case in CASES:
        here, source_folder = folder / case.name / "here", folder / case.name / "source"
        here.mkdir(parents=True)
        source_folder.mkdir()
        os.chdir(here)
        source = case.build(source_folder)
        before = everything_below(here.parent)
        came = set(outcomes(source, **case.options))
        if came != case.codes:
            wrong[case.name] = f"{sorted(came)}, not {sorted(case.codes)}"
        elif everything_below(here.parent) != before:
            wrong[case.name] = "it left a trace"
    # not getrusage: what a process holds before it is replaced by another program counts there
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return wrong, int(status.split("VmHWM:")[1].split()[0])


def test_hostile_sources_are_accounted_for_without_a_trace_in_little_memory(tmp_path: Path) -> None:
    """Each item comes to the outcome that its hostility calls for, and no file appears anywhere near.

    A process of its own goes through all of them in less than 512 MiB.
    """
    with get_context("spawn").Pool(1) as pool:
        wrong, peak_kib = pool.apply(wrong_of_all, (tmp_path,))
    assert wrong == {}
    assert peak_kib < 512 << 10


def test_the_hostile_set_is_large_enough() -> None:
    """At least 35 hostile sources, no two of one name."""
    assert len({case.name for case in CASES}) == len(CASES) >= 35
