"""Pages and who looks at them, without a browser: tokens, cookies, headers, problems."""

import re

import pytest

from app import auth, create_app
from tests.forms import token_of

KEY = "the key of a trainer"


@pytest.fixture
def guarded(settings, client_of_redis):
    keys = {auth.digest(KEY): "train"}
    return create_app(settings.model_copy(update={"api_keys": keys})).test_client()


def cookies_of(answer):
    """Return the cookies that an answer sends, by name."""
    return dict(header.partition(";")[0].split("=", 1) for header in answer.headers.getlist("Set-Cookie"))


def sign_in(client, key=KEY, **more):
    return client.post("/ui/sign-in", data={"key": key, "csrf_token": token_of(client), **more})


def test_a_key_is_remembered_as_its_hash_and_forgotten_at_the_end(guarded):
    assert sign_in(guarded).status_code == 303
    with guarded.session_transaction() as session:
        assert session["key"] == auth.digest(KEY)
    assert guarded.get("/").status_code == 200
    assert guarded.post("/ui/sign-out", data={"csrf_token": token_of(guarded, "/")}).status_code == 303
    assert guarded.get("/").status_code == 303


def test_a_wrong_key_is_told_and_not_remembered(guarded):
    answer = sign_in(guarded, "<script>")
    assert answer.status_code == 401
    assert "does not know that key" in answer.text
    assert "<script>alert" not in answer.text
    assert guarded.get("/").status_code == 303


def test_a_key_that_is_no_longer_known_opens_nothing(guarded, settings):
    sign_in(guarded)
    other = create_app(settings.model_copy(update={"api_keys": {auth.digest("another"): "admin"}})).test_client()
    name = other.application.config["SESSION_COOKIE_NAME"]
    other.set_cookie(name, guarded.get_cookie(name).value)
    assert other.get("/").status_code == 303


@pytest.mark.parametrize("path", ["/ui/examples/penguins", "/ui/jobs/none/cancel", "/ui/sign-in", "/ui/sign-out"])
@pytest.mark.parametrize("sent", [{}, {"csrf_token": "guessed"}, {"csrf_token": "\xe9"}])
def test_a_change_without_the_token_of_the_session_is_refused(client, path, sent):
    client.get("/")
    answer = client.post(path, data=sent)
    assert answer.status_code == 403
    assert "Load this page again" in answer.text


def test_pages_that_are_opened_at_once_all_have_a_token_that_is_taken(guarded):
    # Neither request has the cookie of the other's answer yet.
    answers = [guarded.application.test_client(use_cookies=False).get("/ui/sign-in") for _ in range(2)]
    for answer in answers:
        for name, value in cookies_of(answer).items():
            guarded.set_cookie(name, value)
    tokens = [re.search(r'name="csrf_token" value="([^"]+)"', answer.text)[1] for answer in answers]
    assert len(set(tokens)) == 2
    for token in tokens:
        assert guarded.post("/ui/sign-in", data={"key": "wrong", "csrf_token": token}).status_code == 401
    # A page that is opened later gets one of them, and no cookie more.
    later = guarded.get("/ui/sign-in")
    assert "Set-Cookie" not in later.headers
    assert any(token in later.text for token in tokens)


def test_a_token_is_good_only_with_the_cookie_that_this_service_signed_for_it(guarded, settings):
    name = guarded.application.config["SESSION_COOKIE_NAME"]
    stranger = guarded.application.test_client()
    token = token_of(stranger)
    # Somebody else's token, with no cookie, with one that is made up, and with that of another service.
    assert guarded.post("/ui/sign-in", data={"key": KEY, "csrf_token": token}).status_code == 403
    guarded.set_cookie(f"{name}_{token[:8]}", token)
    assert guarded.post("/ui/sign-in", data={"key": KEY, "csrf_token": token}).status_code == 403
    other = create_app(settings.model_copy(update={"signing_secret": "another secret of forty characters in all"}))
    [(_, value)] = cookies_of(other.test_client().get("/ui/sign-in")).items()
    guarded.set_cookie(f"{name}_{value[:8]}", value)
    assert guarded.post("/ui/sign-in", data={"key": KEY, "csrf_token": value.partition(".")[0]}).status_code == 403


def test_a_token_from_before_somebody_signed_in_is_good_no_longer(guarded):
    before = token_of(guarded)
    assert sign_in(guarded).status_code == 303
    assert guarded.post("/ui/jobs/none/cancel", data={"csrf_token": before}).status_code == 403
    assert guarded.post("/ui/jobs/none/cancel", data={"csrf_token": token_of(guarded, "/")}).status_code == 404


def test_a_change_by_a_key_in_a_header_needs_no_token(guarded):
    answer = guarded.post("/ui/jobs/none/cancel", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/ui/train?x=1", "/ui/train?x=1"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("////elsewhere.example/x", "/"),
        ("/\\/elsewhere.example", "/"),
        ("/ui\r\nX-Y: z", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_back_to_a_page_of_this_service_only(guarded, wanted, place):
    assert sign_in(guarded, next=wanted).headers["Location"] == place


def test_an_answer_that_was_on_its_way_does_not_sign_in_again(guarded):
    assert "Set-Cookie" in sign_in(guarded).headers
    assert "Set-Cookie" not in guarded.get("/").headers
    assert "Set-Cookie" not in guarded.get("/models").headers


def test_services_of_one_host_have_cookies_of_their_own(settings, client_of_redis):
    other = settings.model_copy(update={"signing_secret": "another secret of forty characters in all"})
    names = {create_app(known).config["SESSION_COOKIE_NAME"] for known in (settings, other)}
    assert len(names) == 2


def test_what_is_read_by_cookie_is_not_kept_by_the_browser(guarded):
    sign_in(guarded)
    assert guarded.get("/models").headers["Cache-Control"] == "no-store"
    assert guarded.get("/docs").headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_whoever_is_signed_in_hears_that_a_path_takes_no_such_method(guarded):
    sign_in(guarded)
    assert guarded.delete("/ui/train").status_code == 405
    assert guarded.post("/ui/nowhere").status_code == 404


def test_pages_have_headers_that_keep_them_to_themselves(client):
    for path, status in (("/", 200), ("/ui/jobs/none", 404), ("/ui/none", 404), ("/ui/sign-in", 200)):
        answer = client.get(path)
        assert answer.status_code == status
        assert answer.mimetype == "text/html"
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_part_of_a_page_that_needs_a_key_sends_the_browser_to_where_it_is_typed(guarded):
    answer = guarded.get("/ui/jobs", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/ui/sign-in?next=/"


def test_a_problem_is_a_part_of_the_page_that_asked(client):
    answer = client.get("/ui/jobs/none/live", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert "<html" not in answer.text


def test_the_cookie_travels_encrypted_only_beyond_loopback(settings, client_of_redis):
    beyond = settings.model_copy(update={"host": "0.0.0.0", "api_keys": {auth.digest(KEY): "read"}})
    for known, secure in ((settings, False), (beyond, True)):
        header = create_app(known).test_client().get("/ui/sign-in").headers["Set-Cookie"]
        assert ("Secure" in header) is secure
        # A browser takes such a name from this host alone, encrypted, for all of its paths.
        assert header.startswith("__Host-automl_") is secure
        assert "Path=/;" in header
        assert "Domain" not in header
        assert "HttpOnly" in header
        assert "SameSite=Lax" in header


def test_what_pages_load_is_kept_as_long_as_it_does_not_change(client):
    page = client.get("/").text
    style = page.partition('href="/static/ui/pages.css')[2].partition('"')[0]
    with client.get(f"/static/ui/pages.css{style}") as named, client.get("/static/ui/pages.css") as plain:
        assert "immutable" in named.headers["Cache-Control"]
        assert "immutable" not in plain.headers["Cache-Control"]


def test_vendored_files_are_as_published():
    import hashlib
    from pathlib import Path

    import app

    folder = Path(app.__file__).parent / "static" / "vendor"
    listed = {sums.parent: sums.read_text().splitlines() for sums in folder.glob("*/SHA256SUMS")}
    assert {place.name for place in listed} == {"htmx", "pico", "plotly", "swagger-ui"}
    for place, lines in listed.items():
        named = {line.split()[1]: line.split()[0] for line in lines}
        there = {file.name for file in place.iterdir()} - {"SHA256SUMS"}
        assert named.keys() == there
        for name, digest in named.items():
            assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest
