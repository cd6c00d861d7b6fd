"""Train, publish, load in another process's cache, predict: what was trained is what is served."""

import gc
import pickle
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.errors import ModelNotFound, OutOfTime, TrainingFailed
from app.payloads.training import assemble
from app.pipelines import formats, leaderboard, run, samples
from app.pipelines.autokeras import backend
from app.pipelines.cache import PipelineCache
from app.pipelines.clock import Clock
from app.pipelines.dataset import Dataset
from app.pipelines.trained import installed_versions

FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 10}}
FOREST_OF_NUMBERS = {"model": "sklearn.ensemble.RandomForestRegressor", "model_args": {"n_estimators": 10}}
SEARCH = {"generations": 1, "population_size": 3, "estimators": ["DecisionTreeClassifier", "GaussianNB"]}
SEARCH_OF_NUMBERS = SEARCH | {"estimators": ["DecisionTreeRegressor", "Ridge"]}

#: One network, which has seen its rows twice.
NETWORK = {"max_trials": 1, "epochs": 2}

#: The portfolio's first candidates.
FEW = {"model": None, "limits": {"candidates": 4}}

#: {engine: {task: its model and arguments}}.
ENGINES = {
    "sklearn": {"classification": FOREST, "regression": FOREST_OF_NUMBERS},
    "tpot": {
        "classification": {"model": "tpot.TPOTClassifier", "model_args": SEARCH},
        "regression": {"model": "tpot.TPOTRegressor", "model_args": SEARCH_OF_NUMBERS},
    },
    "autokeras": {
        "classification": {"model": "autokeras.StructuredDataClassifier", "model_args": NETWORK},
        "regression": {"model": "autokeras.StructuredDataRegressor", "model_args": NETWORK},
    },
    "portfolio": {"classification": FEW, "regression": FEW},
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


@pytest.fixture(scope="module")
def networks():
    """What networks need, imported once and frozen, as a worker does it: each process that is forked takes seconds.

    Beside a GPU that cannot be: a process that has looked for one forks none that can use it. What is trained there is
    tested in test_autokeras_engine.py, in a process of its own.
    """
    backend.autokeras()
    import torch

    if torch.cuda.is_available():
        pytest.skip("a process that has looked for a GPU forks none that can use it")
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=ENGINES)
def engine(request):
    """An engine's name."""
    if request.param == "autokeras":
        request.getfixturevalue("networks")
    return request.param


@pytest.fixture
def stored(monkeypatch, tmp_path):
    """Return a function that gives the pipeline that was fitted last as it was before it became bytes.

    That happens in a process of the training's own, which leaves it here.
    """
    dump = formats.dump

    def keep(fitted, sample):
        (tmp_path / f"{time.monotonic_ns()}.pickle").write_bytes(pickle.dumps(fitted))
        return dump(fitted, sample)

    monkeypatch.setattr(formats, "dump", keep)
    return lambda: pickle.loads(max(tmp_path.glob("*.pickle")).read_bytes())  # noqa: S301  what was kept here


@pytest.mark.parametrize("kind", ["series", "penguins", "diabetes", "text", "booleans", "integers", "floats"])
def test_what_is_loaded_predicts_what_was_trained(kinds, train, store, stored, engine, kind):
    task, frame, labels, parameters = kinds[kind]
    record = train(frame, labels, **parameters, **ENGINES[engine][task])
    loaded, version = run.load(store, PipelineCache(2**20), "p", None)
    assert version == record.version == 1
    rows = loaded.rows(frame)
    predicted = loaded.predict(rows)
    before = stored().predict_proba(rows) if task == "classification" else stored().predict(rows)
    # What serves may be compiled: agreement is checked at the publication.
    np.testing.assert_allclose(predicted, np.asarray(before), rtol=1e-6, atol=1e-6)
    ids = list(dict.fromkeys(frame["id"].tolist()))
    assert rows.index.tolist() == ids
    if task == "classification":
        expected = sorted(set((frame["species"] if labels is None else labels["label"]).tolist()))
        assert list(loaded.classes) == expected
        assert [type(name) for name in loaded.classes] == [type(name) for name in expected]
        assert predicted.shape == (len(ids), len(expected))
        np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert loaded.task == task


@pytest.mark.parametrize("kind", ["series", "penguins", "diabetes"])
def test_the_record_says_all_that_was_found(kinds, train, store, engine, kind):
    task, frame, labels, parameters = kinds[kind]
    record = train(frame, labels, seed=4, **parameters, **ENGINES[engine][task])
    assert store.record("p").to_bytes() == record.to_bytes()
    assert (record.engine, record.task, record.seed, record.job_id) == (engine, task, 4, "job")
    assert not record.provisional
    asked = {name: value for name, value in ENGINES[engine][task].items() if name != "limits"}
    assert record.parameters["model_training"] == {"model_args": {}, "metric": None, **asked}
    assert record.parameters["seed"] == 4
    assert [column["name"] for column in record.signature["columns"]]
    scores = {"accuracy", "roc_auc", "log_loss"} if task == "classification" else {"r2", "rmse", "mae"}
    assert record.metrics.keys() == {"folds", *scores}
    # A network is measured on one part of the rows.
    assert record.metrics["folds"] == (1 if engine == "autokeras" else 5)
    assert all(len(record.metrics[name]["folds"]) == record.metrics["folds"] > 0 for name in scores)
    assert scores <= record.holdout.keys()
    assert record.holdout["rows"] == frame["id"].nunique() / 5
    assert record.libraries == installed_versions()
    first = {"first model"} if engine != "sklearn" and "extract_features" in parameters else set()
    assert record.times.keys() == {"features", "search", "evaluation", "fit", "compiling"} | first
    result = record.result
    assert (result["modelId"], result["version"], result["engine"]) == ("p", 1, engine)
    assert result["trainShape"][0] == frame["id"].nunique()
    assert result["trainTime"] > 0
    means = ("accuracy", "roc_auc") if task == "classification" else ("r2", "rmse")
    assert all(result[f"mean_cv_{name}"] == record.metrics[name]["mean"] for name in means)
    assert (result["evaluated_models"] is None) == (engine != "tpot")
    assert (result["featureEngParams"] is None) == (kind != "series")
    default = "accuracy" if engine == "autokeras" else "roc_auc"
    assert result["metric"] == (default if task == "classification" else "r2")
    assert result["stopped"] == ("candidates limit" if engine == "portfolio" else None)
    assert record.artifact["format"] in ("skops", "pickle")
    curves = store.report("p", 1).get("learning_curves")
    assert (curves is not None) == (engine == "autokeras")
    if curves is not None:
        assert {"loss", "val_loss"} <= curves.keys()
        assert [len(values) for values in curves.values()] == [NETWORK["epochs"]] * len(curves)


def test_a_search_tells_of_all_that_it_evaluated(train, store):
    frame, labels = small(["no", "yes"])
    record = train(frame, labels, id_column="id", **ENGINES["tpot"]["classification"])
    rows = store.report("p", 1)["leaderboard"]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["engine"] for row in rows} == {"baseline", "tpot"}
    evaluated = record.result["evaluated_models"]
    assert evaluated == {
        row["name"]: [row["details"]["operators"], row["score"]] for row in rows if row["engine"] == "tpot"
    }
    for name, (operators, score) in evaluated.items():
        assert name.startswith("Pipeline(")
        assert operators >= 1
        assert 0 <= score <= 1


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"groups": "who"}, id="groups"),
        pytest.param({"time": "when"}, id="time"),
        pytest.param({"sample_weight": "weight"}, id="weights"),
        pytest.param({"folds": 3, "model_training": None}, id="other folds"),
    ],
)
def test_what_stands_beside_the_rows_is_used_and_not_served(train, store, named):
    named.pop("model_training", None)
    frame, labels = small(["no", "yes"])
    frame = frame.assign(who=np.arange(40) // 4, when=np.arange(40)[::-1], weight=np.arange(40) % 3)
    record = train(frame, labels, id_column="id", metric="log_loss", **named, **FOREST)
    assert record.metrics["folds"] == named.get("folds", 5)
    assert record.result["metric"] == "log_loss"
    assert record.metrics["log_loss"]["mean"] > 0
    loaded, _ = run.load(store, PipelineCache(2**20), "p", None)
    assert not set(named.values()) & set(loaded.columns)
    served = frame.drop(columns=[name for name in named.values() if name in frame])
    assert loaded.predict(loaded.rows(served)).shape == (40, 2)


def test_a_search_is_served_before_its_end(train, store):
    frame, labels = small(["no", "yes"])
    seen = []

    def look(stage, *more, **named):
        try:
            record = store.record("p")
        except ModelNotFound:
            return
        if record.provisional:
            loaded, _ = run.load(store, PipelineCache(2**20), "p", None)
            seen.append((record.version, loaded.predict(loaded.rows(frame)).shape))

    slow = ENGINES["tpot"]["classification"]["model_args"] | {"generations": 1000, "max_time_mins": 0.1}
    record = train(frame, labels, id_column="id", progress=look, model="tpot.TPOTClassifier", model_args=slow)
    assert set(seen) == {(1, (40, 2))}
    assert (record.version, record.provisional) == (1, False)
    assert len(store.versions("p")) == 1


def test_an_attempt_goes_on_from_the_rows_of_the_one_before(train, kept, store):
    frame, labels = small(["no", "yes"])
    train(frame, labels, id_column="id", **FEW)
    kept.by_name.pop("ensemble", None)
    tried = {name: row.manifest["fit_seconds"] for name, row in kept.by_name.items()}
    assert len(tried) == 4
    train(frame, labels, job_id="again", id_column="id", **FEW | {"limits": {"candidates": 6}})
    found = {row["name"]: row["fit_seconds"] for row in store.report("p", 2)["leaderboard"]}
    assert len(found.keys() - {"ensemble"}) == 6
    assert {name: found[name] for name in tried} == tried


def test_a_row_of_a_leaderboard_is_trained_instead_of_a_search(train, promote, kept, store):
    frame, labels = small(["no", "yes"])
    train(frame, labels, id_column="id", **FEW)
    rows = store.report("p", 1)["leaderboard"]
    row = next(row for row in rows if row["name"] == "linear")
    again = promote(kept.by_name["linear"], frame, labels, id_column="id", **FEW)
    assert "LogisticRegression" in again.result["modelType"]
    assert again.metrics["roc_auc"]["mean"] == pytest.approx(row["score"])
    assert again.version == 2


def test_a_row_of_series_is_promoted_on_the_features_that_it_was_scored_on(train, promote, kept, store, monkeypatch):
    frame, labels = series()
    given = {"extract_features": {"column_id": "id", "column_sort": "t"}, **FEW}
    monkeypatch.setattr(samples, "SHARE", 0.0)
    train(frame, labels, **given)
    assert kept.by_name["linear"].manifest["chosen"]["features"] == "MinimalFCParameters()"
    # On a machine that is quicker now, or with more time, it would choose others.
    monkeypatch.setattr(samples, "SHARE", 1.0)
    again = promote(kept.by_name["linear"], frame, labels, **given)
    assert again.parameters["extract_features"]["default_fc_parameters"] == "MinimalFCParameters()"
    row = next(row for row in store.report("p", 1)["leaderboard"] if row["name"] == "linear")
    assert again.metrics["roc_auc"]["mean"] == pytest.approx(row["score"])


def forecast():
    """Return the parameters and the rows of a small forecasting."""
    days = np.arange(60)
    frame = pd.DataFrame({"shop": "north", "day": days, "sold": 10.0 + days % 7 + 0.1 * days})
    series = {"column_id": "shop", "column_sort": "day", "default_fc_parameters": {"mean": None, "maximum": None}}
    given = {"target": "sold", "task": "forecasting", "forecast": {"window": 7}, "extract_features": series}
    return frame, None, given


#: {what: (engine of the row, the rows and labels, parameters)}.
PROMOTED = {
    "TPOT": ("tpot", *small(["no", "yes"]), {"id_column": "id", **ENGINES["tpot"]["classification"]}),
    "AutoKeras": ("autokeras", *small(["no", "yes"]), {"id_column": "id", **ENGINES["autokeras"]["classification"]}),
    "a forecast": ("portfolio", *forecast()[:2], {**forecast()[2], **FEW}),
}


@pytest.mark.parametrize("what", PROMOTED)
def test_a_row_of_any_engine_can_be_promoted(train, promote, kept, store, what):
    engine, frame, labels, given = PROMOTED[what]
    train(frame, labels, **given)
    row = next(row for row in store.report("p", 1)["leaderboard"] if row["engine"] == engine and row["score"])
    again = promote(kept.by_name[row["name"]], frame, labels, **given)
    assert again.version == 2
    assert again.metrics[again.result["metric"]]["mean"] == pytest.approx(row["score"])
    loaded, _ = run.load(store, PipelineCache(2**20), "p", 2)
    assert np.isfinite(loaded.predict(loaded.rows(frame))).all()


def test_an_ensemble_can_be_promoted(train, promote, kept, store, diabetes):
    given = {"target": "progression", "id_column": "id", "model": None, "limits": {"candidates": 6}}
    train(diabetes, **given)
    row = next(row for row in store.report("p", 1)["leaderboard"] if row["name"] == "ensemble")
    again = promote(kept.by_name["ensemble"], diabetes, **given)
    assert "EnsembleRegressor" in again.result["modelType"]
    assert again.metrics["r2"]["mean"] == pytest.approx(row["score"])


def test_a_row_of_some_folds_only_can_be_promoted_and_says_how_many(train, promote, tables, kept):
    frame, labels = small(["no", "yes"])
    train(frame, labels, id_column="id", **FEW)
    whole = leaderboard.from_artifact(kept.by_name["linear"])
    first = whole.fold_scores[0]
    known = np.isin(np.arange(len(whole.out_of_fold)), folds_of(tables(frame, labels, id_column="id", **FEW))[0][1])
    partial = replace(
        whole,
        score=first,
        fold_scores=(first,),
        out_of_fold=np.where(known[:, None], whole.out_of_fold, np.nan),
        details={"partial": True, "note": "stopped at its time limit after 1 of 5 folds"},
    )
    again = promote(leaderboard.to_artifact(partial), frame, labels, id_column="id", **FEW)
    assert again.metrics["folds"] == 1
    assert again.metrics["roc_auc"]["mean"] == pytest.approx(first)


def folds_of(given):
    """Return the folds of a training."""
    return Dataset(assemble(given), Clock(60.0), lambda *report, **more: None).problem().folds


def test_a_training_that_no_model_can_learn_says_why_and_publishes_nothing(train, store):
    frame, labels = small(["no", "yes"])
    with pytest.raises(TrainingFailed, match="IsotonicRegression could not be trained"):
        train(frame, labels.assign(label=np.arange(40.0)), id_column="id", model="sklearn.isotonic.IsotonicRegression")
    assert store.models() == []


def test_a_model_without_a_search_that_is_not_trained_in_time_says_so(train, store):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(20_000, 30))).add_prefix("x").assign(label=np.arange(20_000) % 2)
    with pytest.raises(OutOfTime):
        train(frame, target="label", model="sklearn.svm.SVC", model_args={"C": 1e6}, seconds=5)
    assert store.models() == []


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
    np.testing.assert_array_equal(loaded.predict(rows), stored().predict_proba(rows))


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


def test_the_same_training_gives_the_same_predictions(train, store):
    frame, labels = small(["no", "yes"])
    for job_id in ("one", "two"):
        train(frame, labels, job_id=job_id, id_column="id", seed=5, **FOREST)
    (first, _), (second, _) = (run.load(store, PipelineCache(2**20), "p", version) for version in (1, 2))
    np.testing.assert_array_equal(first.predict(first.rows(frame)), second.predict(second.rows(frame)))
    assert store.record("p", 1).metrics == store.record("p", 2).metrics


def test_where_time_is_short_a_model_is_there_before_the_last_fit(train, publications, store, monkeypatch):
    monkeypatch.setattr("app.pipelines.build.FITS", 1e9)
    told, publish = [], publications.publish

    def recorded(version):
        told.append(version)
        return publish(version)

    monkeypatch.setattr(publications, "publish", recorded)
    frame, labels = small(["no", "yes"])
    record = train(frame, labels, id_column="id", model="sklearn.linear_model.LogisticRegression")
    first, last = told
    assert (first.record.provisional, last.record.provisional) == (True, False)
    assert "rows held out" in first.record.result["warnings"][-1]
    assert last.record.result["warnings"] == first.record.result["warnings"][:-1]
    assert first.record.metrics == last.record.metrics
    assert first.record.holdout == last.record.holdout
    assert first.report["leaderboard"] == last.report["leaderboard"]
    assert store.record("p").to_bytes() == record.to_bytes()
    assert [each.version for each in store.versions("p")] == [1]
