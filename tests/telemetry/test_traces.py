"""Traces that are not asked for, or cannot be made. What is sent is tested on a real service."""

import sys

import pytest

from app.settings import Settings, SettingsError
from app.telemetry.traces import Traces


def test_without_a_collector_there_are_no_spans_and_no_headers():
    traces = Traces()
    traces.start(Settings(), "test")
    with traces.span("one") as span:
        assert span is None
    assert traces.span("one") is traces.request({"HTTP_TRACEPARENT": "00-1-2-01"})
    assert traces.traceparent() is None
    traces.answered("GET", "/", 500)
    traces.flush()


def test_a_missing_library_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    settings = Settings(otel_exporter_otlp_endpoint="http://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"pip install -r requirements-tracing\.txt"):
        Traces().start(settings, "test")
