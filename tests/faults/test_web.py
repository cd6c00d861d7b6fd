"""Web processes that die, and clients that notice nothing or are told."""

from __future__ import annotations

from tests.faults.parts import Load, Web, until


def test_a_killed_web_process_costs_its_own_requests_and_is_started_again(valkey, tmp_path) -> None:
    web = Web(valkey.url, tmp_path)
    web.start()
    try:
        first = {one.pid for one in web.workers()}
        with Load(web.port, "/health/live").running() as load:
            until(lambda: len(load.answers) > 100, "answers")
            web.workers()[0].kill()
            seen = len(load.answers)
            until(lambda: len(load.answers) > seen + 200, "answers of the other")
        lost = [status for _, status, _, _ in load.answers if status != 200]
        assert len(lost) <= load.clients
        until(lambda: len(web.workers()) == 2 and {one.pid for one in web.workers()} != first, "another process")
    finally:
        web.stop()
