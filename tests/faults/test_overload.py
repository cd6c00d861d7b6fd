"""Far more requests than can be answered: who is not answered is told so at once, and probes are answered as ever."""

from __future__ import annotations

import http.client
import json
import threading
import time

import pytest

from tests.faults import served
from tests.faults.parts import Load, Web, until

#: What keeps the service longer than the clients of a test, who are to send four times what it can answer.
PATH, BODY = "/explain", json.dumps({"pipeline_id": 7, "method": "lime", "data": [{"a": 1.5, "b": -1.5}]}).encode()


def sent_at(web: Web, rate: float, seconds: float, clients: int) -> list[tuple[int | str, float, str | None]]:
    """Send requests at times that are fixed before, whatever becomes of those before them.

    Returns
    -------
    [(status or what went wrong, seconds since it was to be sent, Retry-After)]
    """
    found: list[tuple[int | str, float, str | None]] = []
    first = time.monotonic() + 0.2

    def send(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        for turn in range(number, int(rate * seconds), clients):
            due = first + turn / rate
            time.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() > first + seconds:
                break
            try:
                connection.request("POST", PATH, BODY, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                found.append((answer.status, time.monotonic() - due, answer.headers["Retry-After"]))
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                found.append((type(error).__name__, time.monotonic() - due, None))
        connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found


@pytest.mark.parametrize("seconds", [8, pytest.param(60, marks=pytest.mark.nightly)])
def test_of_four_times_as_many_requests_each_is_answered_or_refused_and_probes_are_quick(
    valkey, tmp_path, seconds
) -> None:
    served.publish(valkey.url)
    # Two threads, before which sixteen may wait.
    web = Web(valkey.url, tmp_path, WEB_CONCURRENCY="1", WEB_THREADS="2")
    web.start()
    try:
        # The first one imports what explains.
        assert web.service.post(PATH, data=BODY, headers={"Content-Type": "application/json"}).ok
        with Load(web.port, PATH, BODY, clients=4).running() as load:
            time.sleep(3)
        capacity = len(load.answers) / 3
        assert load.statuses() == {200}
        with Load(web.port, "/health/live", clients=1).running() as probes:
            answered = sent_at(web, 4 * capacity, seconds, clients=64)
        statuses = {status for status, *_ in answered}
        assert statuses <= {200, 429, 503}, statuses
        assert statuses >= {200, 503}
        assert all(int(wait or 0) > 0 for status, _, wait in answered if status in (429, 503))
        refused = sorted(taken for status, taken, _ in answered if status in (429, 503))
        assert refused[len(refused) // 2] < 3
        assert probes.statuses() == {200}
        assert sorted(taken for _, _, taken, _ in probes.answers)[int(0.99 * len(probes.answers))] < 5
        # As before, as soon as it is over.
        until(lambda: web.service.post(PATH, data=BODY, headers=load.headers).ok, "it is over", 5)
        with Load(web.port, PATH, BODY, clients=4).running() as after:
            time.sleep(1)
        assert after.statuses() == {200}
        assert not web.lines(level="ERROR")
    finally:
        web.stop()


@pytest.mark.parametrize("clients", [14, 40], ids=["others wait", "others are refused"])
def test_probes_are_answered_while_every_thread_is_taken(valkey, tmp_path, clients) -> None:
    web = Web(valkey.url, tmp_path, WEB_CONCURRENCY="1", WEB_THREADS="2")
    web.start()
    try:
        valkey.signal(19)
        # Each waits for a Redis that is silent.
        with Load(web.port, "/models", clients=clients).running() as load:
            time.sleep(0.5)
            ends = time.monotonic() + 4
            while time.monotonic() < ends:
                since = time.monotonic()
                assert web.service.get("/health/live", timeout=30).ok
                assert time.monotonic() - since < 3
            valkey.signal(18)
        assert load.statuses() <= {200, 503}
        if clients == 40:
            refused = [seconds for _, status, seconds, _ in load.answers if status == 503]
            assert sorted(refused)[len(refused) // 2] < 3
    finally:
        valkey.signal(18)
        web.stop()
