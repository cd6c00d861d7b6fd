"""The page that predicts: rows that are typed in, files, text that is pasted, series and images."""

import csv

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests import kinds
from tests.live.conftest import DATA
from tests.web.conftest import csv_file

FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 20}}
LINEAR = {"model": "sklearn.linear_model.LogisticRegression"}


@pytest.fixture(scope="module")
def penguins(made):
    pipeline = made()
    raw = ("penguins.csv", (DATA / "penguins.csv").read_bytes())
    assert pipeline.train(raw, target="species", id_column="id", model_training=LINEAR).status_code == 200
    return pipeline


def test_a_typed_row_is_predicted_as_the_api_does_and_again_at_each_change(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/predict")
    expect(page.locator("#result ul.bars li")).to_have_count(3)
    visit.look("predict")
    page.get_by_label("island", exact=True).select_option("Torgersen")
    page.get_by_label("bill_length_mm").fill("36.5")
    page.get_by_label("flipper_length_mm").fill("")
    expect(page.locator("#result ul.bars li").first).to_contain_text("99.")
    row = {"island": "Torgersen", "bill_length_mm": 36.5, "bill_depth_mm": 17.3, "flipper_length_mm": None}
    row |= {"body_mass_g": 4000, "sex": "female", "year": 2008}
    answer = penguins.service.post("/serve_prediction", json={"pipeline_id": penguins.id, "data": [row]}).json()
    expect(page.locator("#result .answer strong")).to_have_text(answer["prediction"]["0"])
    score = answer[f"score_{answer['prediction']['0']}"]["0"]
    expect(page.locator("#result ul.bars li").first).to_contain_text(f"{100 * score:.1f} %")


def test_buttons_under_the_pointer_can_be_read_in_the_dark_too(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/predict")
    expect(page.locator("#result ul.bars li")).to_have_count(3)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name in ("Predict", "Download as CSV", "Take a row of the training", "What if"):
            page.get_by_role("button", name=name, exact=True).hover()
            # Colours change within a fifth of a second.
            page.wait_for_timeout(400)
            found = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
            assert not found, (scheme, name, [node["html"] for one in found for node in one["nodes"]])


def test_what_the_training_did_not_have_is_said_and_predicted_all_the_same(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/predict")
    page.get_by_label("bill_length_mm").fill("250")
    page.get_by_label("island", exact=True).select_option("other…")
    page.get_by_label("other value of island").fill("Elsewhere")
    expect(page.locator(".callout")).to_contain_text("bill_length_mm is 250; the training had 33.1 to 59.6.")
    expect(page.locator(".callout")).to_contain_text("island is Elsewhere")
    expect(page.locator(".field", has_text="bill_length_mm").locator(".outside")).to_be_visible()
    expect(page.locator("#result ul.bars li")).to_have_count(3)


def test_a_file_is_predicted_shown_in_part_and_downloaded_whole_and_a_row_of_it_goes_on_to_be_explained(
    visit, penguins
):
    page = visit.open(f"/ui/models/{penguins.id}/predict")
    page.get_by_label("A file").check()
    page.set_input_files("#file", DATA / "penguins_new.csv")
    expect(page.locator("#result tbody tr")).not_to_have_count(0)
    visit.look("predict_file")
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Download as CSV").click()
    with open(downloaded.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    with open(DATA / "penguins_new.csv", newline="") as file:
        sent = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [row["id"] for row in sent]
    page.locator("#result tbody tr").nth(4).get_by_role("button", name="Explain").click()
    expect(page.get_by_label("island", exact=True)).to_have_value(f"={sent[4]['island']}")
    expect(page.get_by_label("body_mass_g")).to_have_value(sent[4]["body_mass_g"])


def test_text_that_is_no_table_of_this_model_is_refused_in_words_and_mended(visit, penguins):
    visit.expected = {422}
    page = visit.open(f"/ui/models/{penguins.id}/predict")
    page.get_by_label("Pasted text").check()
    page.locator("#text").fill("a,b\n1,2")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("island")
    expect(page.locator("#result.stale")).to_be_visible()
    page.locator("#text").fill((DATA / "penguins_new.csv").read_text())
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#result tbody tr")).not_to_have_count(0)
    expect(page.locator("#problem")).to_be_empty()


def test_series_are_drawn_and_a_forecast_goes_on_where_they_end(visit, made):
    pipeline = made()
    series = {"column_id": "store", "column_sort": "day", "default_fc_parameters": {"mean": None}}
    wanted = {"task": "forecasting", "target": "sales", "forecast": {"horizon": 5, "window": 14}}
    ridge = {"model": "sklearn.linear_model.Ridge"}
    answer = pipeline.train(kinds.sales(), extract_features=series, model_training=ridge, **wanted)
    assert answer.status_code == 200, answer.text
    page = visit.open(f"/ui/models/{pipeline.id}/predict")
    page.set_input_files("#file", csv_file(kinds.sales()))
    expect(page.locator("#result .main-svg").first).to_be_visible()
    expect(page.locator("#result tbody tr")).to_have_count(10)
    expect(page.locator("#result .drawn .scatterlayer").first).to_be_visible()
    visit.look("predict_forecast")
    page.locator("#result tbody tr").nth(2).get_by_role("button", name="Explain").click()
    expect(page.locator("#result .told section.entry h2").first).to_contain_text("step 3", timeout=60_000)
