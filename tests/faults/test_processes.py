"""What one of several web processes is told holds for the others once it has answered."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults import served
from tests.faults.parts import Load, Valkey, Web, serving, until

#: Clients that ask for a model before anybody has loaded it.
CLIENTS = 100


@pytest.fixture(scope="module")
def house(short_folder, tmp_path_factory) -> Iterator[tuple[Valkey, Web]]:
    """A Redis and two web processes."""
    folder = tmp_path_factory.mktemp("processes")
    with serving(short_folder / "valkey-two", folder, WEB_CONCURRENCY="2") as both:
        until(lambda: len(both[1].workers()) == 2, "two processes")
        yield both


def body(pipeline_id: str) -> bytes:
    """Return a request for a prediction by a model."""
    return json.dumps({**json.loads(served.BODY), "pipeline_id": pipeline_id}).encode()


def answers(web: Web, pipeline_id: str) -> Load:
    """Return clients each of whose requests may come to either process."""
    headers = {"Content-Type": "application/json", "Connection": "close"}
    return Load(web.port, "/serve_prediction", body(pipeline_id), headers, clients=4)


def more(load: Load, count: int = 60) -> None:
    """Wait for more answers."""
    seen = len(load.answers)
    until(lambda: len(load.answers) > seen + count, "answers")


def test_what_is_promoted_is_served_by_all_processes_once_that_was_answered(house) -> None:
    valkey, web = house
    told, times = dict[int, bytes](), list[tuple[int, float, float]]()
    for version, labels in ((1, (0, 1)), (2, (1, 0))):
        served.publish(valkey.url, labels, "promoted")
        told[version] = web.service.post(
            "/serve_prediction", json={**json.loads(body("promoted")), "version": version}
        ).content
    assert told[1] != told[2]
    with answers(web, "promoted").running() as load:
        more(load)
        for version in (1, 2, 1, 2, 1):
            answer = web.service.put("/models/promoted/current", json={"version": version})
            assert answer.ok, answer.text
            since = time.monotonic()
            more(load)
            times.append((version, since, time.monotonic()))
    assert load.statuses() == {200}
    for version, since, before in times:
        within = [found for begun, _, took, found in load.answers if since <= begun and begun + took <= before]
        assert len(within) > 40
        assert set(within) == {told[version]}


def test_a_model_that_is_deleted_while_it_predicts_is_answered_or_gone(house) -> None:
    valkey, web = house
    served.publish(valkey.url, (0, 1), "deleted")
    with answers(web, "deleted").running() as load:
        more(load)
        assert web.service.delete("/models/deleted").status_code == 204
        since = time.monotonic()
        more(load)
    assert load.statuses() == {200, 404}
    assert load.statuses(since) == {404}
    assert len({found for _, status, _, found in load.answers if status == 200}) == 1
    assert not web.lines(level="ERROR")


def loads(web: Web) -> int:
    """Return how many models all processes have loaded."""
    told = web.service.get("/metrics").text
    return int(float(re.search(r"^automl_model_load_seconds_count (\S+)", told, re.MULTILINE)[1]))


def test_of_a_hundred_first_requests_at_once_one_loads_the_model_in_each_process(house) -> None:
    valkey, web = house
    served.publish(valkey.url, (0, 1), "fresh")
    before, start, found = loads(web), threading.Barrier(CLIENTS), Counter[tuple[int, bytes]]()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        connection.connect()
        start.wait(60)
        connection.request("POST", "/serve_prediction", body("fresh"), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found[answer.status, answer.read()] += 1
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    (((status, _), count),) = found.items()
    assert (status, count) == (200, CLIENTS)
    assert 1 <= loads(web) - before <= 2
