"""The page that explains: tables, texts, images and series, the whole model, and names that would be code."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests import kinds
from tests.live.conftest import DATA
from tests.web.conftest import csv_file, file_of

FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 20}}
LINEAR = {"model": "sklearn.linear_model.LogisticRegression"}

#: Milliseconds until a process has loaded what explains.
FIRST = 60_000


def trained(pipeline, *tables, **parameters):
    response = pipeline.train(*tables, **parameters)
    assert response.status_code == 200, response.text
    return pipeline


@pytest.fixture(scope="module")
def penguins(made):
    raw = ("penguins.csv", (DATA / "penguins.csv").read_bytes())
    explain = {"rows": 2}
    return trained(
        made("penguins-explained"), raw, target="species", id_column="id", model_training=FOREST, explain=explain
    )


def explained(page):
    """Wait for an explanation that is not of what was asked before."""
    page.locator("#result .told").wait_for(timeout=FIRST)
    return page.locator("#result .told")


def contributions(page):
    """Return {column: contribution} as the page tells them."""
    rows = page.locator("#result .told table tr").all_inner_texts()
    return dict(re.split(r"\t", row)[:: len(re.split(r"\t", row)) - 1] for row in rows[1:] if row.count("\t") > 1)


def test_a_row_is_explained_and_its_contributions_move_with_a_value_the_method_and_the_class(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/explain")
    explained(page)
    expect(page.locator("#result .verdict")).to_contain_text("can be relied on")
    visit.look("explain")
    before, predicted = contributions(page), page.locator("#result ul.bars").inner_text()
    page.get_by_label("bill_length_mm").fill("36")
    expect(page.locator("#result ul.bars")).not_to_have_text(predicted, use_inner_text=True)
    assert contributions(page) != before
    expect(page.locator("#result .told svg").first).to_contain_text("bill_length_mm = 36")
    page.get_by_label("Class").select_option("Chinstrap")
    expect(page.locator("#result .card").first).to_contain_text("probability of Chinstrap")
    page.get_by_label("Method").select_option("LIME")
    expect(page.locator("#result .remarks")).to_contain_text("local model")
    page.get_by_text("Settings").click()
    page.get_by_label("Contributions shown").fill("2")
    expect(page.locator("#result .told table").last.locator("tr")).to_have_count(3)
    assert page.get_by_label("Method").input_value() == "lime"


def test_a_row_of_the_training_is_taken_and_where_an_answer_takes_long_the_button_asks(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/explain")
    explained(page)
    page.get_by_label("A row of the training").select_option(index=3)
    shown = page.get_by_label("body_mass_g")
    first = penguins.service.get(f"/models/{penguins.id}/rows?first=2&count=1").json()["rows"][0]
    expect(shown).to_have_value(str(int(first["body_mass_g"])))
    expect(page.locator("#result .told svg").first).to_contain_text(f"body_mass_g = {int(first['body_mass_g'])}")
    page.get_by_label("Explain again at each change").uncheck()
    shown.fill("3000")
    expect(page.locator("#result.stale")).to_be_visible()
    visit.look("explain_stale")
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(page.locator("#result .told svg").first).to_contain_text("body_mass_g = 3000")
    expect(page.locator("#result.stale")).to_have_count(0)


def test_the_whole_model_is_explained_and_what_the_training_explained_is_shown(visit, penguins):
    page = visit.open(f"/ui/models/{penguins.id}/explain?of=model")
    explained(page)
    expect(page.locator("#result .told")).to_contain_text("Contributions row by row")
    visit.look("explain_model")
    page.get_by_label("Method").select_option("Permutation importance")
    expect(page.locator("#result .told")).to_contain_text("how much worse", timeout=FIRST)
    page.get_by_role("link", name="Explained at training").click()
    expect(page.locator(".told section.entry")).to_have_count(2)
    visit.look("explain_training")


def test_a_model_that_takes_long_to_explain_is_explained_when_somebody_asks_for_it(visit, made):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(200, 60)).round(3), columns=[f"column {place}" for place in range(60)])
    frame["kind"] = [f"kind {row % 10}" for row in range(200)]
    model = {"model": "sklearn.naive_bayes.GaussianNB"}
    pipeline = trained(made(), frame, target="kind", model_training=model)
    page = visit.open(f"/ui/models/{pipeline.id}/explain?of=model")
    cost = page.locator("#cost")
    expect(cost).to_contain_text("100 rows of 60 columns for 10 classes are 60,000 contributions", timeout=FIRST)
    expect(cost).to_contain_text("up to 1 min")
    page.wait_for_timeout(1_000)
    expect(page.locator("#result")).to_be_empty()
    visit.look("explain_costly")
    page.get_by_label("Class").select_option("kind 3")
    page.get_by_text("Settings", exact=True).click()
    page.get_by_label("Rows", exact=True).fill("4")
    page.wait_for_timeout(1_000)
    expect(page.locator("#result")).to_be_empty()
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(explained(page)).to_contain_text("Contributions row by row")


def test_words_of_a_text_are_coloured_by_what_they_do(visit, made):
    notes = kinds.customers()[["customer", "note", "leaves"]]
    pipeline = trained(made(), notes, target="leaves", id_column="customer", model_training=LINEAR)
    page = visit.open(f"/ui/models/{pipeline.id}/explain")
    expect(page.locator("#result")).to_contain_text("Write a text on the left")
    page.get_by_label("note").fill("rude and rude and kind")
    explained(page)
    expect(page.locator("#result blockquote mark.up, #result blockquote mark.down").first).to_be_visible()
    expect(page.locator("#result blockquote")).to_contain_text("rude and rude and kind")
    visit.look("explain_text")


@pytest.fixture(scope="module")
def images(made):
    """A network on small images."""
    size = {"height": 12, "width": 12, "channels": 1}
    return trained(made(), *kinds.pictures(), images=size, limits={"seconds": 15, "candidates": 1})


def test_images_are_predicted_one_by_one_and_many_at_once(visit, images):
    page = visit.open(f"/ui/models/{images.id}/predict")
    expect(page.locator("#result")).to_contain_text("once you have chosen an image")
    page.get_by_role("button", name="Take an image of the training").click()
    page.get_by_label("An image of the training").select_option(index=2)
    expect(page.locator("#result ul.bars li")).to_have_count(2, timeout=FIRST)
    shown = page.locator("#row img.preview")
    before = shown.get_attribute("src")
    visit.look("predict_image")
    # One's own takes its place.
    dark = Image.new("L", (12, 12))
    dark.paste(255, (0, 0, 6, 12))
    sink = io.BytesIO()
    dark.save(sink, "PNG")
    page.locator("#row input[type=file]").set_input_files(file_of("own.png", sink.getvalue()))
    expect(page.locator("#result .answer strong")).to_have_text("left")
    assert shown.get_attribute("src") != before
    assert shown.evaluate("one => one.complete && one.naturalWidth") == 12
    page.get_by_label("A file").check()
    page.set_input_files("#file", file_of(*kinds.pictures()[0]))
    expect(page.locator("#result .pictures img")).to_have_count(12)
    visit.look("predict_images")
    page.locator("#result tbody tr").nth(3).get_by_role("button", name="What if").click()
    expect(page.locator("#pairs img.preview").first).to_be_visible()
    visit.look("what_if_image")


def test_an_image_of_a_file_has_its_map_and_a_signal_its_shades(visit, made, images):
    pictures, _ = kinds.pictures()
    page = visit.open(f"/ui/models/{images.id}/explain")
    page.get_by_label("A file").check()
    page.set_input_files("#file", file_of(*pictures))
    page.locator("#chosen").select_option("picture 3.png", timeout=FIRST)
    # Where the machine is busy, an answer has been slow, and the next one waits for the button.
    page.get_by_role("button", name="Explain", exact=True).dispatch_event("click")
    expect(page.locator("#result")).to_contain_text("Image picture 3.png")
    expect(page.locator("#result .layers img").first).to_be_visible()
    visit.look("explain_image")
    waves, labels = kinds.waves()
    series = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
    pipeline = trained(made(), waves, labels, extract_features=series, model_training=FOREST)
    page = visit.open(f"/ui/models/{pipeline.id}/explain")
    page.set_input_files("#file", csv_file(waves[waves["wave"].isin(["w1", "w2"])]))
    page.locator("#chosen").wait_for(timeout=FIRST)
    page.locator("#chosen").select_option("w2")
    page.get_by_role("button", name="Explain", exact=True).dispatch_event("click")
    expect(page.locator("#result")).to_contain_text("Series w2")
    expect(page.locator("#result svg.signal").first).to_be_visible()
    visit.look("explain_series")
    page = visit.open(f"/ui/models/{pipeline.id}/explain")
    page.get_by_text("Take a series of the training").click()
    page.get_by_role("link", name="w1 (").click()
    expect(page.locator("#chosen")).to_have_value("w1")


def test_names_and_classes_that_would_be_code_stay_text_on_every_page(visit, made):
    code = "document.title='pwned'"
    image, script = f"<img src=x onerror={code}>", f"</script><script>{code}</script>"
    frame = kinds.customers()[["age", "member"]].rename(columns={"age": image, "member": script}).fillna(40)
    values = frame.assign(**{"\"'`=": [f"\"'><svg onload={code}>", "{{7*7}}", "<b>bold</b>"] * 80})
    labels = [script if old else f'"><img src=x onerror={code}>' for old in frame[image] > 45]
    pipeline = trained(made(), values.assign(target=labels), target="target", model_training=FOREST)
    page = visit.open(f"/ui/models/{pipeline.id}/predict")
    expect(page.locator("#result ul.bars li")).to_have_count(2)
    page.get_by_label("Pasted text").check()
    page.locator("#text").fill(values.head(3).to_csv(index=False))
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator("#result tbody tr")).to_have_count(3)
    page = visit.open(f"/ui/models/{pipeline.id}/explain")
    expect(explained(page)).to_contain_text("<img src=x")
    page = visit.open(f"/ui/models/{pipeline.id}/what-if")
    page.get_by_role("button", name="Nearest rows").click()
    page.get_by_role("button", name="Put the values of 1").click()
    page.locator("#column").select_option(index=1)
    expect(page.locator("#curve svg")).to_be_visible()
    expect(page.locator("#difference")).to_contain_text("Changed")
    visit.look("what_if_hostile")
    assert "pwned" not in page.title().replace(image, "")
    assert page.locator("img[src='x'], #main script, svg[onload]").count() == 0
