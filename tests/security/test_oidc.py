"""Signing in to the pages by OpenID Connect: the right way in, and each wrong one."""

import sys
import time

import pytest

from app import auth, create_app
from app import keyring as keys
from app.settings import Settings, SettingsError
from conftest import free_port
from tests.security import issuer as issuers

KEY = "the key of the operator"
ROLES = {"operators": "admin", "scientists": "predict", "guests": "read:acme"}


@pytest.fixture
def issuer():
    with issuers.running(free_port()) as running:
        yield running


@pytest.fixture
def app(settings, client_of_redis, issuer):
    changes = {
        "api_keys": {auth.digest(KEY): "admin"}, "oidc_issuer": issuer.url, "oidc_client_id": issuers.CLIENT,
        "oidc_client_secret": issuers.CLIENT_SECRET, "oidc_roles": ROLES,
    }  # fmt: skip
    return create_app(settings.model_copy(update=changes))


@pytest.fixture
def client(app):
    return app.test_client()


def go(client, issuer, back="/ui/train"):
    """Leave for the provider and come back, and return the answer to that."""
    left = client.get("/ui/sign-in/oidc", query_string={"next": back})
    assert left.status_code == 302
    assert left.headers["Location"].startswith(f"{issuer.url}/authorize?")
    return client.get(issuer.sign_in(left.headers["Location"]))


def assert_refused(client, answer, status=403):
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert client.get("/").status_code == 303
    with client.session_transaction() as session:
        assert "identity" not in session


def test_a_person_signs_in_and_has_the_role_of_their_group(client, issuer):
    assert "Sign in with your organisation" in client.get("/ui/sign-in").text
    answer = go(client, issuer)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/train")
    assert client.get("/").status_code == 200
    assert "role predict" in client.get("/ui/sign-in").text
    assert client.get("/ui/train").status_code == 403
    with client.session_transaction() as session:
        assert session.keys() == {"identity", "token"}
        assert session["identity"].keys() == {"key_id", "role", "namespace", "until"}
        token = session["token"]
    # As by a key, the API is not open to changes by the cookie.
    assert client.get("/models").status_code == 200
    assert client.post("/serve_prediction", json={}).status_code == 401
    (entry,) = client.get("/audit", headers={"Authorization": f"Bearer {KEY}"}).json[-1:]
    assert (entry["key_id"], entry["role"], entry["status"]) == ("oidc:mary", "predict", 303)
    assert client.post("/ui/sign-out", data={"csrf_token": token}).status_code == 303
    assert client.get("/").status_code == 303


def test_the_first_entry_that_fits_counts(client, issuer):
    issuer.claims = {"groups": ["guests", "operators", "scientists"]}
    go(client, issuer)
    assert "role admin" in client.get("/").text


def test_a_group_may_be_of_a_namespace(client, issuer, app):
    issuer.claims = {"groups": "guests"}
    go(client, issuer)
    assert "role read" in client.get("/").text
    with client.session_transaction() as session:
        assert session["identity"]["namespace"] == "acme"


@pytest.mark.parametrize("groups", [None, [], ["others"], "others", 7, {"operators": True}, ["Operators"], [7]])
def test_whoever_is_in_no_group_is_refused(client, issuer, groups):
    issuer.claims = {"groups": groups}
    answer = go(client, issuer)
    assert_refused(client, answer)
    assert "none of your groups" in answer.text


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"nonce": "guessed"}, id="another try's nonce"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"aud": "another"}, id="for another service"),
        pytest.param({"aud": ["another"]}, id="for other services"),
        pytest.param({"aud": None}, id="for nobody"),
        pytest.param({"iss": "https://elsewhere.example"}, id="of another issuer"),
        pytest.param({"exp": int(time.time()) - 3600}, id="expired"),
        pytest.param({"exp": None}, id="without an end"),
        pytest.param({"sub": None}, id="of nobody"),
        pytest.param({"iat": int(time.time()) + 10 * 3600}, id="of the future"),
    ],
)
def test_a_token_that_says_something_else_is_refused(client, issuer, claims):
    issuer.claims = claims
    assert_refused(client, go(client, issuer))


@pytest.mark.parametrize("wrong", ["unsigned", "no algorithm", "a shared secret", "another key", "none"])
def test_a_token_that_is_not_signed_by_the_issuer_is_refused(client, issuer, wrong):
    issuer.wrong = wrong
    assert_refused(client, go(client, issuer))


def test_a_way_back_that_nobody_has_begun_is_refused(client, app, issuer):
    left = client.get("/ui/sign-in/oidc").headers["Location"]
    back = issuer.sign_in(left)
    # Of another browser: whoever is lured to it signs in to nobody's account.
    other = app.test_client()
    assert_refused(other, other.get(back))
    for query in ("", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied&error_description=%3Cscript%3E"):
        answer = client.get(f"/ui/sign-in/oidc/back{query}")
        assert_refused(client, answer)
        assert "<script>" not in answer.text.partition("</head>")[2]


def test_a_way_back_is_good_once(client, issuer):
    back = issuer.sign_in(client.get("/ui/sign-in/oidc").headers["Location"])
    cookie = client.get_cookie(client.application.config["SESSION_COOKIE_NAME"]).value
    assert client.get(back).status_code == 303
    assert client.get(back).status_code == 403
    # Nor by somebody who has kept the cookie of the try.
    again = client.application.test_client()
    again.set_cookie(client.application.config["SESSION_COOKIE_NAME"], cookie)
    assert_refused(again, again.get(back))


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_it_leads_back_to_a_page_of_this_service_only(client, issuer, back):
    assert go(client, issuer, back).headers["Location"] == "/"


def test_a_session_ends_after_some_hours(client, issuer, monkeypatch):
    go(client, issuer)
    later = time.time() + 8 * 3600 + 1
    monkeypatch.setattr(keys.time, "time", lambda: later)
    assert client.get("/").status_code == 303


def test_an_issuer_that_is_another_or_does_not_answer_is_told(client, issuer, app):
    issuer.wrong = "another issuer"
    assert client.get("/ui/sign-in/oidc").status_code == 503
    assert client.get("/ui/sign-in").status_code == 200


def test_an_issuer_that_does_not_answer_is_told(settings, client_of_redis):
    changes = {
        "api_keys": {auth.digest(KEY): "admin"}, "oidc_issuer": f"http://127.0.0.1:{free_port()}",
        "oidc_client_id": "x", "oidc_client_secret": "y", "oidc_roles": ROLES,
    }  # fmt: skip
    client = create_app(settings.model_copy(update=changes)).test_client()
    answer = client.get("/ui/sign-in/oidc")
    assert answer.status_code == 503
    assert "Traceback" not in answer.text


def test_where_it_is_not_set_there_is_no_such_way_in(settings, client_of_redis):
    client = create_app(settings.model_copy(update={"api_keys": {auth.digest(KEY): "admin"}})).test_client()
    assert "your organisation" not in client.get("/ui/sign-in").text
    for path in ("/ui/sign-in/oidc", "/ui/sign-in/oidc/back?code=x&state=y"):
        assert client.get(path).status_code == 404


WHOLE = {
    "API_KEYS": f"admin:{auth.digest(KEY)}", "OIDC_ISSUER": "https://id.example/realm", "OIDC_CLIENT_ID": "automl",
    "OIDC_CLIENT_SECRET": "s3cret", "OIDC_ROLES": "operators=admin some=group=read:acme",
}  # fmt: skip


def test_the_settings_are_read():
    settings = Settings.from_environment(WHOLE)
    assert settings.oidc_roles == {"operators": "admin", "some=group": "read:acme"}
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://id.example"), ("OIDC_ISSUER", "s3cret"), ("OIDC_CLIENT_ID", ""), ("API_KEYS", ""),
        ("OIDC_CLIENT_SECRET", ""), ("OIDC_ROLES", ""), ("OIDC_ROLES", "s3cret"), ("OIDC_ROLES", "a=root"),
        ("OIDC_ROLES", "a=read:b/c"), ("OIDC_ROLES", "=read"),
    ],
)  # fmt: skip
def test_settings_that_are_wrong_or_not_whole_are_refused(name, value):
    with pytest.raises(SettingsError, match=f"^{name}: ") as refused:
        Settings.from_environment(WHOLE | {name: value})
    assert "s3cret" not in str(refused.value)


def test_without_its_library_the_service_says_how_to_install_it(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "authlib.integrations.flask_client", None)
    changes = {"api_keys": {auth.digest(KEY): "admin"}, "oidc_issuer": "https://id.example", "oidc_client_id": "x",
               "oidc_client_secret": "y", "oidc_roles": ROLES}  # fmt: skip
    with pytest.raises(SettingsError, match=r"^OIDC_ISSUER: .*requirements-oidc\.txt"):
        create_app(settings.model_copy(update=changes))


def test_who_leaves_for_an_issuer_that_is_slow_takes_one_of_the_threads_that_may_wait(client, issuer, app):
    places = app.extensions["automl"].places
    taken = [places.acquire(blocking=False) for _ in range(places._initial_value)]
    assert all(taken)
    for path in ("/ui/sign-in/oidc", "/ui/sign-in/oidc/back?code=x&state=y"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    assert client.get("/ui/sign-in").status_code == 200
    for _ in taken:
        places.release()
    assert client.get("/ui/sign-in/oidc").status_code == 302
