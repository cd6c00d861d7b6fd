"""Which of what a request says about itself is believed: its host, and what proxies add."""

import pytest

from app import auth, create_app

KEY = "the key of a reader"


@pytest.fixture
def beyond(settings, client_of_redis):
    """Return a function that makes a client of a service that others reach, with these settings."""

    def make(**changes):
        usual = {"host": "0.0.0.0", "api_keys": {auth.digest(KEY): "predict"}, "web_concurrency": 1}
        return create_app(settings.model_copy(update={**usual, **changes})).test_client()

    return make


def ask(client, path="/models", key=KEY, **headers):
    return client.get(path, headers={"Authorization": f"Bearer {key}", **headers})


@pytest.mark.parametrize("host", ["automl.example", "AutoML.example:8443", "[::1]", "10.0.0.7:80"])
def test_where_names_are_set_only_they_are_answered_to(beyond, host):
    assert ask(beyond(), Host=host).status_code == 200
    client = beyond(allowed_hosts=("automl.example", "::1"))
    known = host != "10.0.0.7:80"
    answer = ask(client, Host=host)
    assert answer.status_code == (200 if known else 400)
    # A prediction that needs no Flask is no other way in.
    sent = {"headers": {"Host": host, "Authorization": f"Bearer {KEY}"}, "json": {"pipeline_id": 1, "data": []}}
    answer = client.post("/serve_prediction", **sent)
    assert answer.status_code == (404 if known else 400)
    assert answer.mimetype == "application/problem+json"


def test_platforms_probe_by_whatever_name_they_know(beyond):
    client = beyond(allowed_hosts=("automl.example",))
    assert client.get("/health/live", headers={"Host": "10.0.0.7"}).status_code == 200
    assert client.get("/ui/sign-in", headers={"Host": "evil.example"}).status_code == 400


def statuses(client, addresses):
    return [ask(client, key="wrong", **{"X-Forwarded-For": address}).status_code for address in addresses]


def test_without_proxies_nobody_says_where_they_come_from(beyond):
    client = beyond(failed_keys_per_minute=3)
    assert statuses(client, [f"192.0.2.{number}" for number in range(20)]) == [401] * 3 + [429] * 17


def test_behind_a_proxy_what_it_has_added_counts_and_what_came_before_does_not(beyond):
    client = beyond(failed_keys_per_minute=3, trusted_proxies=1)
    made_up = [f"198.51.100.{number}, 192.0.2.1" for number in range(6)]
    assert statuses(client, made_up) == [401] * 3 + [429] * 3
    assert statuses(client, ["192.0.2.1, 192.0.2.2"]) == [401]


def test_the_host_is_never_a_proxys_to_name(beyond):
    client = beyond(allowed_hosts=("automl.example",), trusted_proxies=1)
    assert ask(client, Host="evil.example", **{"X-Forwarded-Host": "automl.example"}).status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_other_origin_is_ever_allowed_to_read(beyond, method):
    client = beyond()
    for rule in client.application.url_map.iter_rules():
        _, path = rule.build({name: 1 if name == "number" else "x" for name in rule.arguments}, append_unknown=False)
        headers = {"Authorization": f"Bearer {KEY}", "Origin": "https://evil.example",
                   "Access-Control-Request-Method": "POST"}  # fmt: skip
        answer = client.open(path, method=method, headers=headers)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")], path
