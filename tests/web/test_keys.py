"""The page of keys, as an admin uses it."""

import pytest
from playwright.sync_api import expect

from app.auth import digest
from conftest import start_service
from tests.web.conftest import Visit

KEY = "key-of-an-admin-of-keys"


@pytest.fixture
def visitor(chromium, short_folder):
    """An admin who has signed in."""
    process, service = start_service(short_folder / "keys", API_KEYS=f"admin:{digest(KEY)}")
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    one = Visit(context, service.root)
    page = one.open("/ui/keys")
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    yield one
    context.close()
    service.close()
    process.terminate()
    assert process.wait(60) == 0
    assert not one.mistakes, "\n".join(one.mistakes)


def test_an_admin_makes_replaces_and_revokes_a_key(visitor):
    page = visitor.page
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.get_by_label("What it is for").fill("a notebook")
    page.get_by_label("Role").select_option("train")
    page.get_by_label("Days that it is good").fill("30")
    page.get_by_role("button", name="Make the key").click()
    first = page.get_by_label("New key").input_value()
    assert first.startswith("aml_")
    visitor.look("keys")
    page.get_by_role("button", name="Replace a notebook").click()
    second = page.get_by_label("New key").input_value()
    assert second != first
    page.get_by_role("button", name="Revoke a notebook").click()
    expect(page.get_by_text("No key has been made here yet")).to_be_visible()
