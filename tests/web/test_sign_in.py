"""Signing in with a key: what strangers see, what a role may not do, and cookies that scripts cannot read."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.auth import digest
from conftest import start_service
from tests.web.conftest import Visit

KEYS = {"read": "key-of-a-reader", "admin": "key-of-an-admin"}


@pytest.fixture(scope="module")
def guarded(short_folder):
    """A service that needs keys."""
    keys = ",".join(f"{role}:{digest(key)}" for role, key in KEYS.items())
    process, service = start_service(short_folder / "guarded", API_KEYS=keys)
    yield service
    process.terminate()
    assert process.wait(60) == 0


@pytest.fixture
def stranger(chromium, guarded):
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    visitor = Visit(context, guarded.root)
    visitor.expected = {401, 403}
    yield visitor
    context.close()
    assert not visitor.mistakes, "\n".join(visitor.mistakes)


def sign_in(page, key):
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_a_stranger_is_asked_for_a_key_and_comes_to_the_page_that_was_wanted(stranger):
    page = stranger.open("/ui/jobs/none")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger.look("sign_in")
    sign_in(page, "wrong")
    expect(page.locator(".problem")).to_contain_text("does not know that key")
    stranger.expected = {401, 404}
    sign_in(page, KEYS["admin"])
    assert page.url.endswith("/ui/jobs/none")


def test_what_a_role_may_not_do_is_not_offered_and_refused(stranger, guarded):
    page = stranger.open("/")
    sign_in(page, KEYS["read"])
    expect(page.get_by_text("role read")).to_be_visible()
    expect(page.get_by_role("link", name="Train")).to_have_count(0)
    expect(page.get_by_role("button", name="Train this example")).to_have_count(0)
    token = page.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token']")
    answer = page.request.post(f"{guarded.root}/ui/examples/penguins", headers={"X-CSRF-Token": token})
    assert answer.status == 403
    page.goto(f"{guarded.root}/ui/train")
    expect(page.locator(".problem")).to_contain_text("role")
    stranger.look("not_allowed")
    page.get_by_role("link", name="Sign in with another key").click()
    sign_in(page, KEYS["admin"])
    expect(page.get_by_role("heading", name="Train a model")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(guarded.root)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_how_to_ask_a_model_is_told_to_whoever_may(stranger, guarded):
    params = (
        "{pipeline_id: asked, target: species, id_column: id, model_training: {model: sklearn.naive_bayes.GaussianNB}}"
    )
    parts = {
        "raw_data": ("penguins.csv", (Path(__file__).parents[2] / "data" / "penguins.csv").read_bytes()),
        "params": params.encode(),
    }
    key = {"Authorization": f"Bearer {KEYS['admin']}"}
    assert guarded.post("/train_pipeline", files=parts, headers=key).status_code == 200
    page = stranger.open("/ui/models/asked")
    sign_in(page, KEYS["read"])
    expect(page.get_by_role("heading", name="Downloads")).to_be_visible()
    expect(page.get_by_text("How to call it")).to_have_count(0)
    expect(page.get_by_role("link", name="Predict")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, KEYS["admin"])
    page.goto(f"{guarded.root}/ui/models/asked")
    expect(page.get_by_role("heading", name="How to call it")).to_be_visible()


def test_the_cookie_is_not_for_scripts_nor_for_other_sites_and_changes_need_the_token(stranger, guarded):
    page = stranger.open("/")
    sign_in(page, KEYS["admin"])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    cookie = next(cookie for cookie in stranger.context.cookies() if cookie["name"].startswith("automl_"))
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert KEYS["admin"] not in cookie["value"]
    assert page.request.post(f"{guarded.root}/ui/examples/penguins").status == 403
    # The API takes its changes from keys alone, reads from whoever is signed in.
    assert page.request.get(f"{guarded.root}/models").status == 200
    assert page.request.delete(f"{guarded.root}/models/none").status == 401


def test_a_link_to_another_site_is_not_followed_after_signing_in(stranger):
    page = stranger.open("/ui/sign-in?next=//elsewhere.example/")
    sign_in(page, KEYS["admin"])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url == f"{stranger.root}/"
