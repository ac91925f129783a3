"""Every metric the daemon exports, declared in one table that the documentation is tested against."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import prometheus_client as prometheus

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class MetricKind(enum.StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its full name as scraped, its help and its labels; `buckets` of a histogram are upper bounds."""

    kind: MetricKind
    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS


def _counter(name: str, help: str, *labels: str) -> Metric:
    return Metric(MetricKind.COUNTER, name, help, labels)


def _histogram(name: str, help: str, *labels: str) -> Metric:
    return Metric(MetricKind.HISTOGRAM, name, help, labels)


API_REQUESTS = _counter("syncd_api_requests_total", "API requests answered.", "operation", "status")
API_SECONDS = _histogram("syncd_api_request_seconds", "Time to answer an API request, in seconds.", "operation")
AUTH_REFUSED = _counter("syncd_auth_refused_total", "API requests refused for their token.", "reason")
HOOKS_ACCEPTED = _counter("syncd_hooks_accepted_total", "Webhooks committed and acknowledged.", "connection")
HOOKS_REFUSED = _counter("syncd_hooks_refused_total", "Webhooks refused, by reason.", "connection", "reason")

WORK_FINISHED = _counter("syncd_work_finished_total", "Work keys finished, by kind and result.", "kind", "result")

METRICS: tuple[Metric, ...] = (
    API_REQUESTS,
    API_SECONDS,
    AUTH_REFUSED,
    HOOKS_ACCEPTED,
    HOOKS_REFUSED,
    WORK_FINISHED,
)


class Metrics:
    """The values of all declared metrics of one daemon, in a registry of their own."""

    def __init__(self, *, process: bool = False) -> None:
        """
        Args:
            process: also export the process's memory, CPU time and open files.
        """
        self._registry = prometheus.CollectorRegistry()
        self._collectors = {metric.name: _collector(metric, self._registry) for metric in METRICS}
        self._labelled: dict[tuple[Any, ...], Any] = {}
        if process:
            prometheus.ProcessCollector(registry=self._registry)

    def count(self, metric: Metric, value: float = 1, **labels: str) -> None:
        """Add to a counter."""
        self._at(metric, labels).inc(value)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Put a gauge to a value."""
        self._at(metric, labels).set(value)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Add one observation to a histogram."""
        self._at(metric, labels).observe(value)

    def value(self, sample: str, **labels: str) -> float | None:
        """The present value of a sample by its full name, such as `syncd_api_request_seconds_count`."""
        return self._registry.get_sample_value(sample, labels)

    def exposition(self) -> bytes:
        """All values, as a scraper reads them (CONTENT_TYPE)."""
        return prometheus.generate_latest(self._registry)

    def _at(self, metric: Metric, labels: dict[str, str]) -> Any:
        if not metric.labels:
            return self._collectors[metric.name]
        key = metric.name, *labels.items()
        found = self._labelled.get(key)
        if found is None:
            found = self._labelled[key] = self._collectors[metric.name].labels(**labels)
        return found


def _collector(metric: Metric, registry: prometheus.CollectorRegistry) -> Any:
    if metric.kind is MetricKind.HISTOGRAM:
        return prometheus.Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=registry)
    kind = prometheus.Counter if metric.kind is MetricKind.COUNTER else prometheus.Gauge
    return kind(metric.name, metric.help, metric.labels, registry=registry)
