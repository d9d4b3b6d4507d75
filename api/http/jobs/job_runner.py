"""Carries out the jobs of all tenants in two lanes, so that no check waits for a collection that takes a day.

This process holds the home's only writer lock. So a job that is ``running`` when the server starts belonged
to a process that has ended, and goes back to the queue at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from earwitness.api.http.jobs.fair_queue import FairQueue
from earwitness.api.http.jobs.heartbeat import Progress
from earwitness.api.http.jobs.lane import JobHandler, Lane, LaneState, Work, log_trouble
from earwitness.api.http.metrics import Metrics
from earwitness.index.store.jobs import LEASE_S, Job
from earwitness.index.store.store_errors import JobLost

LANES: Final[Mapping[str, tuple[str, ...]]] = {"quick": ("check", "work", "album"), "bulk": ("index", "scan")}


class Runner:
    """Carries out jobs until it is stopped.

    Parameters
    ----------
    jobs : FairQueue
        The durable jobs of all tenants.
    open_job_worker : callable
        Makes the job handler of the lane of this name; called in the lane's thread.
    job_wall_s : float
        Longest time that one job may take, in seconds.
    tidy : callable
        Removes old uploads and findings; called when a job has ended.
    """

    def __init__(
        self,
        jobs: FairQueue,
        open_job_worker: Callable[[str], JobHandler],
        metrics: Metrics,
        *,
        job_wall_s: float,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        self._jobs, self._tidy = jobs, tidy
        self._state = LaneState(
            jobs=jobs,
            metrics=metrics,
            halted=threading.Event(),
            at_work={},
            ended=self._clean_up,
            job_wall_s=job_wall_s,
        )
        self._lanes = [
            Lane(name, kinds, self._state, lambda name=name: open_job_worker(name))  # type: ignore[misc]
            for name, kinds in LANES.items()
        ]
        metrics.watch_lanes(self.lanes_alive)

    def start(self) -> None:
        """Start the lanes."""
        for lane in self._lanes:
            lane.thread.start()
        threading.Thread(target=self._keep_leases, name="jobs-lease", daemon=True).start()

    def stop(self, *, patience_s: float) -> bool:
        """Stop the lanes; returns whether they have ended. Running jobs are done at the next start."""
        self._state.halted.set()
        self.wake()
        for lane in self._lanes:
            lane.thread.join(patience_s)
        return not any(lane.thread.is_alive() for lane in self._lanes)

    def wake(self) -> None:
        """Wake the lanes, because there is a new job."""
        for lane in self._lanes:
            lane.wake.set()

    def cancel(self, job: str) -> bool:
        """Make a running job stop soon; returns whether it was running."""
        work = self._state.at_work.get(job)
        if work is not None:
            work.cancelled.set()
        return work is not None

    def progress(self, job: str) -> Progress | None:
        """Progress of a running job; None for other jobs."""
        work = self._state.at_work.get(job)
        return None if work is None else work.progress

    def lanes_alive(self) -> dict[str, bool]:
        """Whether each lane can do a job that is accepted now."""
        return {lane.name: lane.is_alive for lane in self._lanes}

    @staticmethod
    def lane_of(kind: str) -> tuple[str, ...]:
        """Return the kinds of jobs that wait in one queue with this kind."""
        return next(kinds for kinds in LANES.values() if kind in kinds)

    def trouble(self, kind: str) -> str | None:
        """Why no job of a kind can be done at present; None where it can."""
        lane = next(lane for lane in self._lanes if kind in lane.kinds)
        return None if lane.is_alive else lane.trouble or "it has ended"

    def complaints(self) -> list[str]:
        """Why this runner cannot do all jobs; empty when it can."""
        complaints = list[str]()
        for lane in self._lanes:
            if not lane.thread.is_alive():
                complaints.append(f"jobs-{lane.name} has ended")
            elif lane.trouble is not None:
                complaints.append(f"jobs-{lane.name} does not work: {lane.trouble}")
            elif not lane.is_open:
                complaints.append(f"jobs-{lane.name} is starting")
        return complaints

    def _clean_up(self, job: Job) -> None:
        """Remove the upload of an ended job. An error is only logged: a file too many does no harm."""
        try:
            current = self._jobs.of(job).get(job.id)
            is_over = current is None or (current.ended_at is not None and not current.is_retryable)
            if job.spool_path is not None and is_over:
                job.spool_path.unlink(missing_ok=True)
            self._tidy()
        except Exception as error:
            log_trouble("the upload of a job is not removed yet", error, job=job.id)

    def _keep_leases(self) -> None:
        while not self._state.halted.wait(LEASE_S / 4):
            for work in list(self._state.at_work.values()):
                try:
                    self._renew_lease(work)
                except Exception as error:  # this process holds the home's lock: nobody else can take it over
                    log_trouble("lease not renewed", error, job=work.job.id)

    def _renew_lease(self, work: Work) -> None:
        try:
            self._jobs.of(work.job).heartbeat(work.job, items_done=work.items_done)
        except JobLost:
            current = self._jobs.of(work.job).get(work.job.id)
            if current is not None and current.ended_at is None:
                raise  # else the job ended before its lease was renewed
