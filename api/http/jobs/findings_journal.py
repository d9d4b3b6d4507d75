"""Findings of jobs on disk: the journal of a running job, and the files of ended ones."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from earwitness.api.finding_json import from_json, to_json
from earwitness.api.findings import Finding
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.index.store.files import convert_write_errors, fsync_folder

RESULT_FOLDER: Final = "results"
JOURNAL: Final = ".journal"
DAY_S: Final = 86_400.0


def findings_file(home: Path, job: str) -> Path:
    """Path of the findings of an index or scan job."""
    return home / RESULT_FOLDER / f"{job}.jsonl"


def journal_of(home: Path, job: str) -> Path:
    """Path of the journal of an index job."""
    return home / RESULT_FOLDER / f"{job}{JOURNAL}"


def prune(home: Path, *, keep_days: float, unended: Callable[[], Set[str]]) -> int:
    """Remove findings older than `keep_days` (0: none), and unfinished files of jobs that have ended.

    Parameters
    ----------
    unended
        Returns the ids of jobs that are queued or running; their files stay.

    Returns
    -------
    n_removed : int
    """
    oldest = time.time() - keep_days * DAY_S if keep_days else 0.0
    files = list((home / RESULT_FOLDER).iterdir())
    at_work = unended()  # read last: a job that begins meanwhile has no file in the list
    spent = [
        path
        for path in files
        if path.name.lstrip(".").partition(".")[0] not in at_work
        and (
            path.name.startswith(".")
            or path.suffix not in {".jsonl", ".json"}
            or path.stat().st_mtime < oldest
        )
    ]
    for path in spent:
        path.unlink(missing_ok=True)
    return len(spent)


class FindingsJournal:
    """The findings of an index job, each on the disk before its item is stored.

    So a job that continues after a kill has the findings of the items that it does not compare again. The
    later of two entries for an item counts.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        path.chmod(0o600)
        self._places: dict[tuple[str, str | None], int] = {}
        self._end = self._read()
        self._file.truncate(self._end)
        fsync_folder(path.parent)
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def note(self, answers: Iterable[ItemResult]) -> None:
        """Write the items that are about to be stored; all are on the disk when this returns."""
        with convert_write_errors(self._path):
            for answer in answers:
                if answer.existing is None:
                    self._write(answer)
            self._file.flush()
            os.fsync(self._file.fileno())

    def holds(self, answer: ItemResult) -> bool:
        """Whether this job compared the item, in this run or an earlier one."""
        return _key(answer) in self._places

    def finding(self, answer: ItemResult) -> Finding | None:
        """The finding of an item; None where nothing was searched."""
        if answer.existing is None or not self.holds(answer):
            return answer.finding
        self._file.seek(self._places[_key(answer)])
        finding = json.loads(self._file.readline())["finding"]
        return None if finding is None else from_json(finding)

    def _write(self, answer: ItemResult) -> None:
        entry = {
            "item": answer.item.id,
            "sha256": answer.item.sha256,
            "finding": None if answer.finding is None else to_json(answer.finding),
        }
        line = json.dumps(entry).encode() + b"\n"
        self._places[_key(answer)] = self._end
        self._file.write(line)
        self._end += len(line)

    def _read(self) -> int:
        """Read the entries of earlier runs; returns where the last complete line ends."""
        self._file.seek(0)
        end = 0
        for place, line in _complete_lines(self._file):
            entry = json.loads(line)
            self._places[entry["item"], entry["sha256"]] = place
            end = place + len(line)
        return end


def _key(answer: ItemResult) -> tuple[str, str | None]:
    return answer.item.id, answer.item.sha256


def _complete_lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    place = 0
    for line in file:
        if line.endswith(b"\n"):
            yield place, line
        place += len(line)
