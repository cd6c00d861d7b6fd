"""The main job as the clients of the 2017 service do it: train on raw time series, predict, compare."""

import uuid
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

PARAMETERS = Path(__file__).parents[2] / "parameters"

#: What a training of 2017 answered.
ANSWER_OF_2017 = {
    "trainTime": float,
    "trainShape": list,
    "modelType": str,
    "featureEngParams": dict,
    "modelId": int,
    "mean_cv_accuracy": float,
    "mean_cv_roc_auc": float,
}


def train(new_pipeline, series, file, minutes="0.1"):
    """Train with a parameter file of 2017, word for word but for the id, an integer then, and a search's minutes."""
    pipeline_id = uuid.uuid4().int % 10**12
    text = (PARAMETERS / file).read_text(encoding="utf-8").replace("max_time_mins: 0.1", f"max_time_mins: {minutes}")
    text = "".join(
        f"pipeline_id: {pipeline_id}\n" if line.startswith("pipeline_id:") else line
        for line in text.splitlines(keepends=True)
    )
    pipeline = new_pipeline(pipeline_id)
    raw_data, labels, _ = series
    files = {"raw_data": raw_data, "labels": labels, "params": (file, text)}
    response = pipeline.service.post("/train_pipeline", files=files)
    assert response.status_code == 200, response.text
    return pipeline, response.json()


@pytest.fixture(scope="module")
def forest(new_pipeline, series):
    return train(new_pipeline, series, "train_parameters.yml")


@pytest.fixture(scope="module")
def searched(new_pipeline, series):
    # Of six seconds a slow machine makes a few candidates; half a minute finds a good one there too.
    return train(new_pipeline, series, "train_parameters_model2.yml", minutes="0.5")


def test_a_training_answers_with_every_key_of_2017_in_its_type(forest):
    _, answer = forest
    assert {name: type(answer[name]) for name in ANSWER_OF_2017} == ANSWER_OF_2017
    assert answer["evaluated_models"] is None


def test_a_training_answers_with_the_values_of_2017(forest):
    pipeline, answer = forest
    assert answer["modelId"] == pipeline.id
    assert answer["trainShape"] == [324, 10]
    assert answer["modelType"].startswith("RandomForestClassifier(")
    assert 0.9 < answer["mean_cv_accuracy"] <= 1
    assert 0.9 < answer["mean_cv_roc_auc"] <= 1
    features = answer["featureEngParams"]
    assert features["column_id"] == "example_id"
    assert features["impute_function"] == "impute"
    assert features["default_fc_parameters"].startswith("['sum_values', 'median', ")


def test_a_binary_answer_has_exactly_the_columns_id_and_score(forest, series):
    pipeline, _ = forest
    answer = pipeline.ask("/serve_prediction", series[2]).json()
    assert list(answer) == ["id", "score"]
    rows = [str(number) for number in range(132)]
    assert list(answer["id"]) == list(answer["score"]) == rows


def test_the_old_clients_line_makes_a_frame_of_the_answer(forest, series, test_labels):
    pipeline, _ = forest
    response = pipeline.ask("/serve_prediction", series[2])
    frame = pd.DataFrame(response.json()).set_index("id")
    assert list(frame.columns) == ["score"]
    assert sorted(frame.index) == sorted(test_labels.index)
    assert frame["score"].between(0, 1).all()


def test_a_random_forest_predicts_the_test_series_well(forest, series, test_labels):
    pipeline, _ = forest
    scores = pipeline.predict(series[2])["score"]
    assert roc_auc_score(test_labels.loc[scores.index], scores) > 0.9


def test_a_search_predicts_the_test_series(searched, series, test_labels):
    pipeline, _ = searched
    scores = pipeline.predict(series[2])["score"]
    assert roc_auc_score(test_labels.loc[scores.index], scores) > 0.8


def test_a_search_answers_with_what_it_evaluated(searched):
    _, answer = searched
    assert {name: type(answer[name]) for name in ANSWER_OF_2017} == ANSWER_OF_2017
    evaluated = answer["evaluated_models"]
    assert evaluated
    for pipeline, (operators, score) in evaluated.items():
        assert pipeline
        assert type(operators) is int
        assert operators >= 1
        assert type(score) is float
        assert 0 <= score <= 1


def test_the_list_of_models_has_each_under_its_id_as_text(forest):
    pipeline, answer = forest
    assert pipeline.service.get("/models").json()[str(pipeline.id)] == answer
