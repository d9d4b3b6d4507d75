"""Findings of jobs on disk: written as they come, given when the job is done, kept for so many days."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from earwitness.api.findings import Finding, from_json, to_json
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.index.store.files import convert_write_errors, fsync_folder

RESULT_FOLDER: Final = "results"
JOURNAL: Final = ".journal"
DAY_S: Final = 86_400.0


def findings_file(home: Path, job: str) -> Path:
    """Where the findings of an index or scan job lie."""
    return home / RESULT_FOLDER / f"{job}.jsonl"


def journal_of(home: Path, job: str) -> Path:
    """Where an index job notes what it found, until it is done."""
    return home / RESULT_FOLDER / f"{job}{JOURNAL}"


def prune(home: Path, *, keep_days: float, unended: Callable[[], Set[str]]) -> int:
    """Remove findings older than `keep_days` (0: none is), and what jobs that have ended left half done.

    Parameters
    ----------
    unended
        Tells the ids of jobs that are queued or running: nothing of theirs is touched.

    Returns
    -------
    n_removed : int
    """
    oldest = time.time() - keep_days * DAY_S if keep_days else 0.0
    found = list((home / RESULT_FOLDER).iterdir())
    at_work = unended()  # asked last: a job that begins meanwhile has no file in the list
    spent = [
        path
        for path in found
        if path.name.lstrip(".").partition(".")[0] not in at_work
        and (path.name.startswith(".") or path.suffix != ".jsonl" or path.stat().st_mtime < oldest)
    ]
    for path in spent:
        path.unlink(missing_ok=True)
    return len(spent)


class FindingsJournal:
    """What an index job found, item by item, each on the disk before its item is stored.

    So a job that is taken up after a kill knows the findings of the items that it does not hear again. An
    item heard twice is noted twice, and the later note counts.
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
        """Note items that are about to be stored; all are on the disk when this returns."""
        with convert_write_errors(self._path):
            for answer in answers:
                if answer.existing is None:
                    self._write(answer)
            self._file.flush()
            os.fsync(self._file.fileno())

    def holds(self, answer: ItemResult) -> bool:
        """Whether this job heard the item, in this run or in one before."""
        return _key(answer) in self._places

    def finding(self, answer: ItemResult) -> Finding | None:
        """What was found of an item; None where nothing was asked."""
        if answer.existing is None or not self.holds(answer):
            return answer.finding
        self._file.seek(self._places[_key(answer)])
        found = json.loads(self._file.readline())["finding"]
        return None if found is None else from_json(found)

    def _write(self, answer: ItemResult) -> None:
        said = {
            "item": answer.item.id,
            "sha256": answer.item.sha256,
            "finding": None if answer.finding is None else to_json(answer.finding),
        }
        line = json.dumps(said).encode() + b"\n"
        self._places[_key(answer)] = self._end
        self._file.write(line)
        self._end += len(line)

    def _read(self) -> int:
        """Find the notes of earlier runs; returns where they end, a line that a kill cut off left out."""
        self._file.seek(0)
        end = 0
        for place, line in _whole_lines(self._file):
            said = json.loads(line)
            self._places[said["item"], said["sha256"]] = place
            end = place + len(line)
        return end


def _key(answer: ItemResult) -> tuple[str, str | None]:
    return answer.item.id, answer.item.sha256


def _whole_lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    place = 0
    for line in file:
        if line.endswith(b"\n"):
            yield place, line
        place += len(line)
