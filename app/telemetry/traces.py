"""Traces (OpenTelemetry), where `OTEL_EXPORTER_OTLP_ENDPOINT` says where they go; else nothing of it is imported."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any

from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

#: Seconds that sending spans may take.
_SEND = 5

#: In place of a span where there are no traces.
_NOTHING: AbstractContextManager[None] = nullcontext()


class _Marked:
    """A span that says by which kind of error it ended, and not in which words: those of a library may hold values."""

    def __init__(self, span: AbstractContextManager[Span]) -> None:
        self._context = span

    def __enter__(self) -> None:
        self._span = self._context.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        from opentelemetry.trace import StatusCode

        if kind is not None:
            self._span.set_status(StatusCode.ERROR, kind.__name__)
        self._context.__exit__(kind, error, traceback)


def _until_flush(exporter: SpanExporter) -> SpanProcessor:
    """Return what keeps spans until they are asked for, without a thread."""
    from opentelemetry.sdk.trace import SpanProcessor

    class UntilFlush(SpanProcessor):
        def __init__(self) -> None:
            self._kept: list[ReadableSpan] = []

        def on_end(self, span: ReadableSpan) -> None:
            self._kept.append(span)

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            sent, self._kept = self._kept, []
            exporter.export(sent)
            return True

    return UntilFlush()


class Traces:
    """The traces of a process, sent from time to time by a thread, which begins with the first span, after any fork."""

    def __init__(self) -> None:
        self._endpoint: str | None = None
        self._service = ""
        self._flushed = False
        self._provider: TracerProvider | None = None
        self._making = threading.Lock()

    def start(self, settings: Settings, service: str, flushed: bool = False) -> None:
        """Trace from now on, if the settings say where to.

        Parameters
        ----------
        service
            Name of this part of the service.
        flushed
            Whether spans are sent by `flush` alone: jobs fork, and what forks has no threads.

        Raises
        ------
        SettingsError
            OpenTelemetry is not installed.
        """
        if settings.otel_exporter_otlp_endpoint is None:
            return
        try:
            import opentelemetry.exporter.otlp.proto.http.trace_exporter
            import opentelemetry.sdk.trace.export  # noqa: F401  tells whether it is there
        except ImportError:
            raise SettingsError(
                "OTEL_EXPORTER_OTLP_ENDPOINT: traces need OpenTelemetry. "
                "Install it with: pip install -r requirements-tracing.txt"
            ) from None
        self._endpoint, self._service, self._flushed = settings.otel_exporter_otlp_endpoint, service, flushed

    def span(
        self, name: str, parent: dict[str, str] | None = None, serves: bool = False
    ) -> AbstractContextManager[None]:
        """Return a span around what happens in it.

        Parameters
        ----------
        parent
            The headers `traceparent` and `tracestate` of what asked for it (W3C Trace Context); by default it is the
            span around this one.
        serves
            Whether somebody elsewhere asked.
        """
        if self._endpoint is None:
            return _NOTHING
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        around = None if parent is None else TraceContextTextMapPropagator().extract(parent)
        tracer = self._made().get_tracer("app")
        return _Marked(
            tracer.start_as_current_span(
                name,
                around,
                SpanKind.SERVER if serves else SpanKind.INTERNAL,
                record_exception=False,
                set_status_on_exception=False,
            )
        )

    def request(self, environ: dict[str, Any]) -> AbstractContextManager[None]:
        """Return a span around a request, given as WSGI has it."""
        if self._endpoint is None:
            return _NOTHING
        headers = {name: environ.get(f"HTTP_{name.upper()}", "") for name in ("traceparent", "tracestate")}
        return self.span("request", headers, serves=True)

    def answered(self, method: str, route: str, status: int) -> None:
        """Name the span of a request, whose route is known by now."""
        if self._endpoint is None:
            return
        from opentelemetry.trace import StatusCode, get_current_span

        span = get_current_span()
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
        if status >= 500:
            span.set_status(StatusCode.ERROR)

    def traceparent(self) -> str | None:
        """Return the header by which what is asked of others belongs to this span; None where there are no traces."""
        if self._endpoint is None:
            return None
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(headers)
        return headers.get("traceparent")

    def flush(self) -> None:
        """Send what has ended. A process that is about to end without Python's own exit must."""
        if self._provider is not None:
            self._provider.force_flush(_SEND * 1000)

    def _made(self) -> TracerProvider:
        with self._making:
            if self._provider is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
                from opentelemetry.sdk.resources import Resource
                from opentelemetry.sdk.trace import TracerProvider
                from opentelemetry.sdk.trace.export import BatchSpanProcessor

                self._provider = TracerProvider(resource=Resource.create({"service.name": self._service}))
                exporter = OTLPSpanExporter(f"{str(self._endpoint).rstrip('/')}/v1/traces", timeout=_SEND)
                self._provider.add_span_processor(
                    _until_flush(exporter) if self._flushed else BatchSpanProcessor(exporter)
                )
            return self._provider


#: The traces of this process.
TRACES = Traces()
