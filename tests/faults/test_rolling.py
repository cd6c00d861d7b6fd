"""Instances that are restarted one after the other behind a proxy: no client notices."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest

from tests.faults import served
from tests.faults.parts import Load, Web, until
from tests.faults.proxy import Proxy

#: One request a connection: what a proxy does with a kept one when its upstream goes is the proxy's.
CLOSED = {"Content-Type": "application/json", "Connection": "close"}


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.nightly)])
def test_a_rolling_restart_fails_no_request(valkey, tmp_path, rounds) -> None:
    served.publish(valkey.url)
    webs = [Web(valkey.url, tmp_path, DRAIN_SECONDS="3", WEB_CONCURRENCY="1") for _ in range(2)]
    with ExitStack() as stack:
        for web in webs:
            stack.callback(web.stop)
            web.start()
        proxy = stack.enter_context(Proxy([web.port for web in webs]).running())
        until(lambda: len(proxy.ready()) == 2, "both are ready")
        with Load(proxy.port, "/serve_prediction", served.BODY, CLOSED, clients=4).running() as load:
            for _ in range(rounds):
                for web in webs:
                    seen = len(load.answers)
                    assert web.stop() == 0
                    assert web.port not in proxy.ready()
                    web.start()
                    until(lambda web=web: web.port in proxy.ready(), "it is ready again")
                    assert len(load.answers) > seen + 10
    assert load.statuses() == {200}
    assert len({body for *_, body in load.answers}) == 1


def both(web: Web) -> set[int]:
    """Return its two processes, as soon as there are no more and no fewer."""

    def two() -> set[int] | None:
        found = {one.pid for one in web.workers()}
        return found if len(found) == 2 else None

    return until(two, "two processes")


def replaced(web: Web, first: set[int]) -> bool:
    """Tell whether both processes are others than at first."""
    return not both(web) & first


def test_processes_that_are_replaced_at_a_sighup_fail_no_request(valkey, tmp_path) -> None:
    served.publish(valkey.url)
    web = Web(valkey.url, tmp_path)
    web.start()
    try:
        first = both(web)
        with Load(web.port, "/serve_prediction", served.BODY, CLOSED).running() as load:
            until(lambda: len(load.answers) > 100, "answers")
            assert both(web) == first
            web.signal(signal.SIGHUP)
            until(lambda: replaced(web, first), "other processes")
            seen = len(load.answers)
            until(lambda: len(load.answers) > seen + 100, "answers of those")
        assert load.statuses() == {200}
        assert not web.lines(level="ERROR")
    finally:
        web.stop()


def test_processes_that_are_replaced_after_so_many_requests_fail_none(valkey, tmp_path) -> None:
    served.publish(valkey.url)
    web = Web(valkey.url, tmp_path, GUNICORN_CMD_ARGS="--max-requests 150 --max-requests-jitter 75")
    web.start()
    try:
        first = both(web)
        with Load(web.port, "/serve_prediction", served.BODY, CLOSED).running() as load:
            until(lambda: replaced(web, first), "other processes")
            seen, second = len(load.answers), both(web)
            until(lambda: replaced(web, second), "others again")
            until(lambda: len(load.answers) > seen + 100, "answers of those")
        assert load.statuses() == {200}
        assert not web.lines(level="ERROR")
    finally:
        web.stop()
