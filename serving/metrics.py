"""Figures of a running app in Prometheus' format, on a port of their own, off unless asked for.

Knows no tab. What a visitor sent is in none of them.
"""

import contextlib
import time

from prometheus_client import REGISTRY, Gauge, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from models import loader

DONE, REFUSED, FAILED, STOPPED = "done", "refused", "failed", "stopped"  # how a job ended
JOBS = Histogram(
    "keras_hands_on_job_seconds",
    "Time that a job took, by what it did and how it ended",
    ["job", "outcome"],
    buckets=(0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000),
)
RUNNING = Gauge("keras_hands_on_jobs_running", "Jobs being worked on", ["job"])


@contextlib.contextmanager
def running(job):
    """Count a job while it runs; gives the function that takes how it ended."""
    began = time.perf_counter()
    outcome = FAILED

    def ended(how):
        nonlocal outcome
        outcome = how

    RUNNING.labels(job).inc()
    try:
        yield ended
    finally:
        RUNNING.labels(job).dec()
        JOBS.labels(job, outcome).observe(time.perf_counter() - began)


class Figures(Collector):
    """What the server and the loader hold and have done, read when it is asked for."""

    def __init__(self, gauges):
        self._gauges = gauges

    def collect(self):
        """Yield the families of figures."""
        for name, (meaning, read) in self._gauges.items():
            yield GaugeMetricFamily(f"keras_hands_on_{name}", meaning, read())
        memory = GaugeMetricFamily(
            "keras_hands_on_model_bytes", "Memory of a loaded model's weights", labels=["model"]
        )
        for loaded in loader.models():
            memory.add_metric([loaded.row.id], loaded.nbytes)
        yield memory
        events = CounterMetricFamily(
            "keras_hands_on_model_events", "What the loader has done", labels=["event"]
        )
        for event in ("loads", "failures", "evictions"):
            events.add_metric([event], loader.counts[event])
        yield events


def serve(host, port, gauges):
    """Serve the figures on a port of their own.

    Args:
        host: str, the address to listen on. port: int.
        gauges: dict of a figure's name to (what it means, function without arguments that
            gives it).
    """
    REGISTRY.register(Figures(gauges))
    start_http_server(port, addr=host)
