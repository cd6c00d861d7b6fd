"""Time that a request has: who looks at it, who waits no longer than it, and who has none."""

import math
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import create_app, deadline
from app.errors import DeadlinePassed
from app.settings import Settings


@pytest.fixture(autouse=True)
def none_left_behind():
    """Other tests have time without end."""
    yield
    deadline.end()


@pytest.fixture
def app():
    """An app on a Redis that is not there."""
    return create_app(Settings(redis_url="unix:///nowhere", signing_secret="x" * 40, request_seconds=7))


def test_who_waits_for_nothing_has_time_without_end():
    deadline.check()
    assert deadline.left() == math.inf


def test_a_check_past_the_time_says_how_long_it_was():
    deadline.begin(0)
    with pytest.raises(DeadlinePassed, match="within 0 s") as refused:
        deadline.check()
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "5")
    assert deadline.left() == 0


def test_a_caller_may_shorten_its_time_and_not_lengthen_it():
    deadline.begin(10)
    deadline.shorten(1000)
    assert deadline.left() <= 10
    deadline.shorten(1)
    assert deadline.left() <= 1


def test_a_lock_is_waited_for_no_longer_than_there_is_time():
    lock = threading.Lock()

    def wait():
        deadline.begin(0.05)
        with deadline.holding(lock):
            pytest.fail("it was held by another")

    with lock, ThreadPoolExecutor(1) as threads, pytest.raises(DeadlinePassed):
        threads.submit(wait).result()
    with deadline.holding(lock):
        assert lock.locked()
    assert not lock.locked()


def test_a_request_has_its_time_and_leaves_none_behind(app):
    found = []

    def look():
        found.append(deadline.left())
        return "seen"

    app.view_functions["health.live"] = look
    assert app.test_client().get("/health/live").status_code == 200
    assert 0 < found[0] <= 7
    assert deadline.left() == math.inf


def test_what_a_request_waited_for_a_thread_is_of_its_time(app, request):
    token = deadline.WAITED.set(8)
    request.addfinalizer(lambda: deadline.WAITED.reset(token))
    app.view_functions["health.live"] = deadline.check
    response = app.test_client().get("/health/live")
    assert (response.status_code, response.json["type"]) == (503, "urn:problem:deadline-passed")


def test_a_client_that_stops_in_the_middle_is_waited_for_no_longer_either(app):
    here, there = socket.socketpair()
    with here, there:
        app.test_client().get("/health/live", environ_overrides={"gunicorn.socket": here})
        assert here.gettimeout() == 7
