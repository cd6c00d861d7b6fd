"""Fields of the forms that ask a model: what is typed in arrives as it was meant, or is told to be unreadable."""

from urllib.parse import unquote_plus

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.web.conftest import SHOTS

TREE = {"model": "sklearn.tree.DecisionTreeClassifier", "model_args": {"max_depth": 10}}

#: Categories that browsers take for the same, or alter.
ALIKE = ["x", "x ", " x", "a\nb"]

#: Milliseconds until a process has loaded what explains.
FIRST = 60_000


@pytest.fixture(scope="module")
def hostile(made):
    """A tree on day-first dates, categories that look alike, and a class that is called as a colour is."""
    pipeline, draw = made("hostile-fields"), np.random.default_rng(0)
    rows = 160
    frame = pd.DataFrame({"size": draw.normal(size=rows).round(3), "mark": draw.choice(ALIKE, rows)})
    frame["day"] = pd.date_range("2020-01-01", periods=rows).strftime("%d/%m/%Y")
    frame["kind"] = np.where(
        frame["mark"].isin(["x ", "a\nb"]) ^ (frame["size"] > 0.3) ^ (np.arange(rows) > 110), "var:--c0", "other"
    )
    answer = pipeline.train(frame, target="kind", model_training=TREE)
    assert answer.status_code == 200, answer.text
    return pipeline


def test_a_number_that_cannot_be_read_is_not_sent_as_missing(visit, hostile):
    page = visit.open(f"/ui/models/{hostile.id}/predict")
    expect(page.locator("#result ul.bars li")).to_have_count(2)
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    field = page.get_by_label("size", exact=True)
    field.fill("")
    expect(page.locator("#result.stale")).to_have_count(0)
    page.wait_for_timeout(800)
    sent.clear()
    field.press_sequentially("0.02-")
    expect(page.locator("#row .unread")).to_have_text("This cannot be read. Mend it, or empty the field.")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.wait_for_timeout(800)
    sent.clear()
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(field).to_be_focused()
    page.get_by_role("button", name="Download as CSV").click()
    page.wait_for_timeout(500)
    assert sent == []
    page.screenshot(path=SHOTS / "predict_unread.png")
    # What is not sent need not be mended.
    page.get_by_label("Pasted text").check()
    page.locator("#text").fill("size,mark,day\n1,x,01/02/2020")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#result.stale")).to_have_count(0)
    assert sent
    page.get_by_label("A row").check()
    field.press("Backspace")
    expect(page.locator("#row .unread")).to_have_count(0)
    expect(page.locator("#result ul.bars li")).to_have_count(2)


def test_enter_asks_and_leads_to_no_other_page(visit, hostile):
    page = visit.open(f"/ui/models/{hostile.id}/explain")
    page.locator("#result .told").wait_for(timeout=FIRST)
    page.locator("#live").uncheck()
    page.get_by_label("size", exact=True).fill("2.5")
    with page.expect_request("**/explain/result?*"):
        page.get_by_label("size", exact=True).press("Enter")
    expect(page.locator("h1")).to_contain_text("Explain")
    page = visit.open(f"/ui/models/{hostile.id}/what-if")
    expect(page.locator("#difference")).to_contain_text("Nothing is changed yet")
    page.get_by_label("size, what if").fill("2.5")
    page.get_by_label("size, what if").press("Enter")
    expect(page.locator("#difference")).to_contain_text("Changed: size.")
    page.get_by_label("size, what if").fill("")
    page.get_by_label("size, what if").press_sequentially("1-")
    expect(page.locator("#pairs .unread")).to_be_visible()
    page.get_by_role("button", name="Undo all changes").click()
    expect(page.locator("#difference")).to_contain_text("Nothing is changed yet")


@pytest.mark.parametrize("mark", ALIKE)
def test_a_category_arrives_as_it_is_chosen(visit, hostile, mark):
    page = visit.open(f"/ui/models/{hostile.id}/predict")
    expect(page.locator("#result ul.bars li")).to_have_count(2)
    day = page.get_by_label("day", exact=True).input_value()
    with page.expect_response("**/predict/result?*"):
        page.get_by_label("mark", exact=True).select_option(f"={mark}")
    row = {"size": float(page.get_by_label("size", exact=True).input_value()), "mark": mark, "day": day}
    answer = hostile.service.post("/serve_prediction", json={"pipeline_id": hostile.id, "data": [row]}).json()
    meant = "var:--c0" if answer["score"]["0"] > 0.5 else "other"
    expect(page.locator("#result .answer strong")).to_have_text(meant)
    expect(page.locator(".callout")).to_have_count(0)


def test_the_untouched_form_of_the_tree_is_followed_and_a_class_keeps_its_name(visit, hostile):
    page = visit.open(f"/ui/models/{hostile.id}")
    page.locator(".drawn .main-svg").first.wait_for()
    expect(page.locator(".drawn text").get_by_text("var:--c0", exact=True).first).to_be_attached()
    told = page.locator("#tree-drawn .told")
    page.get_by_role("button", name="Follow these values").click()
    expect(told).to_contain_text("These values:")
    typed = page.locator("#typed")
    mark = typed.get_by_label("mark")
    for value in ALIKE:
        with page.expect_request("**/path") as asked:
            mark.evaluate(
                "(one, value) => { one.value = value; one.dispatchEvent(new Event('change', {bubbles: true})) }", value
            )
        sent = [unquote_plus(part.partition("=")[2]) for part in asked.value.post_data.split("&")]
        assert value in [one.replace("\r\n", "\n") for one in sent]
    expect(told).to_contain_text("These values:")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    size = typed.get_by_label("size")
    size.fill("")
    size.press_sequentially("1-")
    size.press("Tab")
    expect(typed.locator(".unread")).to_be_visible()
    page.wait_for_timeout(300)
    sent.clear()
    page.get_by_role("button", name="Follow these values").click()
    page.wait_for_timeout(300)
    assert sent == []
