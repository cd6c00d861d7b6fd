"""How often somebody may ask: keys, and addresses that try keys."""

import threading

import pytest

from app import auth, create_app, limits
from app.errors import QuotaExceeded, StoreFull, StoreUnavailable, TooMany
from app.limits import Limits
from app.settings import Settings
from tests.forms import token_of

READER, OTHER = "the key of a reader", "the key of another"
SET = {auth.digest(READER): "predict", auth.digest(OTHER): "predict"}


@pytest.fixture
def limited(settings, client_of_redis):
    """Return a function that makes a client of an app of one web process, with these settings."""

    def make(**changes):
        return create_app(settings.model_copy(update={"api_keys": SET, "web_concurrency": 1, **changes})).test_client()

    return make


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def ask(client, key=READER, path="/models", address="192.0.2.1", **more):
    headers = {"Authorization": f"Bearer {key}"} | more.pop("headers", {})
    return client.open(path, headers=headers, environ_base={"REMOTE_ADDR": address}, **more)


def assert_too_many(answer, code="too-many-requests"):
    assert answer.status_code == 429
    assert answer.json["type"] == f"urn:problem:{code}"
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_key_that_asks_too_often_waits_while_others_go_on(limited):
    client = limited(key_requests_per_minute=3)
    assert [ask(client).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert_too_many(ask(client))
    assert ask(client, OTHER).status_code == 200
    for path in ("/health/live", "/ui/sign-in"):
        assert ask(client, path=path).status_code == 200


@pytest.mark.parametrize(
    ("path", "form"),
    [("/v2/models/x", {"error"}), ("/invocations", {"error_code", "message"}), ("/serve_prediction", None)],
)
def test_each_protocol_is_told_in_its_own_form(limited, path, form):
    client = limited(key_requests_per_minute=1)
    ask(client)
    method = "GET" if path.startswith("/v2") else "POST"
    answer = ask(client, path=path, method=method, json={"pipeline_id": 1, "data": []} if method == "POST" else None)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    if form is not None:
        assert answer.json.keys() == form


def test_a_prediction_counts_once_whichever_way_it_takes(limited):
    client = limited(key_requests_per_minute=4)
    bodies = {"pipeline_id": 1, "data": []}, {"pipeline_id": 1, "data": [], "explain": "lime"}
    for body in bodies:
        assert ask(client, path="/serve_prediction", method="POST", json=body).status_code in (404, 422)
    assert [ask(client).status_code for _ in range(3)] == [200, 200, 429]


def test_a_key_may_have_a_limit_of_its_own(settings, client_of_redis):
    keys = {auth.digest(READER): "admin"}
    app = create_app(
        settings.model_copy(update={"api_keys": keys, "web_concurrency": 1, "key_requests_per_minute": 1000})
    )
    client = app.test_client()
    own = ask(client, path="/keys", method="POST", json={"role": "read", "requests_per_minute": 2}).json["key"]
    assert [ask(client, own).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(client).status_code == 200


def test_wrong_keys_of_an_address_are_refused_at_last_and_right_ones_pass(limited):
    client = limited(failed_keys_per_minute=3)
    assert [ask(client, f"wrong {number}").status_code for number in range(4)] == [401, 401, 401, 429]
    assert_too_many(ask(client, "wrong"))
    assert ask(client).status_code == 200
    assert ask(client, "wrong", address="192.0.2.2").status_code == 401
    # Whoever shows none tries none.
    assert [client.get("/models", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code for _ in range(5)] == [401] * 5


def test_where_nothing_is_set_ten_wrong_keys_are_looked_at(limited):
    assert Settings.model_fields["failed_keys_per_minute"].default == 10
    client = limited()
    assert [ask(client, f"wrong {number}").status_code for number in range(11)] == [401] * 10 + [429]


def test_a_header_that_names_another_address_changes_nothing(limited):
    client = limited(failed_keys_per_minute=3)
    spoofed = [
        ask(client, "wrong", headers={"X-Forwarded-For": f"198.51.100.{number}", "X-Real-Ip": f"198.51.100.{number}"})
        for number in range(20)
    ]
    assert [answer.status_code for answer in spoofed] == [401] * 3 + [429] * 17


def test_addresses_of_one_network_of_ipv6_count_together(limited):
    client = limited(failed_keys_per_minute=3)
    answers = [ask(client, "wrong", address=f"2001:db8:0:1::{number:x}").status_code for number in range(1, 6)]
    assert answers == [401, 401, 401, 429, 429]
    assert ask(client, "wrong", address="2001:db8:0:2::1").status_code == 401


def test_the_page_that_asks_for_a_key_counts_too(limited):
    client = limited(failed_keys_per_minute=3)
    token = token_of(client)
    tries = [client.post("/ui/sign-in", data={"key": "wrong", "csrf_token": token}) for _ in range(4)]
    assert [answer.status_code for answer in tries] == [401, 401, 401, 429]
    assert int(tries[3].headers["Retry-After"]) >= 1
    assert client.post("/ui/sign-in", data={"key": READER, "csrf_token": token}).status_code == 303


def test_after_a_while_a_key_may_ask_again(settings):
    clock = Clock()
    limits = Limits(settings.model_copy(update={"web_concurrency": 1}), lambda *_: 0, clock)
    for _ in range(6):
        limits.asked("one", 6, None)
    with pytest.raises(TooMany) as refused:
        limits.asked("one", 6, None)
    assert refused.value.retry_after == 10
    clock.now += 9
    with pytest.raises(TooMany):
        limits.asked("one", 6, None)
    clock.now += 1
    limits.asked("one", 6, None)


def test_many_addresses_fill_no_memory(settings):
    limits = Limits(settings, lambda *_: 0, Clock())
    for number in range(20_000):
        limits.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limits._addresses._left) == 10_000


@pytest.mark.parametrize("error", [StoreUnavailable, StoreFull])
def test_a_redis_that_counts_no_rows_refuses_none(settings, error):
    def add(*_):
        raise error

    Limits(settings, add, Clock()).spend("one", 10, 5)


def test_rows_of_a_day_are_counted_among_processes_and_end_with_it(settings):
    counted, today = {}, Clock()
    today.now = 10 * 24 * 3600 + 80_000.0

    def add(key_id, day, rows):
        counted[key_id, day] = counted.get((key_id, day), 0) + rows
        return counted[key_id, day]

    clocks = Clock(), Clock()
    here, there = (Limits(settings, add, clock, today) for clock in clocks)
    here.spend("one", 100, 60)
    clocks[0].now += 2
    here.spend("one", 100, 1)
    there.spend("one", 100, 39)
    with pytest.raises(QuotaExceeded) as refused:
        there.spend("one", 100, 2)
    assert refused.value.retry_after == 6400
    here.spend("two", 100, 100)
    clocks[1].now += 2
    today.now += 6400
    there.spend("one", 100, 100)


def test_rows_are_counted_without_redis_too(settings):
    def add(*_):
        raise StoreUnavailable

    limits = Limits(settings, add, Clock())
    limits.spend("one", 10, 6)
    with pytest.raises(QuotaExceeded):
        limits.spend("one", 10, 5)
    limits.spend("one", 10, 4)


def test_a_key_whose_rows_redis_is_slow_to_count_holds_up_no_other(settings):
    asked, release = threading.Event(), threading.Event()

    def add(key_id, day, rows):
        if key_id == "slow":
            asked.set()
            assert release.wait(10)
        return rows

    limits = Limits(settings, add, Clock())
    waits = threading.Thread(target=limits.spend, args=("slow", 10, 1))
    waits.start()
    try:
        assert asked.wait(10)
        others = threading.Thread(target=limits.spend, args=("other", 10, 1), daemon=True)
        others.start()
        others.join(5)
        assert not others.is_alive()
    finally:
        release.set()
        waits.join(10)


def test_of_many_who_ask_before_redis_has_told_of_a_key_none_is_given_more_than_is_left(settings):
    asked, release, refused = threading.Event(), threading.Event(), list[str]()

    def add(key_id, day, rows):
        asked.set()
        assert release.wait(10)
        return 10 + rows

    limits = Limits(settings, add, Clock())

    def ask():
        try:
            limits.spend("used up", 10, 1)
        except QuotaExceeded as error:
            refused.append(error.code)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for one in threads:
        one.start()
    assert asked.wait(10)
    release.set()
    for one in threads:
        one.join(10)
    assert refused == ["quota-exceeded"] * 5


def test_a_redis_that_did_not_answer_is_not_waited_for_at_every_prediction(settings):
    clock, asked = Clock(), []

    def add(*call):
        asked.append(call)
        raise StoreUnavailable

    limits = Limits(settings, add, clock)
    for key in ("one", "two", "one"):
        limits.spend(key, 100, 1)
        clock.now += 1.5
    assert len(asked) == 1
    clock.now += 5
    limits.spend("one", 100, 1)
    assert asked[1:] == [("one", asked[0][1], 2)]


def test_rows_are_those_of_the_key_that_asks_and_of_no_request_before(limited):
    client = limited(key_rows_per_day=1)
    assert ask(client).status_code == 200
    # The same thread, and nobody's request.
    assert client.get("/health/live").status_code == 200
    limits.spend(10**6)
