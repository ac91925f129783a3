from __future__ import annotations

import re

from syncd.telemetry.metrics import API_REQUESTS, API_SECONDS, METRICS, MetricKind, Metrics


def test_every_metric_is_named_and_explained_by_the_same_rules() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"syncd_[a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
        assert metric.help.endswith(".")


def test_what_is_counted_and_observed_is_exported() -> None:
    metrics = Metrics()
    metrics.count(API_REQUESTS, operation="list", status="200")
    metrics.count(API_REQUESTS, 2, operation="list", status="200")
    metrics.observe(API_SECONDS, 0.2, operation="list")
    text = metrics.exposition().decode()
    assert 'syncd_api_requests_total{operation="list",status="200"} 3.0' in text
    assert 'syncd_api_request_seconds_bucket{le="0.25",operation="list"} 1.0' in text


def test_two_daemons_in_one_process_do_not_share_values() -> None:
    one, two = Metrics(), Metrics()
    one.count(API_REQUESTS, operation="list", status="200")
    assert two.value("syncd_api_requests_total", operation="list", status="200") is None


def test_the_process_is_measured_when_asked_for() -> None:
    assert b"process_resident_memory_bytes" in Metrics(process=True).exposition()
    assert b"process_" not in Metrics().exposition()
