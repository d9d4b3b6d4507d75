"""The jobs of all tenants that a server serves, claimed in turn."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from earwitness.index.store.jobs import Job, Jobs, JobState


class FairQueue:
    """The jobs of several tenants of one home. A tenant with many jobs keeps no other waiting.

    A lane takes the oldest job of the tenant whose turn was longest ago. The turns of one lane do not count
    for another.

    Parameters
    ----------
    jobs : mapping of str to Jobs
        The jobs of each tenant; at least one. Jobs of other tenants of the home are left alone.
    """

    def __init__(self, jobs: Mapping[str, Jobs]) -> None:
        self._jobs = dict(jobs)
        self._any = next(iter(self._jobs.values()))
        self._turns = itertools.count(1)
        self._last = dict[tuple[tuple[str, ...], str], int]()

    def of(self, job: Job) -> Jobs:
        """Return the jobs of the tenant that a job belongs to."""
        return self._jobs[job.tenant]

    def claim(self, kinds: Sequence[str], *, held: Collection[str] = ()) -> Job | None:
        """Take a queued job of these kinds; parameters are those of `Jobs.claim`."""
        lane = tuple(kinds)
        waiting = [each for each in self._any.waiting_tenants(kinds) if each in self._jobs]
        for tenant in sorted(waiting, key=lambda each: self._last.get((lane, each), 0)):
            job = self._jobs[tenant].claim(kinds, held=held)
            if job is not None:
                self._last[lane, tenant] = next(self._turns)
                return job
        return None

    def requeue_lost(self) -> int:
        """Queue running jobs again, at the start of a server; return how many there were."""
        return sum(each.requeue_lost() for each in self._jobs.values())

    def count(self) -> dict[JobState, int]:
        """Count the jobs in each state, of all tenants together."""
        counts = Counter[JobState]()
        for each in self._jobs.values():
            counts.update(each.count())
        return {state: counts[state] for state in JobState}

    def release_uploads(self, *, ended_before: float) -> list[Path]:
        """Detach old uploads that were stored for a retry; see `Jobs.release_uploads`."""
        released = (each.release_uploads(ended_before=ended_before) for each in self._jobs.values())
        return list(itertools.chain.from_iterable(released))

    def unfinished(self) -> set[str]:
        """Return the ids of jobs, also of tenants that are not served, whose files are needed."""
        return self._any.unfinished()

    def spool_paths(self) -> set[Path]:
        """Return the uploads that jobs need, also of tenants that are not served."""
        return self._any.spool_paths()
