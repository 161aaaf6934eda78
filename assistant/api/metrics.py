"""`/metrics`: what Prometheus reads. Each server counts for itself, from zero."""

from __future__ import annotations

import time
from collections import Counter as Count
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from assistant.api.observe import Exchange, What
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_STATES = ("queued", "running", "done", "failed", "cancelled", "killed")
TEXT = "text/plain; version=0.0.4; charset=utf-8"


REFUSALS = {
    400: "bad_input",
    401: "no_token",
    403: "forbidden",
    413: "too_large",
    421: "unknown_host",
    422: "invalid",
    429: "overload",
}
"""Why a request was turned away, by its status."""


class Metrics:
    """The counters of one server."""

    def __init__(self, app: App) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "dyag_requests_total", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "dyag_request_seconds",
            "From a request to the end of its response.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.first = Histogram(
            "dyag_stream_first_seconds",
            "From a request to the first bytes of its event stream.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.refused = Counter(
            "dyag_refused_total", "Requests turned away, by why.", ("reason",), registry=self.registry
        )
        self.broken_off = Counter(
            "dyag_broken_off_total", "Responses whose client went away.", ("route",), registry=self.registry
        )
        self.open = Gauge("dyag_requests_open", "Requests that are being answered.", registry=self.registry)
        self.streams = Gauge("dyag_streams_open", "Event streams that are open.", registry=self.registry)
        ProcessCollector(registry=self.registry)
        self.registry.register(_Workspace(app))

    def tell(self, what: What, seen: Exchange) -> None:
        """Count an exchange."""
        if what == "started":
            self.open.inc()
        elif what == "streams":
            self.streams.inc()
        else:
            self._ended(seen)

    def _ended(self, seen: Exchange) -> None:
        self.open.dec()
        if seen.streamed:
            self.streams.dec()
        self.requests.labels(seen.method, seen.route, str(seen.status)).inc()
        self.seconds.labels(seen.method, seen.route).observe(seen.seconds)
        if seen.streamed and seen.first is not None:
            self.first.labels(seen.route).observe(seen.first)
        if seen.status in REFUSALS:
            self.refused.labels(REFUSALS[seen.status]).inc()
        if not seen.whole and not seen.error:
            self.broken_off.labels(seen.route).inc()


class _Workspace(Collector):
    """What the workspace says when it is asked; a part that cannot be read is left out, and said to be down."""

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())  # or registering would collect

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("dyag_up", "Whether a part of the workspace can be read.", labels=("part",))
        for part, read in (("index", self._index), ("jobs", self._jobs)):
            try:
                families = read()
            except UserError:
                families = []
            up.add_metric((part,), float(bool(families)))
            yield from families
        yield up

    def _index(self) -> list[GaugeMetricFamily]:
        from retrieval.generation import Damaged, current_name, read_manifest

        folder = self._app.home.index
        if (name := current_name(folder)) is None:
            return []
        try:
            live = read_manifest(folder, name)
        except Damaged:
            return []
        return [
            GaugeMetricFamily("dyag_index_age_seconds", "Since the live index was made.", time.time() - live.created),
            GaugeMetricFamily("dyag_index_chunks", "Chunks that can be found.", live.chunks),
        ]

    def _jobs(self) -> list[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("dyag_jobs", "Jobs in the journal.", labels=("state",))
        # As the rows say: to ask whether each process lives is the work of whoever looks at the jobs.
        found = Count(state for (state,) in self._app.journal.read("SELECT state FROM jobs"))
        for state in _STATES:
            jobs.add_metric((state,), found[state])
        return [jobs]


def metrics_of(request: Request) -> Metrics:
    """For `Annotated[Metrics, Depends(metrics_of)]`."""
    found: Metrics = request.app.state.metrics
    return found


router = APIRouter(tags=["operations"])


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
)
def metrics(found: Annotated[Metrics, Depends(metrics_of)]) -> PlainTextResponse:
    """Counters and gauges for Prometheus."""
    return PlainTextResponse(generate_latest(found.registry), media_type=TEXT)
