"""The door: which rows are explained, which class, and what the answer holds."""

import json

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters
from app.explain import run
from app.payloads.parameters import ExplainParameters, TrainParameters
from app.payloads.training import Tables
from app.payloads.uploads import Upload
from app.pipelines import registry
from app.pipelines import run as pipelines
from app.pipelines.cache import PipelineCache


@pytest.fixture
def frame():
    """60 rows: a number, a boolean and a text, ids that are text or not, and three classes."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"id": np.arange(60) + 500, "size": generator.uniform(size=60), "round": np.arange(60) % 2 == 0})
    X["colour"] = pd.array(np.resize(["red", "blue", None], 60), dtype="str")
    return X.assign(kind=np.where(X["size"] < 0.3, "low", np.where(X["size"] < 0.6, "mid", "top")))


class NoRows:
    """Where no row of a leaderboard is kept."""

    def add_row(self, name, row):
        pass

    def rows(self):
        return []


@pytest.fixture
def explained(store, publications, settings, frame):
    """Return a function that trains a model on the frame once, and explains rows with it."""
    cache = PipelineCache(2**20)

    def make(
        rows, method="shap", target="kind", model="sklearn.ensemble.RandomForestClassifier", explain=None, **named
    ):
        if not store.models():
            training = {"model": model, "model_args": {"n_estimators": 10, "max_depth": 3}}
            left_out = [] if target == "kind" else ["kind"]
            parameters = TrainParameters(pipeline_id="p", target=target, id_column="id", model_training=training)
            tables = Tables(parameters, registry.check(parameters), frame.drop(columns=left_out), None)
            pipelines.train(tables, "job", 60, publications, lambda *stage, **more: None, NoRows())
        parameters = ExplainParameters(pipeline_id="p", method=method, num_samples=200, **named, **(explain or {}))
        upload = Upload("data", value=json.loads(rows.to_json(orient="records")))
        return run.explain(parameters, upload, store, cache, settings)

    return make


@pytest.fixture
def rows(frame):
    """The frame without what is to be predicted."""
    return frame.drop(columns="kind")


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_the_answer_says_what_was_done(explained, rows, method):
    answer = explained(rows[:2], method, seed=3)
    assert {name: answer[name] for name in ("modelId", "version", "method", "task", "seed")} == {
        "modelId": "p",
        "version": 1,
        "method": method,
        "task": "classification",
        "seed": 3,
    }
    assert answer["algorithm"] == ("lime_tabular" if method == "lime" else "tree")
    assert answer["scale"] == "probability"
    assert answer["num_samples"] == (200 if method == "lime" else None)
    json.dumps(answer, allow_nan=False)
    for entry in answer["explanations"]:
        assert entry.keys() >= {"id", "target", "prediction", "base_value", "local_prediction", "contributions"}
        assert ("fidelity" in entry) == (method == "lime")
        assert ("additivity_error" in entry) == (method == "shap")
        sizes = [abs(one["contribution"]) for one in entry["contributions"]]
        assert sizes == sorted(sizes, reverse=True)
        assert {one["feature"] for one in entry["contributions"]} == {"size", "round", "colour"}
        # A few samples of LIME may see it otherwise.
        assert method == "lime" or entry["contributions"][0]["feature"] == "size"


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_rows_are_explained_in_the_order_asked_each_the_same_as_alone(explained, rows, method):
    answer = explained(rows, method, ids=[530, "502", 511])
    assert [entry["id"] for entry in answer["explanations"]] == [530, 502, 511]
    shuffled = explained(rows.sample(frac=1, random_state=0), method, ids=[511, 530, 502])
    alone = explained(rows[rows["id"] == 511], method)
    assert answer["explanations"][2] == shuffled["explanations"][0] == alone["explanations"][0]
    assert answer["explanations"][0] == shuffled["explanations"][1]


def test_the_order_of_columns_does_not_matter(explained, rows):
    answers = [explained(rows[names][:2])["explanations"] for names in (list(rows.columns), list(rows.columns)[::-1])]
    assert answers[0] == answers[1]


def test_values_come_back_as_they_were_sent(explained, rows):
    for entry in explained(rows[:3])["explanations"]:
        sent = rows.set_index("id").loc[entry["id"]]
        values = {one["feature"]: one["value"] for one in entry["contributions"]}
        assert values["round"] is bool(sent["round"])
        assert values["size"] == pytest.approx(sent["size"])
        assert values["colour"] == (None if pd.isna(sent["colour"]) else sent["colour"])


def test_ids_that_are_not_there_are_all_named(explained, rows):
    with pytest.raises(InvalidData, match=r"2 id\(s\) are not in the data: 9, ten") as refused:
        explained(rows, ids=[501, 9, "ten"])
    assert {fault.pointer for fault in refused.value.faults} == {"/params/ids"}


@pytest.mark.parametrize(("count", "taken"), [(100, True), (101, False)])
def test_more_than_a_hundred_rows_need_ids(explained, rows, count, taken):
    many = pd.concat([rows, rows], ignore_index=True)[:count].assign(id=range(count))
    if taken:
        assert len(explained(many)["explanations"]) == 100
        return
    with pytest.raises(InvalidParameters, match="at most 100") as refused:
        explained(many)
    assert refused.value.faults[0].pointer == "/params/ids"
    assert [entry["id"] for entry in explained(many, ids=[100])["explanations"]] == [100]


@pytest.mark.parametrize("name", ["low", "mid", "top"])
def test_a_class_is_explained_by_its_name(explained, rows, name):
    for method in ("lime", "shap"):
        (entry,) = explained(rows[:1], method, explain={"target": name})["explanations"]
        assert entry["target"] == name
        assert 0 <= entry["prediction"] <= 1


def test_without_a_name_the_predicted_class_is_explained(explained, rows, frame):
    for entry in explained(rows)["explanations"]:
        others = [explained(rows, ids=[entry["id"]], explain={"target": name}) for name in ("low", "mid", "top")]
        assert entry["prediction"] == max(answer["explanations"][0]["prediction"] for answer in others)
        if entry["id"] == 505:
            break


@pytest.mark.parametrize("name", ["maximal", "", 3, True])
def test_another_class_is_refused_with_the_known_ones(explained, rows, name):
    with pytest.raises(InvalidParameters) as refused:
        explained(rows[:1], explain={"target": name})
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.detail) == ("/params/target", "known classes are low, mid, top")


@pytest.mark.parametrize(
    ("named", "expected"), [({}, True), ({"target": False}, False), ({"target": "True"}, True)], ids=str
)
def test_of_two_classes_the_positive_one_is_explained_or_the_one_named(explained, rows, named, expected):
    for entry in explained(rows.drop(columns="round")[:3], target="round", explain=named)["explanations"]:
        assert entry["target"] is expected


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_a_regression_is_explained_and_has_no_classes(explained, rows, method):
    sizes = rows.drop(columns="size")
    model = {"model": "sklearn.ensemble.RandomForestRegressor", "target": "size"}
    answer = explained(sizes[:2], method, **model)
    assert (answer["task"], answer["scale"]) == ("regression", "value")
    assert all(entry["target"] is None for entry in answer["explanations"])
    with pytest.raises(InvalidParameters) as refused:
        explained(sizes[:2], method, **model, explain={"target": "low"})
    assert "a regression has no classes" in refused.value.faults[0].detail


def test_only_as_many_contributions_are_returned_as_asked_for(explained, rows):
    (entry,) = explained(rows[:1], num_features=1)["explanations"]
    assert [one["feature"] for one in entry["contributions"]] == ["size"]


def test_another_method_is_refused_with_the_known_ones(explained, rows):
    with pytest.raises(InvalidParameters) as refused:
        explained(rows[:1], "anchors")
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.detail) == ("/params/method", "unknown; known are lime, shap")
