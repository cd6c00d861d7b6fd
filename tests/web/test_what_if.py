"""The page that asks what if: a row edited beside itself, rows with another outcome, curves, other versions."""

import pytest
from playwright.sync_api import expect

from tests import kinds
from tests.live.conftest import DATA
from tests.web.conftest import csv_file

FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 20}}
LINEAR = {"model": "sklearn.linear_model.LogisticRegression"}

#: Milliseconds until a process has loaded what explains.
FIRST = 60_000


@pytest.fixture(scope="module")
def penguins(made):
    pipeline = made("penguins-what-if")
    raw = ("penguins.csv", (DATA / "penguins.csv").read_bytes())
    for model in (FOREST, LINEAR):
        assert pipeline.train(raw, target="species", id_column="id", model_training=model).status_code == 200
    return pipeline


def test_an_edit_shows_what_it_changes_and_is_undone(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/what-if")
    expect(page.locator("#difference")).to_contain_text("Nothing is changed yet")
    page.get_by_label("bill_length_mm, what if").fill("35")
    expect(page.locator("#difference")).to_contain_text("Changed: bill_length_mm.")
    expect(page.locator("#difference .change.up")).to_have_count(1)
    page.locator("#other").select_option(f"1 {penguins.id}")
    expect(page.locator("#compared")).to_contain_text("Version 1")
    visit.look("what_if")
    page.get_by_role("button", name="Undo all changes").click()
    expect(page.get_by_label("bill_length_mm, what if")).to_have_value("44.1")
    expect(page.locator("#difference")).to_contain_text("Nothing is changed yet")


def test_the_pages_of_a_version_lead_to_one_another(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/what-if?version=1")
    page.get_by_role("link", name="Predict").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("version 1")
    expect(page.locator("#result ul.bars li")).to_have_count(3)


def test_rows_with_another_outcome_are_put_into_the_edited_row_and_a_curve_follows(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/what-if")
    page.locator("#difference table").wait_for()
    own = page.locator("#difference .answer").inner_text().split()[0]
    page.get_by_role("button", name="Nearest rows").click()
    page.locator("#found table").wait_for(timeout=FIRST)
    other = page.locator("#found tbody tr").first.locator("td").nth(1).inner_text()
    assert other != own
    page.get_by_role("button", name="Put the values of 1").click()
    expect(page.locator("#difference .answer strong")).to_have_text(other)
    page.locator("#column").select_option("bill_length_mm")
    expect(page.locator("#curve svg")).to_be_visible()
    visit.look("what_if_found")


def test_a_search_leaves_what_is_to_stay_and_reaches_what_is_wanted(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/what-if")
    page.locator("#difference table").wait_for()
    page.get_by_text("What a search may change").click()
    page.get_by_label("Outcome wanted").select_option("Chinstrap")
    page.get_by_label("island stays").check()
    page.get_by_label("sex is one of").select_option("female")
    page.get_by_label("bill_depth_mm at least").fill("17")
    page.get_by_role("button", name="Search for the smallest change").click()
    page.locator("#found table").wait_for(timeout=FIRST)
    expect(page.locator("#found tbody tr").first).to_contain_text("Chinstrap")
    assert page.locator("#found tbody th", has_text="island").count() == 0


def test_a_series_comes_from_a_file_and_is_edited_as_text(visit, made):
    waves, labels = kinds.waves()
    pipeline = made()
    series = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
    answer = pipeline.train(waves, labels, extract_features=series, model_training=FOREST)
    assert answer.status_code == 200, answer.text
    page = visit.open(f"/ui/models/{pipeline.id}/what-if")
    expect(page.get_by_text("Paste a series here")).to_be_visible()
    page = visit.open(f"/ui/models/{pipeline.id}/predict")
    page.set_input_files("#file", csv_file(waves[waves["wave"].isin(["w1", "w2"])]))
    page.locator("#result tbody tr", has_text="w2").get_by_role("button", name="What if").click()
    expect(page.locator("#difference")).to_contain_text("stays the prediction")
    slow = waves[waves["wave"] == "w1"].to_csv(index=False)
    page.locator("#text").fill(slow)
    expect(page.locator("#difference")).to_contain_text("→")
    visit.look("what_if_series")
