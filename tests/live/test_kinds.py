"""Every kind of data and every engine through HTTP: trained in a small budget, and served in the words it came in."""

import numpy as np
import pytest

from tests import kinds

#: Wall time of a search of these tests, seconds; enough for several candidates and for what follows them.
BUDGET = {"seconds": 20}

#: A search of networks that is as small as can be.
TINY = {"max_trials": 1, "epochs": 2}


def trained(pipeline, *tables, **parameters):
    """Train, wait, and return the answer."""
    response = pipeline.train(*tables, **parameters)
    assert response.status_code == 200, response.text
    return response.json()


def record_of(pipeline):
    """Return all that is known of the current version."""
    return pipeline.service.get(f"/models/{pipeline.id}").json()


@pytest.fixture(scope="module")
def customers():
    return kinds.customers()


@pytest.fixture(scope="module")
def pictures():
    return kinds.pictures()


@pytest.fixture(scope="module")
def waves():
    return kinds.waves()


def test_without_a_model_the_portfolio_picks_and_says_what_it_tried(pipeline, customers):
    answer = trained(pipeline, customers, target="leaves", id_column="customer", limits=BUDGET)
    assert (answer["task"], answer["classes"]) == ("classification", ["leaves", "stays"])
    assert answer["holdout"]["roc_auc"] > 0.7
    rows = record_of(pipeline)["leaderboard"]
    assert {"linear", "lightgbm"} <= {row["name"] for row in rows}
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    whole = [row["score"] for row in rows if row["score"] is not None and "partial" not in row["details"]]
    assert whole == sorted(whole, reverse=True)
    new = customers.drop(columns="leaves").head(5)
    found = pipeline.predict(new)
    assert list(found.index) == new["customer"].tolist()
    known = {column["name"]: column["kind"] for column in record_of(pipeline)["signature"]["columns"]}
    assert (known["since"], known["city"], known["note"], known["member"]) == ("date", "category", "text", "boolean")


def test_a_row_of_the_leaderboard_can_be_promoted(pipeline, customers):
    trained(pipeline, customers, target="leaves", id_column="customer", limits={**BUDGET, "candidates": 4})
    row = next(row for row in record_of(pipeline)["leaderboard"] if row["name"] == "linear")
    answer = pipeline.service.put(f"/models/{pipeline.id}/current", json={"version": 1, "row": row["row"]})
    assert answer.status_code == 200, answer.text
    promoted = record_of(pipeline)
    assert promoted["version"] == 2
    assert "LogisticRegression" in promoted["result"]["modelType"]
    assert promoted["result"]["metrics"]["roc_auc"]["mean"] == pytest.approx(row["score"])
    assert promoted["result"]["metrics"]["roc_auc"]["folds"] == pytest.approx(row["fold_scores"])


def test_folds_keep_groups_together_weights_count_and_the_metric_is_the_persons(pipeline, customers):
    answer = trained(
        pipeline,
        customers.assign(weight=np.linspace(0.5, 2, len(customers))),
        target="leaves",
        id_column="customer",
        groups="city",
        sample_weight="weight",
        folds=3,
        model_training={"model": "sklearn.linear_model.LogisticRegression", "metric": "f1"},
    )
    assert (answer["metric"], answer["metrics"]["folds"]) == ("f1", 3)
    names = [column["name"] for column in record_of(pipeline)["signature"]["columns"]]
    assert not {"city", "weight", "leaves"} & set(names)


@pytest.mark.parametrize("model", [None, "autokeras.ImageClassifier"])
def test_pictures_are_told_apart(pipeline, pictures, model):
    training = {} if model is None else {"model": model, "model_args": TINY}
    limits = {"seconds": 15 if model is None else 90, "candidates": 3}
    size = {"height": 12, "width": 12, "channels": 1}
    answer = trained(pipeline, *pictures, images=size, model_training=training, limits=limits)
    assert answer["classes"] == ["left", "right"]
    found = pipeline.predict(pictures[0])
    assert len(found) == 60
    assert found["score"].between(0, 1).all()
    assert list(found.index[:2]) == ["picture 0.png", "picture 1.png"]
    refused = pipeline.ask("/explain", pictures[0], method="nearest")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/params/method")
    one = pipeline.ask("/explain", pictures[0], method="shap", ids=["picture 1.png"], num_samples=100)
    assert one.status_code == 200, one.text
    assert np.shape(one.json()["explanations"][0]["regions"]) == np.shape(one.json()["explanations"][0]["image"])[:2]


@pytest.mark.parametrize("model", [None, "autokeras.TimeseriesClassifier"])
def test_series_of_several_signals_and_lengths_are_told_apart(pipeline, waves, model):
    training = {} if model is None else {"model": model, "model_args": TINY}
    series = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
    limits = {"seconds": 15 if model is None else 90, "candidates": 4}
    trained(pipeline, *waves, extract_features=series, model_training=training, limits=limits)
    found = pipeline.predict(waves[0][waves[0]["wave"].isin(["w3", "w8"])])
    assert sorted(found.index) == ["w3", "w8"]


def test_text_is_understood_by_a_network(pipeline, customers):
    notes = customers[["customer", "note", "leaves"]]
    network = {"model": "autokeras.TextClassifier", "model_args": TINY}
    limits = {"seconds": 90}
    answer = trained(
        pipeline,
        notes,
        target="leaves",
        id_column="customer",
        model_training=network,
        limits=limits,
        columns={"note": "text"},
    )
    assert answer["engine"] == "autokeras"
    assert answer["device"] in ("cpu", "cuda:0")
    assert len(pipeline.predict(notes.drop(columns="leaves").head(3))) == 3
    for form, magic in (("keras", b"PK"), ("h5", b"\x89HDF")):
        file = pipeline.service.get(f"/models/{pipeline.id}/versions/1/network?format={form}")
        assert (file.status_code, file.content[: len(magic)]) == (200, magic)
    assert pipeline.service.get(f"/models/{pipeline.id}/versions/1/network?format=exe").status_code == 422


def test_a_forecast_of_several_series_says_when(pipeline):
    frame = kinds.sales()
    answer = trained(
        pipeline,
        frame,
        task="forecasting",
        target="sales",
        extract_features={"column_id": "store", "column_sort": "day"},
        forecast={"horizon": 7, "window": 21},
        model_training={"model": "lightgbm.LGBMRegressor"},
    )
    assert (answer["task"], answer["metric"]) == ("forecasting", "rmse")
    found = pipeline.predict(frame)
    assert list(found.columns) == ["step", "time", "prediction"]
    assert found.groupby("id").size().to_dict() == {"north": 7, "south": 7}
    assert found.loc["north", "time"].iloc[0].startswith("2025-05-01")
    truth = 10 + np.arange(120, 127) % 7 + 0.1 * np.arange(120, 127)
    assert np.abs(found.loc["north", "prediction"] - truth).mean() < 2
    explained = pipeline.ask("/explain", frame, method="shap", ids=["south"])
    assert explained.status_code == 200, explained.text
    steps = [(why["id"], why["step"], why["target"]) for why in explained.json()["explanations"]]
    assert steps == [("south", step, None) for step in range(1, 8)]


def test_a_report_and_code_of_a_version_can_be_read(pipeline, customers):
    forest = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 20}}
    trained(pipeline, customers, target="leaves", id_column="customer", model_training=forest)
    shown = record_of(pipeline)
    assert {"roc", "calibration"} <= shown["curves"].keys()
    assert shown["structure"]["graph"]["nodes"]
    page = pipeline.service.get(f"/models/{pipeline.id}/versions/1/report")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "RandomForestClassifier" in page.text
    code = pipeline.service.get(f"/models/{pipeline.id}/versions/1/code")
    compile(code.text, "code.py", "exec")
    assert "RandomForestClassifier" in code.text
    assert pipeline.service.get(f"/models/{pipeline.id}/versions/1/network").status_code == 409


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"columns": {"nothing": "date"}}, "/params/columns/nothing"),
        ({"columns": {"note": "date"}}, "/raw_data/note"),
        ({"groups": "nothing"}, "/raw_data/nothing"),
        ({"model_training": {"metric": "no such"}}, "/params/model_training/metric"),
        ({"model_training": {"metric": "r2"}}, "/params/model_training/metric"),
        ({"model_training": {"model_args": {"a": 1}}}, "/params/model_training/model_args/a"),
        ({"sample_weight": "note"}, "/params/sample_weight"),
        ({"task": "forecasting"}, "/params/extract_features"),
        ({"forecast": {"horizon": 2}}, "/params/forecast"),
        ({"groups": "leaves"}, "/params/target"),
        ({"limits": {"candidates": 0}}, "/params/limits/candidates"),
    ],
)
def test_what_cannot_be_is_pointed_at(pipeline, customers, parameters, pointer):
    response = pipeline.train(customers, target="leaves", id_column="customer", **parameters)
    assert response.status_code == 422, response.text
    assert pointer in [fault["pointer"] for fault in response.json()["errors"]]
