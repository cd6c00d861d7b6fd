"""Signing in with a key: what strangers see, what a role may not do, and cookies that scripts cannot read."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.auth import digest
from conftest import start_service
from tests.web.conftest import JOB, Visit

KEYS = {role: f"key-of-one-who-may-{role}" for role in ("read", "predict", "train", "admin")}

#: What each role is offered on the page of a model and on the first page, beside what the roles before it are.
OFFERED = {
    "read": ["Report page", "All of it as JSON"],
    "predict": ["How to call it", "Predict", "Explain", "What if", "Follow these values"],
    "train": ["Train", "Train again with these", "Train this example"],
    "admin": ["Promote version 1", "Delete version 1", "Delete this model", "Artefact (signed)"],
}

#: Pages that a role may not open, beside those that the roles after it may not.
CLOSED = {
    "read": ["/ui/models/asked/predict", "/ui/models/asked/explain", "/ui/models/asked/what-if"],
    "predict": ["/ui/train", "/ui/train?model=asked&version=1"],
}

#: What a role may not send, beside what the roles after it may not.
REFUSED = {
    "read": ["/ui/models/asked/predict/result", "/ui/models/asked/versions/1/path"],
    "predict": ["/ui/train", "/ui/examples/penguins"],
    "train": ["/ui/models/asked/current", "/ui/models/asked/versions/1/delete", "/ui/models/asked/delete"],
}


@pytest.fixture(scope="module")
def guarded(short_folder):
    """A service that needs keys."""
    keys = ",".join(f"{role}:{digest(key)}" for role, key in KEYS.items())
    process, service = start_service(short_folder / "guarded", API_KEYS=keys)
    yield service
    service.close()
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


@pytest.fixture(scope="module")
def asked(guarded):
    """A tree in two versions, of which the second is current; return the path of its job."""
    tree = "model_training: {model: sklearn.tree.DecisionTreeClassifier, model_args: {max_depth: 2}}"
    parts = {
        "raw_data": ("penguins.csv", (Path(__file__).parents[2] / "data" / "penguins.csv").read_bytes()),
        "params": f"pipeline_id: asked\ntarget: species\nid_column: id\nexplain: {{rows: 0}}\n{tree}".encode(),
    }
    headers = {"Authorization": f"Bearer {KEYS['admin']}"}
    for _ in range(2):
        assert guarded.post("/train_pipeline", files=parts, headers=headers).status_code == 200
    return f"/ui/jobs/{guarded.get('/models/asked', headers=headers).json()['job_id']}"


def offered(page):
    """Return all that can be pressed or followed on the page of the model and on the first page."""
    found = []
    for path in ("/ui/models/asked", "/"):
        page.goto(page.url.partition("/ui")[0].rstrip("/") + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found += page.locator("a, button, summary").evaluate_all(
            "all => all.map((one) => one.getAttribute('aria-label') ?? one.textContent.trim())"
        )
    return set(found)


@pytest.mark.parametrize("role", KEYS)
def test_each_role_is_offered_what_it_may_do_and_nothing_else(stranger, guarded, asked, role):
    page = stranger.open("/")
    sign_in(page, KEYS[role])
    expect(page.get_by_text(f"role {role}")).to_be_visible()
    there = offered(page)
    may = True
    for one, names in OFFERED.items():
        for name in names:
            assert (name in there) is may, (name, there)
        may = may and one != role
    # What is not offered is not to be had by its address either: the page says so, and what to do.
    rank = [*KEYS].index(role)
    for below, paths in CLOSED.items():
        for path in paths if [*KEYS].index(below) >= rank else ():
            answer = page.goto(guarded.root + path)
            assert answer.status == 403
            expect(page.get_by_role("heading", level=1)).to_have_text("The key's role does not allow this")
            expect(page.locator(".problem")).to_contain_text(f"yours has the role {role}")
            expect(page.get_by_role("link", name="Sign in with another key")).to_be_visible()
            expect(page.get_by_role("link", name="To the models")).to_be_visible()
    token = page.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token']")
    for below, paths in REFUSED.items():
        for path in paths if [*KEYS].index(below) >= rank else ():
            answer = page.request.post(guarded.root + path, headers={"X-CSRF-Token": token, "HX-Request": "true"})
            assert answer.status == 403, path
            assert f"yours has the role {role}" in answer.text(), path


def test_who_may_only_predict_follows_a_training_but_does_not_stop_it(stranger, guarded, asked):
    headers = {"Authorization": f"Bearer {KEYS['admin']}"}
    parts = {
        "raw_data": ("penguins.csv", (Path(__file__).parents[2] / "data" / "penguins.csv").read_bytes()),
        "params": b"{pipeline_id: long, target: species, id_column: id, limits: {seconds: 60}}",
    }
    answer = guarded.post("/train_pipeline", files=parts, headers=headers | {"Prefer": "respond-async"})
    where = answer.headers["Location"]
    page = stranger.open(f"/ui{where}")
    sign_in(page, KEYS["predict"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Training of long")
    expect(page.locator("#cancel")).to_have_count(0)
    stranger.look("job_of_another")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, KEYS["train"])
    page.goto(f"{guarded.root}/ui{where}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#cancel").click()
    expect(page.locator(".badge").first).to_have_text("cancelled", timeout=JOB)
    # Nor begins it again.
    expect(page.locator("#again")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, KEYS["predict"])
    page.goto(f"{guarded.root}/ui{where}")
    expect(page.locator(".badge").first).to_have_text("cancelled")
    expect(page.locator("#again")).to_have_count(0)


def test_who_may_predict_does_so_with_a_key(stranger, asked):
    page = stranger.open("/ui/models/asked/predict")
    sign_in(page, KEYS["predict"])
    expect(page.locator("#result ul.bars li")).to_have_count(3)
    page.get_by_role("button", name="Take a row of the training").click()
    page.get_by_label("A row of the training").select_option(index=2)
    expect(page.locator("#result ul.bars li")).to_have_count(3)
    expect(page.locator("#problem")).to_be_empty()


def test_the_cookie_is_not_for_scripts_nor_for_other_sites_and_changes_need_the_token(stranger, guarded):
    page = stranger.open("/")
    sign_in(page, KEYS["admin"])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    # That of the session, and that of the token before it.
    cookies = [cookie for cookie in stranger.context.cookies() if cookie["name"].startswith("automl_")]
    assert len(cookies) == 2
    for cookie in cookies:
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
