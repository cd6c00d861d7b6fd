"""What every answer says of itself to browsers: whatever was asked, of whichever route, and however it ended."""

from __future__ import annotations

import re

import pytest

from app import auth, create_app
from app.settings import ROLES
from tests.test_auth import KEYS, bearer, requests_of

#: Nothing may put an answer into a frame, or take it for a script.
FRAMES, SCRIPTS = "frame-ancestors 'none'", re.compile("(default|script)-src '(none|self)'")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, redis_url):
    """An app that knows one key a role."""
    from app.settings import Settings
    from conftest import SECRET

    keys = {auth.digest(key): role for role, key in KEYS.items()}
    folder = tmp_path_factory.mktemp("headers")
    return create_app(Settings(redis_url=redis_url, data_dir=folder, signing_secret=SECRET, api_keys=keys))


def holds(answer) -> None:
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    policy = headers["Content-Security-Policy"]
    assert FRAMES in policy
    assert SCRIPTS.search(policy)
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert all(len(headers.getlist(name)) == 1 for name, _ in headers if name != "Set-Cookie")


@pytest.mark.parametrize("role", [None, *ROLES])
def test_every_route_answers_with_them_whoever_asks(guarded, role) -> None:
    client, statuses = guarded.test_client(), set()
    for endpoint, method, path in requests_of(guarded):
        with client.open(path, method=method, headers=bearer(KEYS[role]) if role else {}) as answer:
            holds(answer)
            if endpoint != "static":
                assert "no-store" in answer.headers["Cache-Control"], path
            statuses.add(answer.status_code)
    assert statuses >= ({200, 401} if role is None else {200, 404})


def test_so_do_errors_of_no_route_and_of_a_wrong_method(guarded) -> None:
    client = guarded.test_client()
    for method, path in (("GET", "/nothing"), ("GET", "/ui/nothing"), ("BREW", "/models"), ("OPTIONS", "/models")):
        holds(client.open(path, method=method, headers=bearer(KEYS["admin"])))


def test_what_users_wrote_is_shown_in_pages_that_run_nothing_and_send_nothing() -> None:
    from app.routes import explain, models

    for policy in (explain._NO_SCRIPTS, models._NO_SCRIPTS):
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        for name in ("base-uri", "form-action", "frame-ancestors"):
            assert f"{name} 'none'" in policy


def test_what_never_changes_may_be_kept(guarded) -> None:
    with guarded.test_client().get("/static/ui/pages.css?v=1") as answer:
        assert "no-store" not in answer.headers["Cache-Control"]
