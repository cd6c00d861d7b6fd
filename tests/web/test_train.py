"""The page that starts a training: a file is looked at, the choices make the parameters, the job begins."""

import re

import pytest
from playwright.sync_api import expect

from tests.live.conftest import DATA
from tests.web.conftest import JOB

PENGUINS = DATA / "penguins.csv"


@pytest.fixture(autouse=True)
def clean(service):
    """Models are named after their files."""
    yield
    for name in ("penguins", "data_train", "by-hand"):
        service.delete(f"/models/{name}")


@pytest.fixture
def page(visit):
    return visit.open("/ui/train")


def chosen(page, file, part="raw_data"):
    """Choose a file, and wait until it has been looked at."""
    with page.expect_response(re.compile("/ui/train/look")):
        page.locator(f"#{part}").set_input_files(file)
    expect(page.locator("#looking")).to_be_hidden()


def test_a_table_is_looked_at_a_target_chosen_and_a_model_trained(visit, page):
    visit.look("train_empty")
    chosen(page, PENGUINS)
    cards = page.locator("#looked .columns-of-data .card")
    expect(cards).to_have_count(9)
    expect(cards.nth(3)).to_contain_text("0.3 % missing")
    expect(page.locator("#yaml")).to_have_value("pipeline_id: penguins\nid_column: id\n")
    expect(page.locator("#checked")).to_contain_text("choose a column")
    page.get_by_label("What to predict").select_option("species")
    expect(page.locator("#looked .target")).to_contain_text("Adelie")
    page.get_by_label("Kind of year").select_option(label="category, as I say")
    expect(page.locator("#yaml")).to_have_value(re.compile("columns:\n  year: category"))
    page.get_by_label("Who picks the model").select_option("named")
    page.locator("#model").fill("sklearn.tree.DecisionTreeClassifer")
    expect(page.locator("#checked")).to_contain_text("did you mean sklearn.tree.DecisionTreeClassifier")
    page.locator("#model").fill("sklearn.tree.DecisionTreeClassifier")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Rows to explain").fill("0")
    expect(page.locator("#checked")).to_contain_text("first version of penguins")
    visit.look("train_table")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/ui/jobs/\w+"))
    page.locator(".done").wait_for(timeout=JOB)
    expect(page.locator(".done")).to_contain_text("penguins, version 1")


def test_series_are_recognised_and_their_labels_come_apart(visit, page):
    chosen(page, DATA / "data_train.json")
    expect(page.get_by_label("a moment of a series")).to_be_checked()
    expect(page.get_by_label("Id of a series")).to_have_value("example_id")
    expect(page.get_by_label("Id of a row")).to_be_hidden()
    chosen(page, DATA / "label_train.json", "labels")
    expect(page.locator("#looked .target")).to_contain_text("162")
    page.locator("#looked .drawn .main-svg").first.wait_for()
    visit.look("train_series")
    page.get_by_label("Features", exact=True).select_option("MinimalFCParameters()")
    page.get_by_label("Who picks the model").select_option("named")
    page.locator("#model").fill("sklearn.tree.DecisionTreeClassifier")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/ui/jobs/\w+"), timeout=JOB)
    page.locator(".done").wait_for(timeout=JOB)


def test_what_is_written_by_hand_stands_until_the_form_is_asked_again(page):
    chosen(page, PENGUINS)
    page.locator("#yaml").fill("pipeline_id: by-hand\ntarget: species\nlimits: {seconds: 1}\n")
    expect(page.locator("#checked")).to_contain_text("Written by hand")
    expect(page.locator("#checked").get_by_role("link", name="Seconds")).to_be_visible()
    page.get_by_label("What to predict").select_option("island")
    expect(page.locator("#looked .target")).to_contain_text("island")
    expect(page.locator("#yaml")).to_have_value(re.compile("by-hand"))
    page.get_by_role("button", name="Make it from the fields again").click()
    expect(page.locator("#yaml")).to_have_value("pipeline_id: penguins\ntarget: island\nid_column: id\n")


def test_a_wrong_file_is_told_and_the_form_stays(visit, page):
    visit.expected = {400, 415, 422}
    page.get_by_label("Name of the model").fill("mine")
    for name, content, word in (
        ("book.xlsx", b"PK\x03\x04", "save it as CSV"),
        ("empty.csv", b"", "not a CSV"),
        ("binary.csv", bytes(range(256)), "not UTF-8"),
    ):
        chosen(page, {"name": name, "mimeType": "", "buffer": content})
        expect(page.locator("#unread")).to_contain_text(word)
        expect(page.locator("#looked")).to_be_empty()
    chosen(page, PENGUINS)
    expect(page.locator("#unread")).to_be_empty()
    expect(page.get_by_label("Name of the model")).to_have_value("mine")
    page.locator("#yaml").fill("pipeline_id: mine\ntarget: nothing")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#problem")).to_contain_text("nothing is not a column of raw_data")
    assert page.locator("#raw_data").evaluate("input => input.files.length") == 1


def test_a_file_over_the_limit_is_not_even_sent(page):
    page.locator("#train").evaluate("form => { form.dataset.most = 1000 }")
    page.locator("#raw_data").set_input_files(PENGUINS)
    expect(page.locator("#problem")).to_contain_text("too large")
    expect(page.locator("#looked")).to_be_empty()


def test_a_file_can_be_dropped_and_taken_out_again(page):
    rows = "".join(f"{number},{number % 7},{'ab'[number % 2]}\n" for number in range(40))
    page.locator(".drop").first.evaluate(
        """(zone, text) => {
            const files = new DataTransfer();
            files.items.add(new File([text], "dropped.csv"));
            zone.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        f"id,x,label\n{rows}",
    )
    expect(page.locator("#yaml")).to_have_value("pipeline_id: dropped\ntarget: label\nid_column: id\n")
    page.get_by_role("button", name="Take it out").first.click()
    expect(page.locator("#looked")).to_be_empty()
    page.locator("#labels").set_input_files(DATA / "label_train.json")
    expect(page.locator("#unread")).to_contain_text("Choose the data too")
