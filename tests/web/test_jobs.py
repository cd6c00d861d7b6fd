"""The start page and the page of a job: examples, progress, cancelling, a reload, a lost connection."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import JOB


def started(visit, title):
    """Click on an example; return the page of its job."""
    page = visit.open("/")
    page.locator("article", has_text=title).get_by_role("button").click()
    page.wait_for_url(re.compile(r"/ui/jobs/\w+"))
    return page


@pytest.fixture(autouse=True)
def clean(service):
    """Examples have ids of their own, which nothing else is to find."""
    yield
    for name in ("1", "birds", "diabetes"):
        service.delete(f"/models/{name}")


def test_a_first_visitor_trains_an_example_with_one_click_and_finds_the_model(visit):
    page = visit.open("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    visit.look("start_empty")
    started(visit, "Exercises")
    page.locator(".done").wait_for(timeout=JOB)
    visit.look("job_finished")
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.locator("table.models")).to_contain_text("RandomForestClassifier")
    visit.look("start")


def test_a_job_shows_its_candidates_survives_a_reload_and_can_be_cancelled_with_what_it_has(visit, service):
    page = started(visit, "Penguins")
    page.locator(".drawn .main-svg").first.wait_for(timeout=JOB)
    page.reload()
    page.locator(".drawn .main-svg").first.wait_for()
    page.locator("table tbody tr").nth(7).wait_for(timeout=JOB)
    visit.look("job_running")
    page.get_by_role("button", name="Cancel, and keep the best so far").click()
    page.locator(".done").wait_for(timeout=JOB)
    expect(page.locator(".badge.cancelled")).to_be_visible()
    assert service.get("/models/birds").json()["version"] == 1


def test_a_cancelled_job_leaves_nothing(visit, service):
    page = started(visit, "Penguins")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.locator(".badge.cancelled").wait_for(timeout=JOB)
    expect(page.locator(".callout")).to_have_text("Cancelled. Nothing of it was kept.")
    expect(page.locator(".problem")).to_have_count(0)
    visit.look("job_cancelled")
    assert service.get("/models/birds").status_code == 404
    page.get_by_role("link", name="Train again with these parameters").click()
    expect(page.locator("textarea[name=yaml]")).to_have_value(re.compile("pipeline_id: birds"))


def test_whoever_uses_keys_or_points_into_the_plot_goes_on_while_a_job_is_shown(visit, service):
    page = started(visit, "Penguins")
    page.locator(".drawn .main-svg").first.wait_for(timeout=JOB)
    page.evaluate("document.querySelector('.drawn').mark = document.getElementById('said').mark = true")
    points = page.evaluate("document.querySelector('.drawn').dataset.figure.length")
    page.get_by_role("button", name="Cancel, and keep the best so far").focus()
    page.wait_for_function("before => document.querySelector('.drawn').dataset.figure.length > before", arg=points)
    page.wait_for_timeout(2_000)
    assert page.evaluate("document.activeElement.id") == "keep"
    assert page.evaluate("document.querySelector('.drawn').mark && document.getElementById('said').mark")
    assert page.locator("[data-says]").get_attribute("data-says") == page.locator("#said").text_content()
    page.keyboard.press("Enter")
    page.locator(".done").wait_for(timeout=JOB)
    expect(page.locator("#said")).to_have_text("cancelled")
    # All that the job shows to have scored stands on the board of its version.
    history = service.get(page.url.removeprefix(visit.root).replace("/ui", "") + "/history").json()
    names = {event["candidate"]["name"] for event in history if "candidate" in event}
    assert {row["name"] for row in service.get("/models/birds").json()["leaderboard"]} == names


def test_a_link_to_a_job_keeps_its_focus_on_the_start_page(visit):
    started(visit, "Penguins")
    page = visit.open("/")
    link = page.locator("#jobs th a").first
    link.focus()
    page.locator("#jobs .badge.running").first.wait_for()
    link.evaluate("link => link.mark = true")
    page.wait_for_function("() => !document.querySelector('#jobs th a').mark")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel, and keep the best so far").click()
    page.locator(".badge.cancelled, .badge.finished").wait_for(timeout=JOB)


def test_a_page_says_that_the_service_does_not_answer_and_goes_on_when_it_does(visit):
    page = started(visit, "Penguins")
    visit.context.set_offline(True)
    expect(page.locator("#problem")).to_contain_text("does not answer")
    visit.context.set_offline(False)
    expect(page.locator("#problem")).to_be_empty()
    # What the browser and htmx write of requests that did not arrive is what was provoked.
    provoked = ("ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest")
    visit.mistakes = [mistake for mistake in visit.mistakes if not any(name in mistake for name in provoked)]
    page.get_by_role("button", name="Cancel, and keep the best so far").click()
    page.locator(".badge.cancelled, .badge.finished").wait_for(timeout=JOB)


def test_what_is_not_there_is_told_as_a_page(visit):
    visit.expected = {404}
    page = visit.open("/ui/jobs/none")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".problem")).to_contain_text("none")
    visit.look("not_there")
