"""GET /metrics"""

from __future__ import annotations

import platform
from collections.abc import Iterator

from apiflask import APIBlueprint
from flask import Response, current_app
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from app import __version__
from app.errors import StoreUnavailable
from app.services import Services, services
from app.telemetry import metrics

blueprint = APIBlueprint("metrics", __name__, tag="Health")


@blueprint.get("/metrics")
@blueprint.output({}, content_type="text/plain", description="The text format of Prometheus.")
@blueprint.doc(summary="Numbers of all processes")
def show() -> Response:
    """Return what Prometheus asks for: of all web processes and workers of this machine, and the jobs of all."""
    held = services()
    text = metrics.exposition(held.settings.prometheus_multiproc_dir, _of_the_whole(held))
    return current_app.response_class(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _of_the_whole(held: Services) -> Iterator[Metric]:
    """Yield what is the same wherever it is asked: over several instances take the maximum, not the sum."""
    build = GaugeMetricFamily("automl_build_info", "Versions.", labels=["version", "python"])
    build.add_metric([__version__, platform.python_version()], 1)
    yield build
    up = GaugeMetricFamily("automl_store_up", "Whether Redis answers.")
    try:
        yield from held.queue.counts()
        up.add_metric([], 1)
    except StoreUnavailable:
        up.add_metric([], 0)
    yield up
