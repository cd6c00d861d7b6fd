"""Plain tables: several classes, text, missing values, quantities; in each format, and with labels of each kind."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score

FOREST = {"model": "sklearn.ensemble.RandomForestClassifier"}


@pytest.fixture(scope="module")
def species(new_pipeline, penguins):
    pipeline = new_pipeline()
    response = pipeline.train(penguins[0], target="species", id_column="id", model_training=FOREST)
    assert response.status_code == 200, response.text
    return pipeline, response.json()


@pytest.fixture(scope="module")
def progression(new_pipeline, diabetes):
    pipeline = new_pipeline()
    model = {"model": "sklearn.ensemble.RandomForestRegressor"}
    response = pipeline.train(diabetes[0], target="progression", id_column="id", model_training=model)
    assert response.status_code == 200, response.text
    return pipeline, response.json()


def test_classes_that_are_text_come_back_as_text(species, penguins):
    pipeline, answer = species
    _, new, truth = penguins
    names = ["Adelie", "Chinstrap", "Gentoo"]
    assert answer["classes"] == names
    found = pipeline.predict(new)
    assert list(found.columns) == ["prediction", *(f"score_{name}" for name in names)]
    assert set(found["prediction"]) == set(names)
    assert accuracy_score(truth.loc[found.index], found["prediction"]) > 0.9


def test_the_scores_of_several_classes_sum_to_one_and_the_largest_is_predicted(species, penguins):
    found = species[0].predict(penguins[1])
    scores = found.drop(columns="prediction")
    assert np.allclose(scores.sum(axis=1), 1)
    assert (scores.idxmax(axis=1).str.removeprefix("score_") == found["prediction"]).all()


def test_rows_with_missing_values_and_unseen_words_are_predicted(species, penguins):
    rows = penguins[1].head(4).copy()
    rows.loc[rows.index[0], "sex"] = None
    rows.loc[rows.index[1], ["bill_length_mm", "body_mass_g"]] = np.nan
    rows.loc[rows.index[2], "island"] = "an island that nobody has heard of"
    found = species[0].predict(rows)
    assert list(found.index) == rows["id"].tolist()
    assert found.notna().all(axis=None)


def test_a_regression_answers_with_quantities(progression, diabetes):
    pipeline, answer = progression
    _, new, truth = diabetes
    found = pipeline.predict(new)
    assert list(found.columns) == ["prediction"]
    assert r2_score(truth.loc[found.index], found["prediction"]) > 0.25
    assert answer["task"] == "regression"
    assert answer["mean_cv_accuracy"] is answer["mean_cv_roc_auc"] is None
    assert answer["mean_cv_r2"] > 0.25
    assert answer["mean_cv_rmse"] > 0


def in_every_format(frame):
    """Return a frame as the parts that a client may send."""
    parquet, feather = io.BytesIO(), io.BytesIO()
    frame.to_parquet(parquet, index=False)
    frame.to_feather(feather)
    return {
        "csv": ("rows.csv", frame.to_csv(index=False).encode()),
        "columns": ("rows.json", frame.to_json().encode()),
        "records": ("rows.json", frame.to_json(orient="records").encode()),
        "split": ("rows.json", frame.to_json(orient="split").encode()),
        "parquet": ("rows.parquet", parquet.getvalue()),
        "arrow": ("rows.arrow", feather.getvalue()),
    }


def test_a_table_gives_the_same_predictions_in_every_format(species, penguins):
    answers = {name: species[0].predict(part) for name, part in in_every_format(penguins[1]).items()}
    assert set(answers) == {"csv", "columns", "records", "split", "parquet", "arrow"}
    for answer in answers.values():
        pd.testing.assert_frame_equal(answer, answers["csv"])


def test_a_table_trains_the_same_model_in_every_format(new_pipeline, diabetes):
    known, new, _ = diabetes
    parts = in_every_format(known)
    answers = []
    for name in ("csv", "columns", "parquet"):
        pipeline = new_pipeline()
        model = {"model": "sklearn.linear_model.Ridge"}
        response = pipeline.train(parts[name], target="progression", id_column="id", model_training=model)
        assert response.status_code == 200, response.text
        answers.append(pipeline.predict(new))
    pd.testing.assert_frame_equal(answers[1], answers[0])
    pd.testing.assert_frame_equal(answers[2], answers[0])


def test_one_json_body_predicts_as_a_form_does(progression, diabetes):
    pipeline, _ = progression
    rows = diabetes[1].head(5)
    body = {"pipeline_id": pipeline.id, "data": json.loads(rows.to_json(orient="records"))}
    answer = pd.DataFrame(pipeline.service.post("/serve_prediction", json=body).json()).set_index("id")
    pd.testing.assert_frame_equal(answer, pipeline.predict(rows))


@pytest.mark.parametrize(
    "classes",
    [["calm", "storm"], [False, True], [0.5, 1.5], [-1, 7]],
    ids=["text", "booleans", "fractions", "integers"],
)
def test_labels_come_back_in_the_type_in_which_they_were_sent(pipeline, classes):
    rows = [{"id": number, "height": number % 10 + number / 100} for number in range(40)]
    labels = [{"id": row["id"], "label": classes[int(row["height"] >= 5)]} for row in rows]
    parts = [(f"{name}.json", json.dumps(value).encode()) for name, value in (("rows", rows), ("labels", labels))]
    response = pipeline.train(*parts, id_column="id", model_training=FOREST)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["classes"] == classes
    assert [type(name) for name in answer["classes"]] == [type(name) for name in classes]
    assert answer["positive_class"] == classes[1]
    found = pipeline.ask("/serve_prediction", parts[0], output="all").json()
    assert list(found) == ["id", "prediction", *(f"score_{name}" for name in classes)]
    predicted = list(found["prediction"].values())
    assert predicted == [label["label"] for label in labels]
    assert {type(label) for label in predicted} == {type(classes[0])}
