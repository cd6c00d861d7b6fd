"""A real service as its operator sees it: numbers, lines of the log, traces, and a stop in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import psutil
import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from app.store.connection import connect
from conftest import ROOT, SECRET, Service, free_port, wait_until_ready
from tests.faults.parts import until

#: Seconds that a test may wait for something.
PATIENCE = 60

TABLE = {"height": [0.5 * row for row in range(20)], "colour": ["red", "blue"] * 10, "label": ["no", "yes"] * 10}
ROWS = {"pipeline_id": "watched", "data": [{"height": 1.0, "colour": "red"}, {"height": 2.0, "colour": "blue"}]}
TRACE = "0af7651916cd43dd8448eb211c80319c"
ASKED = {"X-Request-Id": "the-training.1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


class Collector(BaseHTTPRequestHandler):
    """Keeps the spans that are sent to it."""

    spans: ClassVar[list] = []

    def do_POST(self):
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for of_process in sent.resource_spans:
            named = {attribute.key: attribute.value.string_value for attribute in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                self.spans += [(named["service.name"], span) for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


class Watched(Service):
    """A service of two web processes and a worker, with its log and the spans that it sends."""

    def __init__(self, root, process, log, spans):
        super().__init__(root)
        self.process, self._log, self.spans = process, log, spans

    def lines(self, **fields):
        """Return the lines of the log that have these fields."""
        found = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line for line in found if fields.items() <= line.items()]

    def line(self, **fields):
        """Return the one line that has these fields, once it is written."""
        (found,) = until(lambda: self.lines(**fields), f"a line with {fields}")
        return found

    def number(self, name, **labels):
        """Return a number of /metrics, added up over all labels that are not told; 0 where there is none."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def arbiter(self):
        """Return the parent of the web processes."""
        children = psutil.Process(self.process.pid).children()
        return next(one for one in children if "gunicorn" in " ".join(one.cmdline()))

    def web_processes(self):
        """Return those that answer, by process id."""
        return {child.pid for child in self.arbiter().children()}


@pytest.fixture(scope="module")
def watched(redis_url, tmp_path_factory):
    """The service, and a model that it has trained."""
    folder = tmp_path_factory.mktemp("watched")
    with connect(redis_url) as client:
        # The jobs of other tests were counted too.
        client.flushall()
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    port = free_port()
    environment = {
        "PORT": str(port),
        "DATA_DIR": str(folder),
        "REDIS_URL": redis_url,
        "SIGNING_SECRET": SECRET,
        # Longer than any test; a second SIGTERM ends it.
        "DRAIN_SECONDS": "600",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "app"], cwd=ROOT, env=os.environ | environment, stderr=log)
    service = Watched(f"http://127.0.0.1:{port}", process, folder / "log", Collector.spans)
    try:
        wait_until_ready(service, process)
        parameters = {
            "pipeline_id": "watched",
            "target": "label",
            "model_training": {"model": "sklearn.tree.DecisionTreeClassifier"},
            "explain": {"rows": 0},
        }
        files = {"raw_data": ("t.json", json.dumps(TABLE)), "params": json.dumps(parameters)}
        trained = service.post("/train_pipeline", files=files, headers=ASKED)
        assert trained.ok, trained.text
        yield service
    finally:
        service.close()
        if process.poll() is None:
            process.terminate()
            service.arbiter().kill()
            process.wait(PATIENCE)
        collector.shutdown()
        collector.server_close()


def predict(service, **headers):
    # On the one connection of the session, so that one process is asked and has to load the engine.
    return service.post("/serve_prediction", json=ROWS, headers=headers)


def test_numbers_are_of_all_web_processes_together(watched):
    def models(_):
        # On a connection of its own, which either process may take.
        return requests.get(f"{watched.root}/models", timeout=PATIENCE).ok

    def processes(n_requests):
        found = watched.lines(route="/models")
        return {line["process"] for line in found} if len(found) >= n_requests else None

    labels, sent, answered_by = {"route": "/models", "method": "GET", "status": "200"}, 0, set()
    while len(answered_by) < 2:
        assert sent < 500
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(models, range(8)))
        sent += 8
        answered_by = until(partial(processes, sent), "each request is logged")
    assert answered_by == watched.web_processes()
    assert watched.number("automl_requests_total", **labels) == sent
    assert watched.number("automl_request_seconds_count", route="/models") == sent
    assert watched.number("automl_request_wait_seconds_count") > sent


def test_predictions_are_counted_by_row_and_their_stages_timed(watched):
    assert all(predict(watched).ok for _ in range(3))
    assert watched.number("automl_predicted_rows_total") == 6
    assert watched.number("automl_predict_seconds_count") == watched.number("automl_parse_seconds_count") == 3
    assert watched.number("automl_model_load_seconds_count") == watched.number("automl_cache_misses_total") == 1
    assert watched.number("automl_cache_hits_total") == 2
    assert watched.number("automl_cache_bytes") > 0


def test_paths_that_no_route_has_share_one_label(watched):
    assert all(watched.get(f"/{uuid.uuid4().hex}").status_code == 404 for _ in range(3))
    assert watched.request("BREW", "/serve_prediction").status_code == 405
    assert watched.get(f"/models/{uuid.uuid4().hex}").status_code == 404
    text = watched.get("/metrics").text
    routes = {line for line in text.splitlines() if line.startswith("automl_requests_total")}
    assert watched.number("automl_requests_total", route="other", method="GET", status="404") >= 3
    assert watched.number("automl_requests_total", route="other", method="other", status="405") == 1
    assert watched.number("automl_requests_total", route="/models/<pipeline_id>", status="404") >= 1
    assert len(routes) < 20


def test_jobs_are_counted_and_so_is_what_their_processes_do(watched):
    explanations = watched.number("automl_explanations_total", method="lime")
    for _ in range(2):
        # As jobs: their processes follow each other, and the second adds to what the first has counted.
        asked = ROWS | {"method": "lime", "num_samples": 50}
        answer = watched.post("/explain", json=asked, headers={"Prefer": "wait=60"})
        assert len(answer.json()["explanations"]) == 2
    assert watched.number("automl_explanations_total", method="lime") - explanations == 4
    assert watched.number("automl_explanation_seconds_count", method="lime") >= 2
    assert watched.number("automl_job_seconds_count", kind="explanation", state="finished") == 2
    assert watched.number("automl_job_seconds_count", kind="training", state="finished") == 1
    assert watched.number("automl_job_seconds_bucket", kind="training", le="+Inf") == 1
    assert watched.number("automl_queue_length") == 0
    assert watched.number("automl_store_up") == watched.number("automl_build_info") == 1


def test_each_request_has_a_line_with_the_id_that_its_answer_has(watched):
    answer = predict(watched)
    line = watched.line(request_id=answer.headers["X-Request-Id"])
    assert (line["method"], line["route"], line["status"]) == ("POST", "/serve_prediction", 200)
    assert (line["pipeline_id"], line["version"], line["level"]) == ("watched", 1, "INFO")
    assert line["seconds"] > 0
    assert predict(watched, **{"X-Request-Id": "mine.7"}).headers["X-Request-Id"] == "mine.7"
    assert watched.line(request_id="mine.7")["status"] == 200


def test_an_id_that_could_forge_a_line_is_not_taken(watched):
    for forged in ('x","level":"ERROR', "a b", "ä".encode(), "y" * 129, "", "x\ty"):
        answer = predict(watched, **{"X-Request-Id": forged})
        assert answer.ok
        assert answer.headers["X-Request-Id"] != forged
        watched.line(request_id=answer.headers["X-Request-Id"])
    watched.get('/%0A{"level":"ERROR","message":"forged"}')
    assert not watched.lines(level="ERROR", message="forged")


def test_what_gunicorn_says_is_json_too(watched):
    assert watched.lines(logger="gunicorn.error", level="INFO")
    assert watched.lines(logger="app", level="INFO")


def test_the_lines_of_a_job_have_the_id_of_the_request_that_queued_it(watched):
    ended = watched.line(message="job", request_id=ASKED["X-Request-Id"])
    assert (ended["kind"], ended["state"]) == ("training", "finished")
    assert (ended["pipeline_id"], ended["version"]) == ("watched", 1)
    assert ended["seconds"] > 0
    assert ended["job_id"]
    assert watched.line(message="request", request_id=ASKED["X-Request-Id"])["process"] != ended["process"]


def test_a_job_and_its_request_are_of_the_trace_of_whoever_asked(watched):
    def found():
        spans = [(service, span) for service, span in watched.spans if span.trace_id.hex() == TRACE]
        return spans if {span.name for _, span in spans} >= {"POST /train_pipeline", "training"} else None

    spans = {span.name: (service, span) for service, span in until(found, "spans of the training")}
    web, request = spans["POST /train_pipeline"]
    worker, job = spans["training"]
    assert (web, worker) == ("automl-web", "automl-worker")
    assert request.parent_span_id.hex() == ASKED["traceparent"].split("-")[2]
    assert job.parent_span_id == request.span_id


def test_stages_are_spans_of_their_request(watched):
    assert predict(watched, traceparent=f"00-{'c' * 32}-{'d' * 16}-01").ok

    def found():
        spans = [span for _, span in watched.spans if span.trace_id.hex() == "c" * 32]
        return spans if len(spans) >= 3 else None

    spans = until(found, "spans of the prediction")
    assert {"POST /serve_prediction", "parse", "predict"} <= {span.name for span in spans}
    (request,) = [span for span in spans if span.name == "POST /serve_prediction"]
    assert {span.parent_span_id for span in spans if span is not request} == {request.span_id}


def test_a_prediction_past_its_time_is_refused_with_503(watched):
    answer = predict(watched, Prefer="wait=0")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:problem:deadline-passed"
    assert answer.headers["Retry-After"]
    assert predict(watched, Prefer="wait=30").ok


def test_a_web_process_that_dies_takes_nothing_of_what_it_counted_along(watched):
    names = "automl_requests_total", "automl_predicted_rows_total", "automl_request_seconds_count"
    before = {name: watched.number(name) for name in names}
    processes = watched.web_processes()
    killed = max(processes)
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(watched.web_processes() - {killed}) == 2, "another process is started")
    assert all(watched.number(name) >= before[name] for name in names)


def test_at_a_stop_readiness_goes_first_and_requests_are_answered(watched):
    # The last test: it ends the service.
    body = b'{"version": 1}'
    head = f"PUT /models/watched/current HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    address = ("127.0.0.1", int(watched.root.rpartition(":")[2]))
    with socket.create_connection(address, timeout=PATIENCE) as begun:
        begun.sendall(f"{head}Connection: close\r\n\r\n".encode() + body[:5])

        def status(path):
            return requests.get(watched.root + path, timeout=PATIENCE).status_code

        assert status("/health/ready") == 200
        watched.process.terminate()
        until(lambda: status("/health/ready") == 503, "it is not ready")
        assert status("/health/live") == status("/models") == 200
        watched.arbiter().terminate()
        begun.sendall(body[5:])
        answer = b"".join(iter(lambda: begun.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert watched.process.wait(PATIENCE) == 0
