"""Every route of the app by every method with every kind of key, held against a list that a new route has to enter."""

import json
from pathlib import Path

import pytest
from werkzeug.exceptions import MethodNotAllowed

from app import access, auth, create_app
from app.settings import ROLES
from app.store.api_keys import ApiKeys
from conftest import SECRET
from tests.forms import token_of
from tests.routes.conftest import kept, training  # noqa: F401  fixtures

#: {"METHOD rule": the role it needs, or "open"}.
ROUTES = json.loads(Path(__file__).with_name("routes.json").read_text())

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")

KEYS = {role: f"the key of {role}" for role in ROLES} | {"elsewhere": "the key of an admin of acme"}
SET = {auth.digest(key): ("admin:acme" if name == "elsewhere" else name) for name, key in KEYS.items()}

#: Changes the session or shows a form: answered to anyone, as the tests of the pages have it.
OF_PAGES = ("/ui/sign-in", "/ui/sign-out", "/ui/sign-in/oidc", "/ui/sign-in/oidc/back", "/static/<path:filename>")


@pytest.fixture
def app(settings, client_of_redis):
    return create_app(settings.model_copy(update={"api_keys": SET, "failed_keys_per_minute": 10**6}))


def own_methods(rule):
    return rule.methods - {"HEAD", "OPTIONS"}


def path_of(rule, name="nothing"):
    values = {one: 1 if one == "number" else name for one in rule.arguments}
    return rule.build(values, append_unknown=False)[1]


def needed_of(app):
    found = {}
    for rule in app.url_map.iter_rules():
        needed = "open" if rule.endpoint in access.OPEN else access.NEEDED.get(rule.endpoint, "admin")
        found |= {f"{method} {rule.rule}": needed for method in own_methods(rule)}
    return found


def test_the_list_has_every_route_and_the_role_it_needs(app):
    assert needed_of(app) == ROUTES


def test_deletions_promotions_keys_and_artefacts_need_an_admin():
    for one, needed in ROUTES.items():
        method, rule = one.split()
        closed = rule.startswith(("/keys", "/audit", "/ui/keys")) or rule.endswith(("/current", "/artifact"))
        if (method == "DELETE" and not rule.startswith("/jobs")) or closed:
            assert needed == "admin", one
        assert method in ("GET", "POST") or needed != "open"


def refused_keys(app, client_of_redis):
    """Return what opens nothing: {how it is called: headers}."""
    stored, by = ApiKeys(client_of_redis, SECRET), auth.caller.LOCAL
    revoked, revoked_text = stored.make(by, "revoked", "admin")
    stored.revoke(by, revoked.key_id)
    _, expired = stored.make(by, "expired", "admin", days=1e-9)
    replaced, before = stored.make(by, "replaced", "admin")
    stored.rotate(by, replaced.key_id)
    shown = {"wrong": "wrong", "revoked": revoked_text, "expired": expired, "replaced": before}
    return {"none": {}} | {name: {"Authorization": f"Bearer {key}"} for name, key in shown.items()}


def test_without_a_key_that_is_good_nothing_answers_by_any_method(app, client_of_redis):
    client = app.test_client()
    for name, headers in refused_keys(app, client_of_redis).items():
        for rule in app.url_map.iter_rules():
            if rule.rule in OF_PAGES:
                continue
            for method in METHODS:
                answer = client.open(path_of(rule), method=method, headers=headers)
                said = f"{name}: {method} {rule.rule}"
                is_open = rule.endpoint in access.OPEN
                if is_open and method in rule.methods:
                    assert answer.status_code == 200, said
                elif auth.is_page(rule.endpoint) or rule.rule == "/":
                    assert answer.status_code == 303, said
                    assert answer.headers["Location"].startswith("/ui/sign-in"), said
                else:
                    assert answer.status_code == 401, said
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer"), said


@pytest.mark.parametrize("name", KEYS)
def test_a_role_reaches_what_it_needs_by_its_own_methods_and_no_further(app, name):
    client, headers = app.test_client(), {"Authorization": f"Bearer {KEYS[name]}", "Prefer": "respond-async"}
    role, places = "admin" if name == "elsewhere" else name, app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.rule in OF_PAGES:
            continue
        for method in METHODS:
            answer = client.open(path_of(rule), method=method, headers=headers)
            said = f"{method} {rule.rule}"
            try:
                endpoint = places.match(path_of(rule), method)[0]
            except MethodNotAllowed:
                endpoint = None
            needed = "read" if endpoint is None or endpoint in access.OPEN else access.NEEDED[endpoint]
            if ROLES.index(role) < ROLES.index(needed):
                assert answer.status_code == 403, said
            elif endpoint is None:
                assert answer.status_code == 405, said
            else:
                assert answer.status_code not in (401, 403, 405), said
                assert answer.status_code < 500, said


def test_what_is_of_another_namespace_is_as_what_is_nowhere(app, kept, training, client_of_redis):  # noqa: F811
    client = app.test_client()
    options = training({"pipeline_id": "kept"})
    options["headers"] |= {"Authorization": f"Bearer {KEYS['admin']}"}
    job = client.post("/train_pipeline", **options).headers["Location"].rpartition("/")[2]
    headers = {"Authorization": f"Bearer {KEYS['elsewhere']}", "Prefer": "respond-async"}

    def stored():
        names = [
            name for name in client_of_redis.scan_iter() if not name.startswith((b"automl:audit", b"automl:~acme"))
        ]
        return {name: client_of_redis.dump(name) for name in names}

    before, looked = stored(), 0
    for rule in app.url_map.iter_rules():
        # Rows, examples and files of the page are of nobody.
        if not rule.arguments & {"pipeline_id", "job_id"} or rule.endpoint in access.OPEN:
            continue
        there, nowhere = (job, "0" * 32) if "job_id" in rule.arguments else ("kept", "none")
        for method in METHODS:
            body = {"json": {"version": 1}} if method == "PUT" else {}
            found, missing = (
                client.open(path_of(rule, name), method=method, headers=headers, **body) for name in (there, nowhere)
            )
            assert found.status_code == missing.status_code, f"{method} {rule.rule}"
            assert found.text.replace(there, "*") == missing.text.replace(nowhere, "*"), f"{method} {rule.rule}"
            looked += 1
    assert looked > 200
    assert stored() == before


@pytest.mark.parametrize("name", ["train", "admin"])
def test_every_change_by_a_page_needs_the_token_of_its_session(app, name):
    client = app.test_client()
    token = token_of(client)
    client.post("/ui/sign-in", data={"key": KEYS[name], "csrf_token": token})
    changes = [rule for rule in app.url_map.iter_rules() if auth.is_page(rule.endpoint) and "POST" in rule.methods]
    assert len(changes) > 15
    for rule in changes:
        for sent in ({}, {"csrf_token": token}, {"csrf_token": "guessed"}):
            assert client.post(path_of(rule), data=sent).status_code == 403, rule.rule


def test_a_cookie_changes_nothing_beyond_the_pages(app):
    client = app.test_client()
    token = token_of(client)
    client.post("/ui/sign-in", data={"key": KEYS["admin"], "csrf_token": token})
    headers = {"X-CSRF-Token": token_of(client, "/")}
    for rule in app.url_map.iter_rules():
        if not auth.is_page(rule.endpoint) and rule.endpoint not in access.OPEN:
            for method in own_methods(rule) - {"GET"}:
                assert client.open(path_of(rule), method=method, headers=headers).status_code == 401, rule.rule
    assert client.get("/models").status_code == 200
