"""A plain mutation fuzzer over the readers: ``python -m tests.hostile.fuzz_sources --seconds 60 --seed 1``.

Each round takes one source of the contract or of the hostile set, changes a few of its bytes, and reads it to
the end. Anything but an item or an error of ours stops the fuzzer; the source that did it stays on the disk.
Tables, which may end the process that reads them, are read as users read them: many in a folder, beside a
good archive, through a process of their own. The good one must come out whole.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.open_source import open_here, open_source
from earwitness.fingerprint.errors import EarwitnessError
from tests.contract.packings import PACKINGS
from tests.hostile.case import wav
from tests.hostile.make_archives import ARCHIVES
from tests.hostile.make_manifests import MANIFESTS
from tests.hostile.make_tables import TABLES
from tests.hostile.make_zips import ZIPS
from tests.hostile.rounds import add_options, rounds

ADDRESS_SPACE_BYTES = 8 << 30
MAX_SEED_BYTES = 1 << 20
LIMITS = SourceLimits(
    item_bytes=16 << 20, ratio_free_bytes=1 << 20, table_bytes=4 << 20, members=10_000, reader_wall_s=20.0
)
TABLE_ENDINGS = (".parquet", ".arrow")
TABLES_AT_ONCE = 24
TABLE_ROUNDS = 0.02
"""Share of the rounds that read a folder of tables."""


def seeds(root: Path) -> list[tuple[str, bytes]]:
    """Names and bytes of every source that is one small file."""
    found = []
    builds = [
        *PACKINGS.items(),
        *((case.name, case.build) for case in (*ZIPS, *ARCHIVES, *TABLES, *MANIFESTS)),
    ]
    for number, (_, build) in enumerate(builds):
        folder = root / str(number)
        folder.mkdir()
        source = Path(build(folder))
        files = (
            [source] if source.is_file() else sorted(folder.glob("*.tar")) + sorted(folder.rglob("*.arrow"))
        )
        found += [
            (path.name, path.read_bytes()) for path in files if 0 < path.stat().st_size < MAX_SEED_BYTES
        ]
    return found


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a few flips, insertions, deletions, repeats, or cut off."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at, n = chance.randrange(len(changed) + 1), chance.choice([1, 1, 2, 4, 64])
        kind = chance.randrange(6)
        if kind <= 1 and at < len(changed):
            changed[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        elif kind == 2:
            changed[at:at] = chance.randbytes(n)
        elif kind == 3:
            del changed[at : at + n]
        elif kind == 4:
            changed[at:at] = changed[at : at + n * 8]
        elif chance.random() < 0.2:
            del changed[at:]
    return bytes(changed)


def aimed(data: bytes, name: str, chance: random.Random) -> bytes:
    """A table with a few bytes changed where it says what it holds: a footer, or messages at either end."""
    changed = bytearray(data)
    begin, end = 0, len(data)
    if name.endswith(".parquet") and len(data) > 12:
        begin = max(0, end - 8 - int.from_bytes(data[-8:-4], "little"))
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        near = chance.randrange(begin, end) if begin else chance.choice([1, -1]) * chance.randrange(1, 1_000)
        at = near % len(changed)
        changed[at] = chance.choice([changed[at] ^ (1 << chance.randrange(8)), 0, 0x7F, 0x80, 0xFF])
    return bytes(changed)


def read_tables(folder: Path, tables: list[tuple[str, bytes]], chance: random.Random) -> str:
    """Read a folder of mutated tables to its end; fails where the good item is not read."""
    folder.mkdir()
    for n in range(TABLES_AT_ONCE):
        name, data = chance.choice(tables)
        changed = aimed(data, name, chance) if chance.random() < 0.8 else mutated(data, chance)
        (folder / f"{n}-{name}").write_bytes(changed)
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("good.wav", wav())
    items = list(open_source(folder, limits=LIMITS))
    good = next(item for item in items if item.item_id == "z.zip/good.wav")
    assert isinstance(good, SourceItem)
    _read(good)
    n_ended = sum(isinstance(item, Skipped) and "signal" in item.message for item in items)
    shutil.rmtree(folder)
    return f"tables, {n_ended} times ended by a signal"


def read_through(source: Path) -> str:
    """Read a source to its end; says how it ended."""
    try:
        for item in open_here(Request(source=str(source), limits=LIMITS)):
            if isinstance(item, SourceItem) and item.open is not None:
                _read(item)
    except EarwitnessError as error:
        return error.code
    return "read"


def _read(item: SourceItem) -> None:
    assert item.open is not None
    try:
        with item.open() as stream:
            while stream.read(1 << 16):
                pass
    except EarwitnessError as error:
        assert error.hint


def main(argv: list[str]) -> int:
    """Run the rounds and print the counts."""
    options = argparse.ArgumentParser(description=__doc__)
    add_options(options, seed=1)
    asked = options.parse_args(argv)
    # an allocation by a stated size fails here instead of taking the machine down
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    chance, counts = random.Random(asked.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        sources = seeds(Path(folder))
        tables = [(name, data) for name, data in sources if name.endswith(TABLE_ENDINGS)]
        others = [(name, data) for name, data in sources if not name.endswith(TABLE_ENDINGS)]
        for _ in rounds(asked):
            if chance.random() < TABLE_ROUNDS:
                counts[read_tables(Path(folder) / "tables", tables, chance)] += 1
                continue
            name, data = chance.choice(others)
            target = Path(folder) / name
            target.write_bytes(mutated(data, chance))
            try:
                counts[read_through(target)] += 1
            except BaseException:
                kept = Path(tempfile.gettempdir()) / f"fuzz-{asked.seed}-{counts.total()}-{name}"
                kept.write_bytes(target.read_bytes())
                sys.stderr.write(f"{kept} did this:\n")
                raise
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(f"{counts.total()} sources from {len(sources)} seeds, peak {peak} MiB: {dict(counts)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
