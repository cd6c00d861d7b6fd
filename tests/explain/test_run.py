"""The door: which rows are explained, which class, and what the answer holds."""

import json

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters, ModelNotFound, VersionNotFound
from app.explain import run
from app.payloads.explaining import check_explaining
from app.payloads.parameters import TrainParameters
from app.payloads.training import Tables
from app.payloads.uploads import Upload
from app.pipelines import registry
from app.pipelines import run as pipelines
from app.pipelines.cache import PipelineCache
from app.routes import schemas
from app.store.record import Version
from tests.explain.trained import NoRows


@pytest.fixture
def frame():
    """60 rows: a number, a boolean and a text, ids that are text or not, and three classes."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"id": np.arange(60) + 500, "size": generator.uniform(size=60), "round": np.arange(60) % 2 == 0})
    X["colour"] = pd.array(np.resize(["red", "blue", None], 60), dtype="str")
    return X.assign(kind=np.where(X["size"] < 0.3, "low", np.where(X["size"] < 0.6, "mid", "top")))


@pytest.fixture
def cache():
    """A cache of loaded pipelines."""
    return PipelineCache(2**20)


@pytest.fixture(scope="module")
def versions():
    """What was trained, to be published again in the next test's empty store."""
    return {}


@pytest.fixture
def explained(store, publications, settings, frame, cache, versions):
    """Return a function that trains a model on the frame once, and explains rows with it."""

    def train(target, model):
        training = {"model": model, "model_args": {"n_estimators": 10, "max_depth": 3}}
        left_out = [] if target == "kind" else ["kind"]
        parameters = TrainParameters(pipeline_id="p", target=target, id_column="id", model_training=training, folds=2)
        tables = Tables(parameters, registry.check(parameters), frame.drop(columns=left_out), None)
        record = pipelines.train(tables, "job", 60, publications, lambda *stage, **more: None, NoRows())
        return Version(record, store.artifact("p", record.version), store.report("p", record.version))

    def make(rows, method="shap", target="kind", model="sklearn.ensemble.RandomForestClassifier", **named):
        if (target, model) not in versions:
            versions[target, model] = train(target, model)
        elif not store.models():
            publications.publish(versions[target, model])
        if method in ("lime", "shap"):
            named = {"num_samples": 200} | named
        if "wanted" in named:
            named["target"] = named.pop("wanted")
        parameters = check_explaining({"pipeline_id": "p", "method": method, **named})
        upload = None if rows is None else Upload("data", value=json.loads(rows.to_json(orient="records")))
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


@pytest.mark.parametrize("method", ["lime", "shap", "ice", "nearest", "counterfactual"])
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


def test_of_ids_that_occur_twice_both_are_explained(explained, rows):
    twice = pd.concat([rows[:3], rows[3:6].assign(id=[500, 501, 502])])
    both = explained(twice, ids=[501], num_features=100)["explanations"]
    assert both == explained(twice[twice["id"] == 501], num_features=100)["explanations"]
    assert [entry["id"] for entry in both] == [501, 501]


def test_rows_without_ids_are_called_by_their_position(explained, rows):
    bare = rows.drop(columns="id")
    assert [entry["id"] for entry in explained(bare[:3])["explanations"]] == [0, 1, 2]
    assert [entry["id"] for entry in explained(bare, ids=["7", 2])["explanations"]] == [7, 2]


@pytest.mark.parametrize(("count", "taken"), [(100, True), (101, False)])
def test_more_than_a_hundred_rows_need_ids(explained, rows, count, taken):
    many = pd.concat([rows, rows], ignore_index=True)[:count].assign(id=range(count))
    if taken:
        assert len(explained(many)["explanations"]) == 100
        return
    with pytest.raises(InvalidParameters, match="101 rows are asked for; at most 100 are explained") as refused:
        explained(many)
    assert refused.value.faults[0].pointer == "/params/ids"
    assert [entry["id"] for entry in explained(many, ids=[100])["explanations"]] == [100]


@pytest.mark.parametrize("name", ["low", "mid", "top"])
def test_a_class_is_explained_by_its_name(explained, rows, name):
    for method in ("lime", "shap"):
        (entry,) = explained(rows[:1], method, wanted=name)["explanations"]
        assert entry["target"] == name
        assert 0 <= entry["prediction"] <= 1


def test_without_a_name_the_predicted_class_is_explained(explained, rows):
    for entry in explained(rows)["explanations"]:
        others = [explained(rows, ids=[entry["id"]], wanted=name) for name in ("low", "mid", "top")]
        assert entry["prediction"] == max(answer["explanations"][0]["prediction"] for answer in others)
        if entry["id"] == 505:
            break


@pytest.mark.parametrize("name", ["maximal", "", 3, True])
@pytest.mark.parametrize("method", ["shap", "ice", "summary"])
def test_another_class_is_refused_with_the_known_ones(explained, rows, method, name):
    with pytest.raises(InvalidParameters) as refused:
        explained(rows[:1], method, wanted=name)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.detail) == ("/params/target", "known classes are low, mid, top")


@pytest.mark.parametrize(
    ("named", "expected"), [({}, True), ({"wanted": False}, False), ({"wanted": "True"}, True)], ids=str
)
@pytest.mark.parametrize("method", ["shap", "partial_dependence"])
def test_of_two_classes_the_positive_one_is_explained_or_the_one_named(explained, rows, method, named, expected):
    answer = explained(rows.drop(columns="round")[:3], method, target="round", **named)
    for entry in (*answer["explanations"], *answer["overall"]):
        assert entry["target"] is expected


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_a_regression_is_explained_and_has_no_classes(explained, rows, method):
    sizes = rows.drop(columns="size")
    model = {"model": "sklearn.ensemble.RandomForestRegressor", "target": "size"}
    answer = explained(sizes[:2], method, **model)
    assert (answer["task"], answer["scale"]) == ("regression", "value")
    assert all(entry["target"] is None for entry in answer["explanations"])
    with pytest.raises(InvalidParameters) as refused:
        explained(sizes[:2], method, **model, wanted="low")
    assert "a regression has no classes" in refused.value.faults[0].detail


def test_only_as_many_contributions_are_returned_as_asked_for_and_the_rest_is_summed_up(explained, rows):
    (entry,) = explained(rows[:1], num_features=1)["explanations"]
    assert [one["feature"] for one in entry["contributions"]] == ["size"]
    assert entry["rest"]["features"] == 2
    total = entry["base_value"] + entry["contributions"][0]["contribution"] + entry["rest"]["contribution"]
    assert total == pytest.approx(entry["local_prediction"])


def test_another_method_is_refused_with_the_known_ones(explained, rows):
    with pytest.raises(InvalidParameters) as refused:
        explained(rows[:1], "anchors")
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/method"
    assert fault.detail.startswith("unknown; known are lime, shap, segments")


def test_a_method_over_many_rows_takes_those_that_are_sent_or_those_kept_with_the_version(explained, rows):
    sent = explained(rows[:7], "summary")["overall"]
    kept = explained(None, "summary", num_rows=50)["overall"]
    assert [entry["rows"] for entry in sent] == [7] * 3
    assert [entry["rows"] for entry in kept] == [50] * 3
    assert [entry["target"] for entry in kept] == ["low", "mid", "top"]
    drawn = [explained(rows, "summary", num_rows=10, seed=seed)["overall"] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {entry["rows"] for entry in drawn[0]} == {10}


def test_the_rows_that_are_picked_have_the_ids_that_were_sent(explained, rows):
    answer = explained(rows, "sp_lime", num_samples=100, sample_size=6, num_explanations=2, wanted="top")
    assert len(answer["explanations"]) == 2
    for entry in answer["explanations"]:
        assert entry["id"] in rows["id"].tolist()
        assert entry["target"] == "top"
        (alone,) = explained(rows, "lime", ids=[entry["id"]], num_samples=100, wanted="top")["explanations"]
        assert entry["contributions"] == alone["contributions"]
        assert entry["prediction"] == alone["prediction"]


def test_labels_may_be_yes_and_no(explained, frame, rows):
    model = {"target": "round", "model": "sklearn.ensemble.RandomForestClassifier"}
    (entry,) = explained(rows, "permutation_importance", labels="round", **model)["overall"]
    assert entry["rows"] == 60
    assert entry["baseline"] is not None


@pytest.mark.parametrize("method", ["shap", "summary"])
def test_a_table_that_does_not_fit_is_refused_as_a_prediction_refuses_it(explained, rows, method):
    explained(rows[:1])
    with pytest.raises(InvalidData) as refused:
        explained(rows[:2].drop(columns="size"), method)
    assert "/data/size" in {fault.pointer for fault in refused.value.faults}
    with pytest.raises(InvalidData, match="no rows"):
        explained(rows[:0], method)


def test_a_model_or_version_that_is_not_there_is_not_found(explained, rows, store, cache, settings):
    explained(rows[:1])
    for named, error in (({"pipeline_id": "q"}, ModelNotFound), ({"version": 9}, VersionNotFound)):
        parameters = check_explaining({"pipeline_id": "p", "method": "summary", **named})
        with pytest.raises(error):
            run.explain(parameters, None, store, cache, settings)


def test_each_row_is_told_of_before_it_is_explained(explained, rows, store, cache, settings):
    explained(rows[:1])
    told = []
    upload = Upload("data", value=json.loads(rows[:4].to_json(orient="records")))
    parameters = check_explaining({"pipeline_id": "p", "method": "shap"})
    run.explain(parameters, upload, store, cache, settings, lambda *stage: told.append(stage))
    assert told == [("explaining", place / 4) for place in range(4)]


def test_rows_that_there_is_no_time_for_are_left_out_and_named(explained, rows, store, cache, settings):
    """One is explained whatever the time."""
    explained(rows[:1])
    upload = Upload("data", value=json.loads(rows[:4].to_json(orient="records")))
    parameters = check_explaining({"pipeline_id": "p", "method": "shap"})
    answer = run.explain(parameters, upload, store, cache, settings, seconds=0)
    assert [entry["id"] for entry in answer["explanations"]] == [500]
    assert answer["left_out"] == [501, 502, 503]
    schemas.Explanations.model_validate(json.loads(json.dumps(answer)), strict=True)


def test_what_was_computed_of_a_version_once_is_not_again(explained, rows, store, cache):
    first = explained(rows[:2])["explanations"]
    pipeline, _ = pipelines.load(store, cache, "p", None)
    kept = pipeline.beside["subject"]
    assert explained(rows[:2])["explanations"] == first
    assert pipeline.beside["subject"] is kept
    assert kept.kept


def test_the_methods_that_fit_are_listed_with_their_parameters_and_the_others_with_a_reason(
    explained, rows, store, cache
):
    explained(rows[:1])
    listed = run.explainers(store, cache, "p", None)
    schemas.Explainers.model_validate(json.loads(json.dumps(listed, allow_nan=False)), strict=True)
    assert (listed["modelId"], listed["version"]) == ("p", 1)
    names = [one["method"] for one in listed["explainers"]]
    assert names == [
        "lime", "shap", "counterfactual", "nearest", "ice", "partial_dependence", "permutation_importance",
        "interactions", "summary", "sp_lime",
    ]  # fmt: skip
    assert set(listed["others"]) == {"segments", "features_on_signal", "grad_cam", "gradients"}
    assert listed["others"]["segments"] == "the model is not of series"
    with pytest.raises(VersionNotFound):
        run.explainers(store, cache, "p", 3)
