"""Keys that are made while the service runs: their life, and what somebody who can write to Redis makes of them."""

import gzip
import hmac
import re
import time

import orjson
import pytest

from app import auth, create_app, key_command, keyring
from app.caller import Caller
from app.store.api_keys import KEYS, ApiKeys
from app.store.secret import signing_secret
from conftest import SECRET
from tests.forms import token_of

ADMIN, TENANT = "the key of the operator", "the key of the admin of acme"
SET = {auth.digest(ADMIN): "admin", auth.digest(TENANT): "admin:acme"}


@pytest.fixture
def guarded(settings, client_of_redis):
    return settings.model_copy(update={"api_keys": SET, "failed_keys_per_minute": 10**6})


@pytest.fixture
def client(guarded):
    return create_app(guarded).test_client()


@pytest.fixture
def stored(client_of_redis):
    return ApiKeys(client_of_redis, SECRET)


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def made(client, by=ADMIN, status=201, **asked):
    answer = client.post("/keys", json={"role": "read", **asked}, headers=bearer(by))
    assert answer.status_code == status, answer.text
    return answer.json


def opens(client, key, path="/models"):
    return client.get(path, headers=bearer(key)).status_code


def test_a_key_lives_from_its_making_to_its_end(client, client_of_redis):
    first = made(client, name="a notebook", role="predict", days=3, requests_per_minute=600, rows_per_day=1000)
    assert re.fullmatch(rf"aml_{first['id']}_[A-Za-z0-9_-]{{43}}", first["key"])
    assert first["namespace"] == "default"
    assert first["expires"] == pytest.approx(time.time() + 3 * 24 * 3600, abs=100)
    assert opens(client, first["key"]) == 200
    assert opens(client, first["key"], "/keys") == 403

    (shown,) = client.get("/keys", headers=bearer(ADMIN)).json
    assert shown == {name: value for name, value in first.items() if name != "key"}
    assert shown["created_by"] == auth.digest(ADMIN)[:12]

    second = client.post(f"/keys/{first['id']}/rotate", headers=bearer(ADMIN))
    assert second.headers["Cache-Control"] == "no-store"
    assert second.json["id"] == first["id"]
    assert opens(client, first["key"]) == 401
    assert opens(client, second.json["key"]) == 200
    assert client.delete(f"/keys/{first['id']}", headers=bearer(ADMIN)).status_code == 204
    assert opens(client, second.json["key"]) == 401
    assert client.delete(f"/keys/{first['id']}", headers=bearer(ADMIN)).status_code == 404
    assert client.get("/keys", headers=bearer(ADMIN)).json == []


def test_neither_a_key_nor_its_hash_is_told_or_kept(client, client_of_redis):
    key = made(client, name="x")["key"]
    kept = b"".join(client_of_redis.dump(name) for name in client_of_redis.scan_iter())
    secret = key.split("_", 2)[2]
    assert secret.encode() not in kept
    assert auth.digest(key) not in client.get("/keys", headers=bearer(ADMIN)).text
    assert opens(client, f"aml_{'0' * 12}_{secret}") == 401
    assert opens(client, auth.digest(key)) == 401


def test_the_former_text_is_good_for_as_long_as_was_asked_for(client, monkeypatch):
    first = made(client)
    path = f"/keys/{first['id']}/rotate"
    second = client.post(path, json={"grace_seconds": 3600}, headers=bearer(ADMIN)).json
    assert [opens(client, key["key"]) for key in (first, second)] == [200, 200]
    now = time.time()
    monkeypatch.setattr(keyring.time, "time", lambda: now + 3599)
    assert [opens(client, key["key"]) for key in (first, second)] == [200, 200]
    monkeypatch.setattr(keyring.time, "time", lambda: now + 3601)
    assert [opens(client, key["key"]) for key in (first, second)] == [401, 200]


def test_a_key_that_has_expired_opens_nothing(client, monkeypatch):
    key = made(client, days=1)["key"]
    assert opens(client, key) == 200
    later = time.time() + 24 * 3600 + 1
    monkeypatch.setattr(keyring.time, "time", lambda: later)
    assert opens(client, key) == 401


@pytest.mark.parametrize("how", ["revoked", "replaced"])
def test_a_key_is_over_in_every_web_process_within_a_second(guarded, client_of_redis, how):
    here, there = (create_app(guarded).test_client() for _ in range(2))
    key = made(here)
    assert [opens(process, key["key"]) for process in (here, there)] == [200, 200]
    if how == "revoked":
        here.delete(f"/keys/{key['id']}", headers=bearer(ADMIN))
    else:
        here.post(f"/keys/{key['id']}/rotate", headers=bearer(ADMIN))
    assert opens(here, key["key"]) == 401
    time.sleep(1)
    assert opens(there, key["key"]) == 401


def changed(stored, client_of_redis, key_id, **fields):
    """Write a key as somebody would who has Redis and not the secret."""
    sealed = client_of_redis.hget(KEYS, key_id)
    body = orjson.dumps(orjson.loads(sealed[32:]) | fields)
    return sealed[:32] + body


def test_who_can_write_to_redis_makes_no_key_and_raises_none(client, stored, client_of_redis):
    key = made(client, role="read")
    written = changed(stored, client_of_redis, key["id"], role="admin")
    client_of_redis.hset(KEYS, key["id"], written)
    time.sleep(1)
    assert opens(client, key["key"]) == 401

    own, text = ApiKeys(client_of_redis, "a secret of somebody else, of some length").make(
        Caller("", "admin", "default"), "mine", "admin"
    )
    assert opens(client, text) == 401
    assert own.key_id not in client.get("/keys", headers=bearer(ADMIN)).text

    # Nor does a key that is signed open anything under the name of another.
    good = made(client, role="admin")
    client_of_redis.hset(KEYS, "0" * 12, client_of_redis.hget(KEYS, good["id"]))
    assert stored.find("0" * 12) is None
    for broken in (b"", b"x", b"x" * 32, b"x" * 200):
        client_of_redis.hset(KEYS, key["id"], broken)
        assert stored.find(key["id"]) is None


def test_admins_of_a_namespace_see_and_make_keys_of_theirs_alone(client):
    mine, other = made(client, TENANT, role="train"), made(client, namespace="other")
    assert mine["namespace"] == "acme"
    assert [key["id"] for key in client.get("/keys", headers=bearer(TENANT)).json] == [mine["id"]]
    assert {key["id"] for key in client.get("/keys", headers=bearer(ADMIN)).json} == {mine["id"], other["id"]}
    made(client, TENANT, 403, namespace="other")
    made(client, TENANT, 403, namespace="default")
    for refused in (
        client.delete(f"/keys/{other['id']}", headers=bearer(TENANT)),
        client.post(f"/keys/{other['id']}/rotate", headers=bearer(TENANT)),
        client.delete("/keys/000000000000", headers=bearer(TENANT)),
    ):
        assert refused.status_code == 404
        assert refused.json["type"] == "urn:problem:key-not-found"
    assert client.delete(f"/keys/{mine['id']}", headers=bearer(ADMIN)).status_code == 204


@pytest.mark.parametrize("role", ["read", "predict", "train"])
def test_nobody_below_an_admin_has_to_do_with_keys(client, role):
    key = made(client, role=role)
    for method, path in (("GET", "/keys"), ("POST", "/keys"), ("DELETE", f"/keys/{key['id']}"),
                         ("POST", f"/keys/{key['id']}/rotate"), ("GET", "/ui/keys"), ("GET", "/audit")):  # fmt: skip
        assert client.open(path, method=method, headers=bearer(key["key"])).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "root"}, "/body/role"),
        ({}, "/body/role"),
        ({"role": "read", "namespace": "a:b"}, "/body/namespace"),
        ({"role": "read", "days": 0}, "/body/days"),
        ({"role": "read", "days": True}, "/body/days"),
        ({"role": "read", "name": "x" * 101}, "/body/name"),
        ({"role": "read", "name": "a\nb"}, "/body/name"),
        ({"role": "read", "requests_per_minute": 0}, "/body/requests_per_minute"),
        *(({"role": "read", name: "x"}, f"/body/{name}") for name in ("digest", "created_by", "key_id", "owner")),
    ],
)
def test_a_key_with_more_or_other_fields_is_not_made(client, client_of_redis, body, pointer):
    answer = client.post("/keys", json=body, headers=bearer(ADMIN))
    assert (answer.status_code, [fault["pointer"] for fault in answer.json["errors"]]) == (422, [pointer])
    assert not client_of_redis.exists(KEYS)


def test_known_and_unknown_keys_take_as_many_comparisons(client, monkeypatch):
    key = made(client)["key"]
    counted = []

    def compared(one, other):
        counted.append(one)
        return real(one, other)

    real = hmac.compare_digest
    monkeypatch.setattr(keyring, "_FRESH", 60)
    opens(client, key)
    monkeypatch.setattr(hmac, "compare_digest", compared)
    for group in ([ADMIN, TENANT, "wrong", ""], [key, key[:-1] + ("A" if key[-1] != "A" else "B")]):
        numbers = set()
        for shown in group:
            counted.clear()
            opens(client, shown)
            numbers.add(len(counted))
        assert numbers == {2}


def test_what_was_known_goes_on_for_a_minute_without_redis(client, monkeypatch):
    from app.errors import StoreUnavailable

    key = made(client, role="read")["key"]
    held = client.application.extensions["automl"].keyring
    shown = auth.reference(key)
    assert held.find(shown) is not None
    monkeypatch.setattr(held.stored, "_redis", Unreachable())
    began = time.monotonic()
    monkeypatch.setattr(keyring.time, "monotonic", lambda: began + 50)
    assert held.find(shown) is not None
    monkeypatch.setattr(keyring.time, "monotonic", lambda: began + 70)
    with pytest.raises(StoreUnavailable):
        held.find(shown)


class Unreachable:
    """A Redis that is gone."""

    def hget(self, *words):
        import redis

        raise redis.ConnectionError("gone")


def commanded(capsys, monkeypatch, settings, *words):
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SIGNING_SECRET", signing_secret(settings))
    assert key_command.run(list(words)) == 0
    return capsys.readouterr().out


def test_a_key_lives_by_command_too(client, capsys, monkeypatch, settings):
    command = [capsys, monkeypatch, settings]
    out = commanded(*command, "make", "train", "--name", "the night", "--namespace", "acme", "--days", "2")
    key, key_id = out.split()[3], out.split("\n")[1].split()[0]
    assert opens(client, key) == 200
    (listed,) = commanded(*command, "list").splitlines()
    assert re.fullmatch(rf"{key_id}  train    acme  until \d{{4}}-\d\d-\d\d \d\d:\d\d UTC  the night", listed)
    newer = commanded(*command, "rotate", key_id, "--grace", "0").split()[3]
    time.sleep(1)
    assert (opens(client, key), opens(client, newer)) == (401, 200)
    assert commanded(*command, "revoke", key_id) == f"revoked: {key_id}\n"
    time.sleep(1)
    assert opens(client, newer) == 401
    for unknown in (key_id, "\udcff", "x" * 9_999):
        for words in (["revoke", unknown], ["rotate", unknown]):
            assert key_command.run(words) == 2
            assert "There is no key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "parameter"),
    [
        (["make", "read", "--name", "a\nb"], "name"),
        (["make", "read", "--namespace", "~acme"], "namespace"),
        (["make", "read", "--days", "0"], "days"),
        (["make", "read", "--days", "3651"], "days"),
        (["rotate", "0" * 12, "--grace", "-1"], "grace_seconds"),
        (["rotate", "0" * 12, "--grace", "86401"], "grace_seconds"),
    ],
)
def test_the_command_takes_what_the_api_takes(client, capsys, monkeypatch, settings, words, parameter):
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SIGNING_SECRET", signing_secret(settings))
    assert key_command.run(words) == 2
    assert capsys.readouterr().err.startswith(f"{parameter}: ")
    assert client.get("/keys", headers=bearer(ADMIN)).json == []


def test_admins_make_replace_and_revoke_keys_on_a_page(client):
    client.post("/ui/sign-in", data={"key": ADMIN, "csrf_token": token_of(client)})
    token = {"csrf_token": token_of(client, "/")}
    assert 'href="/ui/keys"' in client.get("/").text
    page = client.post("/ui/keys", data={**token, "name": "<b>new</b>", "role": "train", "days": "7"})
    assert page.status_code == 200
    assert "&lt;b&gt;new&lt;/b&gt;" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    key = re.search(r"aml_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", page.text)
    assert opens(client, key[0]) == 200
    assert key[0] not in client.get("/ui/keys").text
    newer = re.search(r"aml_\w{12}_[A-Za-z0-9_-]{43}", client.post(f"/ui/keys/{key[1]}/rotate", data=token).text)[0]
    assert (opens(client, key[0]), opens(client, newer)) == (401, 200)
    assert client.post(f"/ui/keys/{key[1]}/revoke", data=token).status_code == 303
    assert opens(client, newer) == 401
    wrong = client.post("/ui/keys", data={**token, "role": "root", "days": "soon"})
    assert wrong.status_code == 422
    assert "must be a whole number" in wrong.text
    assert client.post("/ui/keys", data={"role": "read"}).status_code == 403


def test_a_session_ends_with_its_key(client):
    key = made(client, role="predict")
    client.post("/ui/sign-in", data={"key": key["key"], "csrf_token": token_of(client)})
    with client.session_transaction() as session:
        assert key["key"] not in str(dict(session))
    assert client.get("/").status_code == 200
    assert "role predict" in client.get("/ui/sign-in").text
    client.delete(f"/keys/{key['id']}", headers=bearer(ADMIN))
    assert client.get("/").status_code == 303


def test_a_page_that_anyone_may_see_tells_nothing_of_a_key_in_a_header(client):
    known, unknown = (client.get("/ui/sign-in", headers=bearer(key)) for key in (ADMIN, "the key of nobody"))
    assert known.status_code == unknown.status_code == 200
    assert "role admin" not in known.text
    assert known.text == unknown.text


def test_what_a_key_shall_be_may_be_sent_compressed_and_is_bounded_as_all_that_is(client):
    def sent(body):
        headers = {**bearer(ADMIN), "Content-Type": "application/json", "Content-Encoding": "gzip"}
        return client.post("/keys", data=gzip.compress(body), headers=headers)

    answer = sent(b'{"role": "read", "name": "a notebook"}')
    assert answer.status_code == 201, answer.text
    assert answer.json["name"] == "a notebook"
    assert sent(b" " * 2**24 + b'{"role": "read"}').status_code == 413
