"""Explanations as callers get them: every form, as jobs, beside predictions, and those kept by a training."""

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests import kinds

PARAMETERS = Path(__file__).parents[2] / "parameters"

#: A model that is fitted in a second.
FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 20}}


@pytest.fixture(scope="module")
def of_table(new_pipeline, penguins):
    pipeline = new_pipeline()
    response = pipeline.train(
        penguins[0],
        target="species",
        id_column="id",
        model_training=FOREST,
        explain={"method": "sp_lime", "rows": 6, "num_explanations": 2, "num_samples": 200},
    )
    assert response.status_code == 200, response.text
    return pipeline


@pytest.fixture(scope="module")
def of_waves(new_pipeline):
    pipeline = new_pipeline()
    series, labels = kinds.waves()
    features = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
    response = pipeline.train(series, labels, extract_features=features, model_training=FOREST, explain={})
    assert response.status_code == 200, response.text
    return pipeline


def asked(pipeline, rows, accept="application/json", prefer=None, **parameters):
    """POST /explain, and return the response."""
    headers = {"Accept": accept} | ({"Prefer": prefer} if prefer else {})
    body = {"pipeline_id": pipeline.id, **parameters}
    if rows is not None:
        body["data"] = json.loads(rows.to_json(orient="records"))
    return pipeline.service.post("/explain", json=body, headers=headers)


@pytest.fixture(scope="module")
def of_exercises(new_pipeline, series):
    pipeline = new_pipeline()
    features = {"column_id": "example_id", "default_fc_parameters": "MinimalFCParameters()"}
    response = pipeline.train(*series[:2], extract_features=features, model_training=FOREST)
    assert response.status_code == 200, response.text
    return pipeline


@pytest.mark.parametrize("path", sorted(PARAMETERS.glob("explain*.yml")), ids=lambda path: path.stem)
def test_an_example_explains_as_it_stands(of_table, of_exercises, penguins, series, path):
    parameters = yaml.safe_load(path.read_text())
    signal = parameters.pop("pipeline_id") == 1
    pipeline, rows = (of_exercises, series[2]) if signal else (of_table, penguins[1])
    response = pipeline.ask("/explain", rows, **parameters)
    assert response.status_code == 200, response.text
    assert response.json()["explanations"]


def test_the_explainers_of_a_model_say_what_they_take_and_why_others_do_not_fit(of_table):
    found = of_table.service.get(f"/models/{of_table.id}/explainers").json()
    by_name = {one["method"]: one for one in found["explainers"]}
    assert set(by_name) >= {"lime", "shap", "counterfactual", "nearest", "ice", "partial_dependence", "summary"}
    assert by_name["lime"]["parameters"]["stability"]["default"] is False
    assert by_name["sp_lime"]["parameters"]["sample_size"]["default"] == 20
    assert by_name["sp_lime"]["parameters"]["num_explanations"]["default"] == 5
    assert {"segments", "grad_cam", "gradients", "features_on_signal"} <= set(found["others"])
    assert not set(by_name) & set(found["others"])
    # The training has told, so that nothing has to be loaded to know.
    told = of_table.service.get(f"/models/{of_table.id}/versions/{found['version']}").json()["explainers"]
    assert {name for name, why in told.items() if why is None} == set(by_name)
    assert {name: why for name, why in told.items() if why is not None} == found["others"]


def test_each_explainer_that_is_listed_answers(of_table, penguins):
    listed = of_table.service.get(f"/models/{of_table.id}/explainers").json()["explainers"]
    for one in listed:
        rows = penguins[1].head(1) if one["needs_rows"] else None
        few = {"num_samples": 100} if "num_samples" in one["parameters"] else {}
        response = asked(of_table, rows, method=one["method"], **few)
        assert response.status_code == 200, response.text
        assert response.json()["method"] == one["method"]


def test_a_method_that_does_not_fit_is_refused_with_those_that_do(of_table, penguins):
    response = asked(of_table, penguins[1].head(1), method="grad_cam")
    assert response.status_code == 422
    assert "those that fit are lime, shap" in response.json()["errors"][0]["detail"]


def test_stretches_of_a_signal_are_told_by_their_samples(of_waves):
    series = kinds.waves()[0]
    one = series[series["wave"] == "w3"]
    for method, algorithm in (("segments", "lime"), ("segments", "shap"), ("features_on_signal", "shap")):
        answer = asked(of_waves, one, method=method, algorithm=algorithm, num_segments=6, num_samples=60).json()
        (explained,) = answer["explanations"]
        assert explained["id"] == "w3"
        for entry in explained["contributions"]:
            assert entry["feature"] in ("height", "wind")
            assert 0 <= entry["start"] < entry["end"] <= len(one)


def test_an_explanation_comes_as_a_page_a_picture_and_a_table(of_table, penguins):
    row = penguins[1].head(1)
    page = asked(of_table, row, "text/html", method="shap")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script" not in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert "bill_length_mm" in page.text
    picture = asked(of_table, row, "image/png", method="shap")
    assert Image.open(io.BytesIO(picture.content)).format == "PNG"
    table = asked(of_table, row, "text/csv", method="shap")
    lines = list(csv.DictReader(io.StringIO(table.text)))
    found = asked(of_table, row, method="shap").json()["explanations"][0]["contributions"]
    assert [(line["feature"], float(line["contribution"])) for line in lines] == [
        (one["feature"], one["contribution"]) for one in found
    ]


def test_an_explanation_that_takes_long_is_a_job(of_table, penguins):
    response = asked(of_table, penguins[1].head(3), prefer="respond-async", method="lime", num_samples=500)
    assert response.status_code == 202
    job = of_table.ended(response.headers["Location"])
    assert (job["state"], job["kind"], job["model"]) == ("finished", "explanation", "lime")
    direct = asked(of_table, penguins[1].head(3), method="lime", num_samples=500).json()
    assert {**job["result"], "seconds": 0} == {**direct, "seconds": 0}


def test_who_waits_for_such_a_job_gets_its_form(of_table):
    response = asked(of_table, None, "text/html", prefer="wait=60", method="sp_lime", num_samples=200)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_job_that_fails_says_why(of_table, penguins):
    response = asked(of_table, penguins[1].head(1), prefer="wait=60", method="segments")
    assert response.status_code == 422
    assert "does not fit this model" in response.text


def test_rows_are_explained_beside_their_predictions(of_table, penguins):
    rows = penguins[1].head(3)
    found = of_table.predict(rows, explain="shap")
    assert list(found.columns)[-1] == "explanations"
    for number, (identity, line) in enumerate(found.iterrows()):
        assert line["explanations"]["id"] == identity
        assert line["explanations"]["target"] == line["prediction"], number
    few = of_table.predict(rows, explain={"method": "lime", "num_features": 2, "num_samples": 100})
    assert [len(one["contributions"]) for one in few["explanations"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("explain", "said"),
    [
        ("tea leaves", "unknown"),
        ("sp_lime", "single rows"),
        ({"method": "lime", "num_samples": 1}, "num_samples"),
        ({"num_samples": 100}, "method"),
        ({"method": "lime", "ids": [3]}, "/params/explain/ids"),
        ({"method": "counterfactual", "ranges": {"year": [2, 1]}}, "/params/explain/ranges/year"),
        ({"method": "lime", "target": "eagle"}, "/params/explain/target"),
    ],
)
def test_an_explanation_beside_a_prediction_is_checked_before(of_table, penguins, explain, said):
    response = of_table.ask("/serve_prediction", penguins[1].head(1), explain=explain)
    assert response.status_code == 422
    assert said in response.text


def test_what_was_explained_at_the_end_of_a_training_is_there_at_once(of_table):
    found = of_table.service.get(f"/models/{of_table.id}/explanations").json()
    assert (found["method"], found["version"]) == ("sp_lime", 1)
    assert found["overall"][0]["rows"] == 6
    assert len({one["id"] for one in found["explanations"]}) <= 6
    page = of_table.service.get(f"/models/{of_table.id}/explanations", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")


def test_rows_are_explained_after_any_training(of_waves):
    found = of_waves.service.get(f"/models/{of_waves.id}/explanations?version=1").json()
    assert found["method"] == "lime"
    held_out = of_waves.service.get(f"/models/{of_waves.id}").json()["held_out"]
    assert [one["id"] for one in found["explanations"]] == sorted(held_out[:5])


def test_a_training_may_keep_none(pipeline, penguins):
    response = pipeline.train(penguins[0], target="species", id_column="id", model_training=FOREST)
    assert response.status_code == 200, response.text
    answer = pipeline.service.get(f"/models/{pipeline.id}/explanations")
    assert answer.status_code == 404
    assert "POST /explain" in answer.text


@pytest.mark.parametrize(
    ("explain", "pointer"),
    [
        ({"method": "tea leaves"}, "/params/explain/method"),
        ({"method": "lime", "num_samples": -1}, "/params/explain/num_samples"),
        ({"method": "lime", "num_repeats": 3}, "/params/explain/num_repeats"),
        ({"num_samples": 100}, "/params/explain/method"),
        ({"rows": 1000}, "/params/explain/rows"),
    ],
)
def test_wrong_explanations_of_a_training_are_refused_before_it(pipeline, penguins, explain, pointer):
    response = pipeline.train(penguins[0], target="species", id_column="id", model_training=FOREST, explain=explain)
    assert response.status_code == 422
    assert pointer in [fault["pointer"] for fault in response.json()["errors"]]


def test_the_version_that_is_asked_for_answers_after_another_training(pipeline, penguins):
    for model in ("sklearn.tree.DecisionTreeClassifier", "sklearn.naive_bayes.GaussianNB"):
        training = {"model": model}
        response = pipeline.train(penguins[0], target="species", id_column="id", model_training=training)
        assert response.status_code == 200, response.text
    row = penguins[1].head(1)
    assert asked(pipeline, row, method="shap", version=1).json()["algorithm"] == "tree"
    assert asked(pipeline, row, method="shap").json()["algorithm"] in ("exact", "permutation")
    assert asked(pipeline, row, method="shap", version=3).status_code == 404
