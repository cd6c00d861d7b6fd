"""All of it by keys alone: from the first page to an explanation, with the focus in sight and nowhere lost."""

import re

import pytest
from playwright.sync_api import expect

from tests.live.conftest import DATA
from tests.web.conftest import JOB

#: Stops of the Tab key from one thing to the next at most.
STOPS = 120

#: What has the focus: whether it can be seen, and whether something shows it.
SEEN = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return { tag: at.outerHTML.slice(0, 120), there: box.width > 0 && box.height > 0,
           shown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
}"""

#: Whether the focus has gone on in the order of the page, or begins anew.
GOES_ON = """() => {
  const before = window.before, at = document.activeElement;
  window.before = at;
  if (!before?.isConnected || at === document.body || before === document.body) return true;
  return !!(before.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING);
}"""


class Keys:
    """A visitor who has no mouse."""

    def __init__(self, page):
        self.page = page

    def to(self, wanted):
        """Press Tab until something has the focus."""
        wanted.wait_for()
        for _ in range(STOPS):
            self.page.keyboard.press("Tab")
            assert self.page.evaluate(GOES_ON), self.page.evaluate(SEEN)
            if self.page.evaluate("document.activeElement === document.body"):
                continue
            seen = self.page.evaluate(SEEN)
            assert seen["there"], seen
            assert seen["shown"], seen
            if wanted.evaluate("one => one === document.activeElement"):
                return
        raise AssertionError(f"{wanted} is not reached by Tab")

    def press(self, wanted, key="Enter"):
        """Go to something and press a key there."""
        self.to(wanted)
        self.page.keyboard.press(key)

    def write(self, wanted, text):
        """Write into a field, in place of what is there."""
        self.to(wanted)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def kept(self):
        """Hold the focus to be somewhere, once what was asked for has come."""
        expect(self.page.locator(".htmx-request")).to_have_count(0)
        expect(self.page.locator(":focus")).to_have_count(1)


@pytest.fixture
def keys(visit):
    """The keys of a visitor on the first page, whose mouse is nowhere: a click fails the test."""
    page = visit.open("/")
    page.context.add_init_script("addEventListener('pointerdown', () => console.error('a click'), true)")
    page.reload()
    return Keys(page)


@pytest.fixture(scope="module", autouse=True)
def clean(service):
    """Leave nothing of the examples."""
    yield
    for pipeline_id in ("diabetes", "birds-by-keys"):
        service.delete(f"/models/{pipeline_id}")


def test_from_the_example_to_an_explanation(keys):
    page = keys.page
    # The first stop leads past what is the same on every page.
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    example = page.locator("article.card", has_text="Diabetes")
    keys.press(example.get_by_role("button", name="Train this example"))
    page.locator("#see").wait_for(timeout=JOB)
    keys.press(page.locator("#see"))
    expect(page.get_by_role("heading", name="Scores")).to_be_visible()
    keys.press(page.get_by_role("navigation", name="On this page").get_by_role("link", name="How good"))
    assert page.url.endswith("#good")
    page.evaluate("scrollTo(0, 0)")
    page.reload()
    keys.press(page.get_by_role("link", name="Predict", exact=True))
    expect(page.locator("#result .answer strong")).to_be_visible()
    keys.press(page.get_by_role("button", name="Take a row of the training"))
    keys.kept()
    # The list has come in the place of the button that asked for it, and has the focus.
    expect(page.get_by_label("A row of the training")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#place")).to_have_value("0")
    keys.kept()
    before = page.locator("#result .answer strong").inner_text()
    keys.write(page.get_by_label("bmi", exact=True), "40")
    expect(page.locator("#result .answer strong")).not_to_have_text(before)
    expect(page.get_by_label("bmi", exact=True)).to_be_focused()
    keys.press(page.get_by_role("button", name="Predict", exact=True))
    keys.kept()
    keys.press(page.get_by_role("button", name="Explain this row"))
    page.locator("#result .told").wait_for(timeout=60_000)
    expect(page.get_by_label("bmi", exact=True)).to_have_value("40")
    keys.to(page.get_by_label("Method"))
    page.keyboard.type("LIME")
    expect(page.locator("#result .remarks")).to_contain_text("local model", timeout=60_000)
    expect(page.get_by_label("Method")).to_be_focused()
    keys.press(page.get_by_role("button", name="Explain", exact=True), "Space")
    keys.kept()
    expect(page.get_by_role("button", name="Explain", exact=True)).to_be_focused()


def test_a_training_from_a_file_that_is_stopped(keys):
    page = keys.page
    page.on("dialog", lambda dialog: dialog.accept())
    keys.press(page.get_by_role("navigation", name="Main").get_by_role("link", name="Train"))
    keys.to(page.locator("#raw_data"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(DATA / "penguins.csv")
    expect(page.locator("#looked")).to_contain_text("304 rows")
    keys.kept()
    keys.to(page.get_by_label("What to predict"))
    page.keyboard.type("species")
    expect(page.locator("#looked")).to_contain_text("To predict: species")
    expect(page.get_by_label("What to predict")).to_be_focused()
    keys.write(page.get_by_label("Name of the model"), "birds-by-keys")
    expect(page.locator("#yaml")).to_have_value(re.compile("birds-by-keys"))
    # Written by hand and made anew: the button that asks for that goes with what it replaces.
    keys.to(page.locator("#yaml"))
    page.keyboard.press("Control+End")
    page.keyboard.type("# mine")
    again = page.get_by_role("button", name="Make it from the fields again")
    again.wait_for()
    keys.press(again)
    again.wait_for(state="detached")
    keys.kept()
    keys.press(page.get_by_role("button", name="Start training"))
    keys.press(page.locator("#cancel"))
    expect(page.locator(".badge").first).to_have_text("cancelled", timeout=JOB)
    keys.kept()
    keys.press(page.get_by_role("link", name="Train again with these parameters"))
    expect(page.locator("#yaml")).to_have_value(re.compile("birds-by-keys"))


def test_a_training_that_is_refused_leaves_the_focus_on_its_button(visit):
    visit.expected = {422}
    keys = Keys(visit.open("/ui/train"))
    keys.press(keys.page.get_by_role("button", name="Start training"))
    expect(keys.page.locator("#problem")).to_contain_text("file")
    expect(keys.page.get_by_role("button", name="Start training")).to_be_focused()


def test_versions_are_chosen_by_keys_without_leaving_at_each(visit, made):
    pipeline = made()
    raw = ("penguins.csv", (DATA / "penguins.csv").read_bytes())
    for smoothing in (1e-9, 1e-6, 1e-3):
        model = {"model": "sklearn.naive_bayes.GaussianNB", "model_args": {"var_smoothing": smoothing}}
        answer = pipeline.train(raw, target="species", id_column="id", model_training=model)
        assert answer.status_code == 200
    page = visit.open(f"/ui/models/{pipeline.id}")
    keys = Keys(page)
    first = page.locator("#version option").first.get_attribute("value")
    keys.to(page.get_by_label("Version", exact=True))
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(300)
    assert "version=" not in page.url
    chosen = page.locator("#version").input_value()
    assert chosen != first
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**version={chosen}")
