"""Metrics for Prometheus: jobs by state, seconds by stage, verdicts, requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earwitness.index.store.jobs import JobState

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


class Metrics:
    """The metrics of one server, in a registry of their own, so that two apps in one process do not mix.

    Parameters
    ----------
    count_jobs : callable
        Returns the number of jobs in each state; called at every scrape.
    """

    def __init__(self, count_jobs: Callable[[], Mapping[JobState, int]]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Jobs(count_jobs))
        self._stages = Histogram(
            "earwitness_stage_seconds",
            "Seconds spent in each stage of a job.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._verdicts = Counter(
            "earwitness_verdicts", "Items judged, by verdict.", ["verdict"], registry=self.registry
        )
        self._requests = Counter(
            "earwitness_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self._uploaded = Counter(
            "earwitness_uploaded_bytes", "Bytes taken into the spool.", registry=self.registry
        )

    def watch_lanes(self, lanes: Callable[[], Mapping[str, bool]]) -> None:
        """Report at every scrape which lanes can do jobs."""
        self.registry.register(_Lanes(lanes))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the time of the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._stages.labels(name).observe(time.perf_counter() - start)

    def judged(self, verdict: str, count: int = 1) -> None:
        """Count the verdict of items."""
        self._verdicts.labels(verdict).inc(count)

    def answered(self, route: str, status: int) -> None:
        """Count one response."""
        self._requests.labels(route, str(status)).inc()

    def uploaded(self, n_bytes: int) -> None:
        """Count the bytes of an upload."""
        self._uploaded.inc(n_bytes)

    def page(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)


class Meter:
    """ASGI middleware: counts responses by the route's template, never by the path, which clients choose."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and count its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics: Metrics = scope["app"].state.service.metrics

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                metrics.answered(route, message["status"])
            await send(message)

        await self._app(scope, receive, send_counted)


class _Jobs(Collector):
    def __init__(self, count_jobs: Callable[[], Mapping[JobState, int]]) -> None:
        self._count_jobs = count_jobs

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [GaugeMetricFamily("earwitness_jobs", "Jobs by state.", labels=["state"])]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        counts = self._count_jobs()
        (family,) = self.describe()
        for state in JobState:
            family.add_metric([state.value], counts[state])
        return [family]


class _Lanes(Collector):
    def __init__(self, lanes: Callable[[], Mapping[str, bool]]) -> None:
        self._lanes = lanes

    def describe(self) -> Iterable[GaugeMetricFamily]:
        help_ = "1 for a lane that can do jobs, 0 for one that cannot."
        return [GaugeMetricFamily("earwitness_lane_alive", help_, labels=["lane"])]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        (family,) = self.describe()
        for lane, alive in self._lanes().items():
            family.add_metric([lane], float(alive))
        return [family]
