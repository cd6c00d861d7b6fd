"""A Redis that dies or freezes while clients predict: models that are loaded are served on, and it is said so."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tests.faults import served
from tests.faults.parts import Load, Web, until

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def web(valkey, tmp_path) -> Iterator[Web]:
    """Two web processes that have both loaded the model."""
    served.publish(valkey.url)
    one = Web(valkey.url, tmp_path, STALE_SECONDS="600")
    try:
        one.start()
        loaded(one)
        yield one
    finally:
        one.stop()


def predict(web: Web, body: bytes = served.BODY):
    return web.service.post("/serve_prediction", data=body, headers={**JSON, "Connection": "close"}, timeout=60)


def train(web: Web):
    rows = "a,b\n" + "".join(f"{row},{'yes' if row % 2 else 'no'}\n" for row in range(20))
    params = "{pipeline_id: 8, target: b, model_training: {model: sklearn.tree.DecisionTreeClassifier}}"
    files = {"raw_data": ("t.csv", rows), "params": params}
    return web.service.post("/train_pipeline", files=files, headers={"Prefer": "respond-async"}, timeout=60)


def loaded(web: Web, processes: int = 2) -> None:
    """Predict until each process has, by new connections each time: which process has one is chance."""

    def each() -> bool:
        with Load(web.port, "/serve_prediction", served.BODY).running() as load:
            until(lambda: len(load.answers) > 20, "answers")
        assert load.statuses() == {200}
        lines = [line for line in web.lines(message="request", status=200) if str(line.get("pipeline_id")) == "7"]
        return len({line["process"] for line in lines}) == processes

    until(each, "each process predicts")


def test_loaded_models_are_served_on_without_redis_and_all_else_is_told_to_wait(web, valkey) -> None:
    before = predict(web)
    assert "Warning" not in before.headers
    valkey.kill()
    with Load(web.port, "/serve_prediction", served.BODY).running() as load:
        time.sleep(3)
        ready = web.service.get("/health/ready").json()
        assert ready["status"] == "degraded"
        assert "/redis" in {note["pointer"] for note in ready["notes"]}
    assert len(load.answers) > 20
    assert load.statuses() == {200}
    assert {body for *_, body in load.answers} == {before.content}
    assert predict(web).headers["Warning"].startswith("110 ")
    assert not {answer.status_code for answer in (predict(web), predict(web))} - {200}
    unknown = predict(web, served.BODY.replace(b"7", b'"other"', 1))
    for answer in (unknown, web.service.get("/models"), train(web)):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    valkey.start()
    until(lambda: "Warning" not in predict(web).headers, "predictions are no longer stale", 20)
    served.publish(valkey.url, (1, 0))
    until(lambda: predict(web).content != before.content, "what is promoted is served", 20)

    def noted() -> set[str]:
        return {note["pointer"] for note in web.service.get("/health/ready").json().get("notes", [])}

    until(lambda: "/redis" not in noted(), "nothing is said of Redis", 20)
    assert not web.lines(level="ERROR")


def test_nothing_is_served_that_could_not_be_checked_for_too_long(valkey, tmp_path) -> None:
    served.publish(valkey.url)
    web = Web(valkey.url, tmp_path, STALE_SECONDS="3", WEB_CONCURRENCY="1")
    try:
        web.start()
        loaded(web, 1)
        valkey.kill()
        until(lambda: "Warning" in predict(web).headers, "it is served from what is loaded")
        # What is refused counts as false.
        (refused,) = until(lambda: [one for one in [predict(web)] if not one.ok], "it is too old", 30)
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:problem:store-unavailable"
        ready = web.service.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["errors"] == [{"pointer": "/redis", "detail": "does not answer"}]
        assert web.service.get("/health/live").ok
    finally:
        web.stop()


def test_a_redis_that_is_silent_holds_no_client_for_long(web, valkey) -> None:
    with Load(web.port, "/serve_prediction", served.BODY, clients=16).running() as load:
        until(lambda: len(load.answers) > 100, "answers")
        valkey.signal(signal.SIGSTOP)
        began = time.monotonic()
        slowest = 0.0
        while time.monotonic() < began + 8:
            since = time.monotonic()
            assert web.service.get("/health/live", timeout=30).ok
            slowest = max(slowest, time.monotonic() - since)
        valkey.signal(signal.SIGCONT)
        until(lambda: "Warning" not in predict(web).headers, "it is asked again", 60)
    assert load.statuses() == {200}
    # Those that were asking when it fell silent have waited for it; all others were answered from what is loaded.
    waited = [seconds for begun, _, seconds, _ in load.answers if began + 3 < begun < began + 8]
    assert len(waited) > 50
    assert sum(seconds > 1 for seconds in waited) < 0.5 * len(waited)
    assert slowest < 3
    assert not web.lines(level="ERROR")


def test_a_freeze_ends_without_a_connection_left_over(web, valkey) -> None:
    valkey.signal(signal.SIGSTOP)
    with Load(web.port, "/models", clients=16).running():
        time.sleep(2)
        valkey.signal(signal.SIGCONT)
        time.sleep(1)
    with valkey.client() as client:
        # One a thread, and those of this test and of probes.
        assert client.info("clients")["connected_clients"] <= 2 * (8 + 2) + 2
    assert all(predict(web).ok for _ in range(20))
