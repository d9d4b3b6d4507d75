"""Raw outcomes of benchmark runs: queries, answers and times. Tables are derived from them."""

from __future__ import annotations

import gzip
import json
import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

RECORDS: Final = Path(__file__).parents[1] / "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run of one benchmark entry.

    Attributes
    ----------
    options
        All settings of the run, so that it can be repeated.
    rows
        Raw outcomes, one for each query or measurement; each entry's module describes its rows.
    """

    entry: str
    scheme: str
    commit: str
    machine: str
    seed: int
    made_at: str
    options: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


def record(
    entry: str, *, scheme: str, seed: int, options: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> Record:
    """Return the record of a finished run, with this commit and machine."""
    return Record(
        entry=entry,
        scheme=scheme,
        commit=_commit(),
        machine=machine(),
        seed=seed,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        options=dict(options),
        rows=rows,
    )


def save(made: Record, name: str, *, folder: Path = RECORDS) -> Path:
    """Write NAME.json.gz; the same record gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json.gz"
    head = json.dumps({**asdict(made), "rows": None}, indent=1).removesuffix(' "rows": null\n}')
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in made.rows)
    text = f'{head} "rows": [\n{rows}\n]}}\n'
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def load(path: Path) -> Record:
    """Read what `save` wrote."""
    return Record(**json.loads(gzip.decompress(path.read_bytes())))


def wilson(hits: int, trials: int, *, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = hits / trials, z * z
    middle = share + z2 / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, (middle - spread) / (1 + z2 / trials)), min(1.0, (middle + spread) / (1 + z2 / trials))


def machine() -> str:
    """Return the processor model, the number of cores and the system."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text(encoding="utf-8").splitlines() if cpus.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {len(models) or '?'} cores, {platform.system()}"


def _commit() -> str:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def header(record: Record) -> str:
    """Return one line on the origin of a record."""
    return f"{record.scheme}, commit {record.commit}, {record.made_at}, seed {record.seed}, {record.machine}"
