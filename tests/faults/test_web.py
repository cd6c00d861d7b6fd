"""Web processes that die, and clients that notice nothing or are told."""

from __future__ import annotations

import time

from tests.faults import served
from tests.faults.parts import Load, Web, until


def test_a_killed_web_process_costs_its_own_requests_and_is_started_again(valkey, tmp_path) -> None:
    served.publish(valkey.url)
    web = Web(valkey.url, tmp_path)
    web.start()
    try:
        first = {one.pid for one in web.workers()}
        with Load(web.port, "/serve_prediction", served.BODY).running() as load:
            until(lambda: len(load.answers) > 100, "answers")
            web.workers()[0].kill()
            killed, seen = time.monotonic(), len(load.answers)
            until(lambda: len(load.answers) > seen + 200, "answers of the other")
            until(lambda: len(web.workers()) == 2 and {one.pid for one in web.workers()} != first, "another", 15)
        lost = [begun for begun, status, _, _ in load.answers if status != 200]
        # One of each client at most, that had begun when the process died; the kernel tells some a moment later.
        assert len(lost) <= load.clients
        assert all(begun < killed + 1 for begun in lost)
        assert len({found for _, status, _, found in load.answers if status == 200}) == 1
    finally:
        web.stop()
