"""Carries out jobs in two lanes, so that a collection of a day's length keeps no check waiting.

This process holds the home's one writer lock, so every job that is ``running`` when it starts was somebody's
who is dead, and goes back to the queue at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from earwitness.api.http.jobs.heartbeat import Progress
from earwitness.api.http.jobs.lane import Floor, JobHandler, Lane, Work, log_trouble
from earwitness.api.http.metrics import Metrics
from earwitness.index.store.jobs import LEASE_S, Job, Jobs
from earwitness.index.store.store_errors import JobLost

LANES: Final[Mapping[str, tuple[str, ...]]] = {"quick": ("check", "work"), "bulk": ("index", "scan")}


class Runner:
    """Carries out jobs until it is stopped.

    Parameters
    ----------
    jobs : Jobs
        The durable queue.
    open_job_worker : callable
        Makes the desk of the lane whose name it is given; called in the lane's thread.
    job_wall_s : float
        Seconds that one job may take in all.
    tidy : callable
        Lets go of what ended jobs left; called when one has ended.
    """

    def __init__(
        self,
        jobs: Jobs,
        open_job_worker: Callable[[str], JobHandler],
        metrics: Metrics,
        *,
        job_wall_s: float,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        self._jobs, self._tidy = jobs, tidy
        self._floor = Floor(
            jobs=jobs,
            metrics=metrics,
            halted=threading.Event(),
            at_work={},
            ended=self._let_go,
            job_wall_s=job_wall_s,
        )
        self._lanes = [
            Lane(name, kinds, self._floor, lambda name=name: open_job_worker(name))  # type: ignore[misc]
            for name, kinds in LANES.items()
        ]
        metrics.watch_lanes(self.lanes_alive)

    def start(self) -> None:
        """Begin."""
        for lane in self._lanes:
            lane.thread.start()
        threading.Thread(target=self._keep_leases, name="jobs-lease", daemon=True).start()

    def stop(self, *, patience_s: float) -> bool:
        """Let lanes end; returns whether they did. What was being done is taken up at the next start."""
        self._floor.halted.set()
        self.wake()
        for lane in self._lanes:
            lane.thread.join(patience_s)
        return not any(lane.thread.is_alive() for lane in self._lanes)

    def wake(self) -> None:
        """Say that there is a new job."""
        for lane in self._lanes:
            lane.wake.set()

    def cancel(self, job: str) -> bool:
        """Make a job's work stop soon; returns whether it is at work."""
        work = self._floor.at_work.get(job)
        if work is not None:
            work.cancelled.set()
        return work is not None

    def progress(self, job: str) -> Progress | None:
        """How far a running job is."""
        work = self._floor.at_work.get(job)
        return None if work is None else work.progress

    def lanes_alive(self) -> dict[str, bool]:
        """Which lanes can do a job that is promised now."""
        return {lane.name: lane.is_alive for lane in self._lanes}

    def trouble(self, kind: str) -> str | None:
        """Why no job of a kind would be done at present; None where it would be."""
        lane = next(lane for lane in self._lanes if kind in lane.kinds)
        return None if lane.is_alive else lane.trouble or "it has ended"

    def complaints(self) -> list[str]:
        """What keeps this runner from working; empty when nothing does."""
        said = list[str]()
        for lane in self._lanes:
            if not lane.thread.is_alive():
                said.append(f"jobs-{lane.name} has ended")
            elif lane.trouble is not None:
                said.append(f"jobs-{lane.name} does not work: {lane.trouble}")
            elif not lane.is_open:
                said.append(f"jobs-{lane.name} is starting")
        return said

    def _let_go(self, job: Job) -> None:
        """Remove what an ended job left; files that stay too long do no harm, a lane that ends does."""
        try:
            now = self._jobs.get(job.id)
            spent = now is None or (now.ended_at is not None and not now.is_retryable)
            if job.spool_path is not None and spent:
                job.spool_path.unlink(missing_ok=True)
            self._tidy()
        except Exception as error:
            log_trouble("what a job left is not removed yet", error, job=job.id)

    def _keep_leases(self) -> None:
        while not self._floor.halted.wait(LEASE_S / 4):
            for work in list(self._floor.at_work.values()):
                try:
                    self._renew_lease(work)
                except Exception as error:  # this process holds the home's lock: nobody else can take it over
                    log_trouble("lease not renewed", error, job=work.job.id)

    def _renew_lease(self, work: Work) -> None:
        try:
            self._jobs.heartbeat(work.job, items_done=work.items_done)
        except JobLost:
            current = self._jobs.get(work.job.id)
            if current is not None and current.ended_at is None:
                raise  # else the job ended before its lease was renewed
