"""Train, publish, load in another process's cache, predict: what was trained is what is served."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.pipelines import formats, run
from app.pipelines.cache import PipelineCache
from app.pipelines.trained import installed_versions

FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 10}}
FOREST_OF_NUMBERS = {"model": "sklearn.ensemble.RandomForestRegressor", "model_args": {"n_estimators": 10}}
SEARCH = {"generations": 1, "population_size": 2, "search_space": "linear-light", "cv": 2, "max_time_mins": 1}

#: {engine: {task: its model and arguments}}.
ENGINES = {
    "sklearn": {"classification": FOREST, "regression": FOREST_OF_NUMBERS},
    "tpot": {
        "classification": {"model": "tpot.TPOTClassifier", "model_args": SEARCH},
        "regression": {"model": "tpot.TPOTRegressor", "model_args": SEARCH},
    },
}

SERIES = {"column_id": "id", "column_sort": "t", "default_fc_parameters": {"mean": None, "maximum": None}}

#: Features of which only a few tell the classes of `series` apart.
MANY = {
    **dict.fromkeys(("mean", "maximum", "minimum", "median", "kurtosis", "skewness", "length", "has_duplicate")),
    "autocorrelation": [{"lag": lag} for lag in range(1, 9)],
    "fft_coefficient": [{"coeff": coeff, "attr": "abs"} for coeff in range(10)],
}


def series():
    """Return 30 series whose labels are in their mean, and the labels."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.repeat(np.arange(100, 130), 20), "t": list(range(20)) * 30})
    labels = pd.DataFrame({"id": np.arange(129, 99, -1), "label": ([0, 1] * 15)[::-1]})
    frame["x"] = generator.normal(size=600) + 2.0 * frame["id"].map(labels.set_index("id")["label"])
    return frame, labels


def small(values):
    """Return a table of 40 rows and labels of these values, which are in one of its columns."""
    generator = np.random.default_rng(1)
    codes = np.arange(40) % len(values)
    frame = pd.DataFrame({"id": [f"r{row}" for row in range(40)], "a": codes + generator.normal(size=40) / 2})
    return frame.assign(b=generator.normal(size=40)), pd.DataFrame(
        {"id": frame["id"], "label": [values[code] for code in codes]}
    )


@pytest.fixture
def kinds(penguins, diabetes):
    """Kinds of data: {name: (task, frame, labels, parameters)}."""
    return {
        "series": ("classification", *series(), {"extract_features": SERIES}),
        "penguins": ("classification", penguins[:120], None, {"target": "species", "id_column": "id"}),
        "diabetes": ("regression", diabetes[:120], None, {"target": "progression", "id_column": "id"}),
        "text": ("classification", *small(["no", "yes"]), {"id_column": "id"}),
        "booleans": ("classification", *small([False, True]), {"id_column": "id"}),
        "integers": ("classification", *small([3, 1, 2]), {"id_column": "id"}),
        "floats": ("classification", *small([0.5, 1.5]), {"id_column": "id"}),
    }


@pytest.fixture
def stored(monkeypatch):
    """The fitted pipelines as they were before they became bytes."""
    seen = []
    dump = formats.dump
    monkeypatch.setattr(formats, "dump", lambda fitted, sample: seen.append(fitted) or dump(fitted, sample))
    return seen


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["series", "penguins", "diabetes", "text", "booleans", "integers", "floats"])
def test_what_is_loaded_predicts_what_was_trained(kinds, train, store, stored, engine, kind):
    task, frame, labels, parameters = kinds[kind]
    record = train(frame, labels, **parameters, **ENGINES[engine][task])
    loaded, version = run.load(store, PipelineCache(2**20), "p", None)
    assert version == record.version == 1
    rows = loaded.rows(frame)
    predicted = loaded.predict(rows)
    before = stored[-1].predict_proba(rows) if task == "classification" else stored[-1].predict(rows)
    np.testing.assert_array_equal(predicted, np.asarray(before))
    ids = list(dict.fromkeys(frame["id"].tolist()))
    assert rows.index.tolist() == ids
    if task == "classification":
        expected = sorted(set((frame["species"] if labels is None else labels["label"]).tolist()))
        assert list(loaded.classes) == expected
        assert [type(name) for name in loaded.classes] == [type(name) for name in expected]
        assert predicted.shape == (len(ids), len(expected))
        np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert loaded.task == task


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["series", "penguins", "diabetes"])
def test_the_record_says_all_that_was_found(kinds, train, store, engine, kind):
    task, frame, labels, parameters = kinds[kind]
    record = train(frame, labels, seed=4, **parameters, **ENGINES[engine][task])
    assert store.record("p").to_bytes() == record.to_bytes()
    assert (record.engine, record.task, record.seed, record.job_id) == (engine, task, 4, "job")
    assert record.parameters["model_training"] == {**ENGINES[engine][task], "metric": None}
    assert record.parameters["seed"] == 4
    assert [column["name"] for column in record.signature["columns"]]
    scores = {"accuracy", "roc_auc"} if task == "classification" else {"r2", "rmse"}
    assert record.metrics.keys() == {"folds", *scores}
    assert all(len(record.metrics[name]["folds"]) == 5 for name in scores)
    assert scores <= record.holdout.keys()
    samples = frame["id"].nunique()
    assert record.holdout["rows"] == samples / 5
    assert record.libraries == installed_versions()
    assert record.times.keys() == {"features", "search", "evaluation", "fit"}
    result = record.result
    assert (result["modelId"], result["version"], result["engine"]) == ("p", 1, engine)
    assert result["trainShape"][0] == samples
    assert result["trainTime"] > 0
    assert all(result[f"mean_cv_{name}"] == record.metrics[name]["mean"] for name in scores)
    assert (result["evaluated_models"] is None) == (engine == "sklearn")
    assert (result["featureEngParams"] is None) == (kind != "series")
    assert record.artifact["format"] in ("skops", "pickle")


def test_a_selection_serves_only_the_columns_that_are_relevant(train, store):
    frame, labels = series()
    features = {**SERIES, "default_fc_parameters": MANY, "select": True}
    record = train(frame, labels, extract_features=features, **FOREST)
    loaded, _ = run.load(store, PipelineCache(2**20), "p", None)
    assert "x__mean" in loaded.columns
    assert len(loaded.columns) < 12
    assert record.result["trainShape"] == [30, len(loaded.columns)]
    assert loaded.features.columns == loaded.columns == tuple(loaded.background.columns)
    assert loaded.rows(frame).columns.tolist() == list(loaded.columns)
    assert np.isfinite(loaded.predict(loaded.rows(frame))).all()


def test_a_pickled_pipeline_predicts_the_same(train, store, stored, monkeypatch, penguins):
    monkeypatch.setattr(formats, "TRUSTED", frozenset())
    record = train(penguins[:120], target="species", id_column="id", model="sklearn.ensemble.RandomForestClassifier")
    assert record.artifact["format"] == "pickle"
    loaded, _ = run.load(store, PipelineCache(2**20), "p", None)
    rows = loaded.rows(penguins)
    np.testing.assert_array_equal(loaded.predict(rows), stored[-1].predict_proba(rows))


def test_a_version_that_was_asked_for_is_loaded(train, store):
    frame, _ = small(["no", "yes"])
    for job_id, values in (("one", ["no", "yes"]), ("two", ["yes", "no"])):
        train(frame, small(values)[1], job_id=job_id, id_column="id")
    cache = PipelineCache(2**20)
    (first, one), (second, two) = (run.load(store, cache, "p", version) for version in (1, 2))
    assert (one, two) == (1, 2)
    rows = first.rows(frame)
    np.testing.assert_array_equal(first.predict(rows), second.predict(rows)[:, ::-1])
    assert run.load(store, cache, "p", None) == (second, 2)
    assert run.load(store, cache, "p", 1)[0] is first


def test_a_search_keeps_its_baseline_as_a_model_that_can_be_served(train, store, stored):
    frame, labels = small(["no", "yes"])
    kept = []
    train(frame, labels, id_column="id", keep=lambda *pair: kept.append(pair), **ENGINES["tpot"]["classification"])
    record, artifact = kept[0]
    assert "LogisticRegression" in record.result["modelType"]
    assert record.job_id == "job"
    store.publish(replace(record, job_id="later"), artifact)
    loaded, version = run.load(store, PipelineCache(2**20), "p", None)
    assert version == 2
    rows = loaded.rows(frame)
    np.testing.assert_array_equal(loaded.predict(rows), stored[0].predict_proba(rows))


def test_the_same_training_gives_the_same_predictions(train, store):
    frame, labels = small(["no", "yes"])
    for job_id in ("one", "two"):
        train(frame, labels, job_id=job_id, id_column="id", seed=5, **FOREST)
    (first, _), (second, _) = (run.load(store, PipelineCache(2**20), "p", version) for version in (1, 2))
    np.testing.assert_array_equal(first.predict(first.rows(frame)), second.predict(second.rows(frame)))
    assert store.record("p", 1).metrics == store.record("p", 2).metrics
