"""Who may do what: every route of the app, with every key."""

from functools import partial

import pytest

from app import access, auth, caller, create_app
from app.settings import ROLES, Settings

KEYS = {role: f"the key of {role}" for role in ROLES}


@pytest.fixture
def guarded(settings, client_of_redis):
    """An app that knows one key a role, on an empty store."""
    keys = {auth.digest(key): role for role, key in KEYS.items()}
    return create_app(settings.model_copy(update={"api_keys": keys, "failed_keys_per_minute": 10**6}))


#: What is open and changes something, or has to be named as it is.
OF_PAGES = {
    "ui_sign_in.enter", "ui_sign_in.leave", "ui_sign_in.leave_for_issuer", "ui_sign_in.return_from_issuer", "static",
}  # fmt: skip


def bearer(key):
    return {"Authorization": f"Bearer {key}", "Prefer": "respond-async"}


def requests_of(app):
    """List (endpoint, method, path) of every route, with arguments that name nothing."""
    found = []
    for rule in app.url_map.iter_rules():
        values = {name: 1 if name == "number" else "nothing" for name in rule.arguments}
        _, path = rule.build(values, append_unknown=False)
        found += [(rule.endpoint, method, path) for method in rule.methods - {"HEAD", "OPTIONS"}]
    assert len(found) > 15
    return found


def told_by(answer):
    """Return what an error says, in the form of whichever protocol, or of a page."""
    if answer.mimetype == "text/html":
        return answer.text
    return next(answer.json[name] for name in ("detail", "error", "message") if name in answer.json)


def test_every_route_has_a_row_and_every_row_a_route(guarded):
    endpoints = {rule.endpoint for rule in guarded.url_map.iter_rules()}
    assert endpoints == access.NEEDED.keys() | access.OPEN
    assert not access.NEEDED.keys() & access.OPEN
    assert set(access.NEEDED.values()) == set(ROLES)


def test_only_health_and_the_way_in_are_open():
    health = {"health.live", "health.ready", "v2.live", "v2.ready", "invocations.ping"}
    ways_in = {"page", "enter", "leave", "leave_for_issuer", "return_from_issuer"}
    assert health | {f"ui_sign_in.{one}" for one in ways_in} | {"static"} == access.OPEN


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no header"),
        pytest.param(bearer("wrong"), id="a wrong key"),
        pytest.param(bearer(""), id="an empty key"),
        pytest.param(bearer("\xe9"), id="a key that is not ASCII"),
        pytest.param(bearer("x" * 10**6), id="a key of a megabyte"),
        pytest.param(bearer(auth.digest(KEYS["admin"])), id="the digest of a key"),
        pytest.param({"Authorization": KEYS["admin"]}, id="a key without a scheme"),
        pytest.param({"Authorization": f"Basic {KEYS['admin']}"}, id="another scheme"),
        pytest.param({"X-Api-Key": KEYS["admin"]}, id="another header"),
    ],
)
def test_without_a_known_key_no_route_but_health_answers(guarded, headers):
    client = guarded.test_client()
    for endpoint, method, path in requests_of(guarded):
        answer = client.open(path, method=method, headers=headers)
        if endpoint in OF_PAGES:
            continue
        if endpoint in access.OPEN:
            assert answer.status_code == 200
            continue
        if auth.is_page(endpoint):
            assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/ui/sign-in"), endpoint
            continue
        assert answer.status_code == 401, endpoint
        assert told_by(answer).startswith("Send a key"), endpoint
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_in_the_address_is_not_taken(guarded):
    assert guarded.test_client().get(f"/models?api_key={KEYS['admin']}").status_code == 401


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_what_it_needs_and_no_further(guarded, role):
    client = guarded.test_client()
    for endpoint, method, path in requests_of(guarded):
        if endpoint in OF_PAGES:
            continue
        needed = access.NEEDED.get(endpoint, "read")
        answer = client.open(path, method=method, headers=bearer(KEYS[role]))
        if ROLES.index(role) < ROLES.index(needed):
            assert answer.status_code == 403, endpoint
            assert f"a key with the role {needed}" in told_by(answer)
        else:
            assert answer.status_code not in (401, 403), endpoint


def test_a_route_without_a_row_needs_admin(guarded):
    held = guarded.extensions["automl"]
    ask = partial(auth.authorise, held.keyring, held.limits, "models.new", address="127.0.0.1")
    with caller.during(caller.STRANGER):
        with pytest.raises(auth.RoleMissing):
            ask(header=f"Bearer {KEYS['train']}")
        ask(header=f"Bearer {KEYS['admin']}")


@pytest.mark.parametrize(("path", "method", "status"), [("/nowhere", "GET", 404), ("/models", "PATCH", 405)])
def test_what_is_no_route_tells_nothing_without_a_key(guarded, path, method, status):
    client = guarded.test_client()
    assert client.open(path, method=method).status_code == 401
    assert client.open(path, method=method, headers=bearer(KEYS["read"])).status_code == status


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_may_be_in_any_case(guarded, scheme):
    answer = guarded.test_client().get("/models", headers={"Authorization": f"{scheme} {KEYS['read']}"})
    assert answer.status_code == 200


def test_without_keys_every_route_answers_on_loopback(client):
    assert client.get("/models").status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_the_command_makes_a_key_and_the_entry_that_stands_for_it(monkeypatch, capsys, role):
    monkeypatch.setattr("sys.argv", ["app.auth", role])
    assert auth.main() == 0
    first, second = capsys.readouterr().out.splitlines()
    key = first.split()[-1]
    assert len(key) >= 43
    assert second.split()[-1] == f"{role}:{auth.digest(key)}"


def test_the_command_makes_an_entry_of_a_namespace_that_the_settings_read(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["app.auth", "train", "acme"])
    assert auth.main() == 0
    entry = capsys.readouterr().out.split()[-1]
    (found,) = Settings.from_environment({"API_KEYS": entry}).api_keys.values()
    assert (entry.split(":")[2], found) == ("acme", "train:acme")


@pytest.mark.parametrize(
    "words", [["app.auth", "read", "~x"], ["app.auth", "read", "a:b"], ["app.auth", "read", "x", "y"]]
)
def test_the_command_knows_what_a_namespace_is(monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", words)
    assert auth.main() == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["app.auth"], ["app.auth", "root"], ["app.auth", "make", "root"]])
def test_the_command_knows_only_the_roles(monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        auth.main()
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
