"""One estimator by its name: which there are, what they take, and that each trains and is stored."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import all_estimators

from app.errors import InvalidParameters, OutOfTime, TrainingFailed
from app.payloads.parameters import Task, TrainParameters, check
from app.payloads.training import assemble
from app.pipelines import evaluate, formats, metrics, registry
from app.pipelines.base import Trial
from app.pipelines.clock import Clock
from app.pipelines.dataset import Dataset
from app.pipelines.sklearn import SklearnEngine, params

#: Two models of the tables say at their making that a later scikit-learn will not have them.
pytestmark = pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")

#: {estimator of scikit-learn that cannot be named: why}.
LEFT_OUT = {
    "ClassifierChain": "several targets",
    "FixedThresholdClassifier": "another estimator",
    "MultiOutputClassifier": "several targets",
    "OneVsOneClassifier": "another estimator",
    "OneVsRestClassifier": "another estimator",
    "OutputCodeClassifier": "another estimator",
    "SelfTrainingClassifier": "another estimator",
    "StackingClassifier": "other estimators",
    "TunedThresholdClassifierCV": "another estimator",
    "VotingClassifier": "other estimators",
    "CCA": "several targets",
    "MultiOutputRegressor": "several targets",
    "MultiTaskElasticNet": "several targets",
    "MultiTaskElasticNetCV": "several targets",
    "MultiTaskLasso": "several targets",
    "MultiTaskLassoCV": "several targets",
    "PLSCanonical": "several targets",
    "RegressorChain": "several targets",
    "StackingRegressor": "other estimators",
    "VotingRegressor": "other estimators",
}

#: {model: words of its own refusal of the example data}.
REFUSE = {
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis": "not full rank",
    "sklearn.isotonic.IsotonicRegression": "1 feature",
}

#: {model: arguments that make it small}; the rest is small enough.
SMALL = {
    "sklearn.neural_network.MLPClassifier": {"max_iter": 20},
    "sklearn.neural_network.MLPRegressor": {"max_iter": 20},
    "sklearn.linear_model.TheilSenRegressor": {"max_subpopulation": 100},
    "sklearn.linear_model.LogisticRegressionCV": {"cv": 2, "Cs": 2},
    **{
        f"sklearn.ensemble.{kind}{task}": {"n_estimators": 5}
        for kind in ("Bagging", "RandomForest", "ExtraTrees", "GradientBoosting", "AdaBoost")
        for task in ("Classifier", "Regressor")
    },
    **{f"sklearn.ensemble.HistGradientBoosting{task}": {"max_iter": 5} for task in ("Classifier", "Regressor")},
    **{
        f"xgboost.XGB{kind}": {"n_estimators": 5} for kind in ("Classifier", "Regressor", "RFClassifier", "RFRegressor")
    },
    **{f"lightgbm.LGBM{kind}": {"n_estimators": 5} for kind in ("Classifier", "Regressor")},
}


class Taking:
    """A board that takes candidates and tries none."""

    stopped = None

    def try_all(self, candidates, stage):
        """Return each as if it had been tried."""
        return [Trial(each.name, each.engine, each.pipeline, score=1.0) for each in candidates]


@pytest.fixture
def candidate(tables):
    """Return a function that gives the unfitted pipeline a training would score and store, its rows and codes."""

    def make(frame, **named):
        dataset = Dataset(assemble(tables(frame, **named)), Clock(60), lambda *report, **more: None)
        return SklearnEngine().search(dataset.problem(), Taking()).pipeline, dataset.samples.X, dataset.samples.y

    return make


def checked(model, arguments, classes=("a", "b"), **parameters):
    """Check the arguments of a model as the route does."""
    training = {"model": model, "model_args": arguments}
    SklearnEngine().check(check(TrainParameters, {"pipeline_id": 1, "model_training": training, **parameters}), classes)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_every_estimator_of_scikit_learn_can_be_named_or_has_a_reason(kind):
    table = params.CLASSIFIERS if kind == "classifier" else params.REGRESSORS
    listed = {name.rpartition(".")[2] for name in params.names(table) if name.startswith("sklearn.")}
    there = {name for name, _ in all_estimators(kind)}
    assert there == listed | (LEFT_OUT.keys() & there)
    assert not listed & LEFT_OUT.keys()


def test_every_estimator_stands_in_its_public_module():
    engine = SklearnEngine()
    for model in engine.models():
        module, _, name = model.rpartition(".")
        made = type(params.build(model, {}))
        assert made.__name__ == name
        assert made.__module__.startswith(module)


def test_a_model_predicts_what_its_table_says():
    engine = SklearnEngine()
    assert {engine.task(model) for model in params.names(params.CLASSIFIERS)} == {Task.CLASSIFICATION}
    assert {engine.task(model) for model in params.names(params.REGRESSORS)} == {Task.REGRESSION}


@pytest.mark.parametrize("model", ["sklearn.ensemble.StackingClassifier", "sklearn.pipeline.Pipeline", "os.system"])
def test_another_name_is_no_model(model):
    with pytest.raises(InvalidParameters, match="not one that this service trains") as refused:
        registry.resolve(check(TrainParameters, {"pipeline_id": 1, "model_training": {"model": model}}))
    assert "sklearn.ensemble.RandomForestClassifier" in refused.value.faults[0].detail


@pytest.mark.parametrize("model", SklearnEngine().models())
def test_a_model_trains_and_its_stored_bytes_predict_the_same(model, candidate, penguins, diabetes):
    classified = SklearnEngine().task(model) is Task.CLASSIFICATION
    frame, target = (penguins, "species") if classified else (diabetes, "progression")
    named = {"target": target, "id_column": "id", "model": model, "model_args": SMALL.get(model, {})}
    pipeline, X, y = candidate(frame[:120], **named)
    if model in REFUSE:
        with pytest.raises(TrainingFailed, match=REFUSE[model]):
            evaluate.fit(pipeline, X, y)
        return
    fitted = evaluate.fit(pipeline, X, y)
    name, data = formats.dump(fitted, X)
    assert name == "skops"
    method = "predict_proba" if classified else "predict"
    np.testing.assert_array_equal(getattr(formats.load(name, data), method)(X), getattr(fitted, method)(X))
    if classified:
        assert fitted.predict_proba(X).shape == (len(X), 3)


FOREST, LOGISTIC = "sklearn.ensemble.RandomForestClassifier", "sklearn.linear_model.LogisticRegression"


@pytest.mark.parametrize(
    ("model", "argument", "value", "words"),
    [
        pytest.param(FOREST, "n_trees", 3, "known are bootstrap, ccp_alpha", id="unknown"),
        pytest.param(FOREST, "n_estimators", 0, "[1, inf)", id="below the declared bound"),
        pytest.param(FOREST, "n_estimators", "many", "must be", id="another kind"),
        pytest.param(FOREST, "criterion", "best", "gini", id="not a declared choice"),
        pytest.param(FOREST, "max_features", -0.5, "must be", id="below a declared share"),
        pytest.param(LOGISTIC, "C", -1, "must be", id="negative strength"),
        pytest.param(FOREST, "n_estimators", 10_001, "at most 10000", id="above the ceiling"),
        pytest.param(FOREST, "max_depth", 1001, "at most 1000", id="depth above the ceiling"),
        pytest.param("sklearn.linear_model.RidgeCV", "alphas", [1.0] * 10_001, "at most 10000", id="a list too long"),
        pytest.param("xgboost.XGBClassifier", "max_bin", 10_001, "at most 10000", id="bins above the ceiling"),
        pytest.param("lightgbm.LGBMClassifier", "num_leaves", 100_001, "at most 100000", id="leaves above the ceiling"),
        pytest.param("xgboost.XGBClassifier", "learning_rate", [0.1], "number, text or boolean", id="nested"),
        pytest.param("xgboost.XGBClassifier", "gamma", 1e10, "between", id="beyond any sense"),
        pytest.param(FOREST, "n_jobs", -1, "decided by the service", id="cores"),
        pytest.param("xgboost.XGBClassifier", "device", "cuda", "decided by the service", id="device"),
        pytest.param("xgboost.XGBClassifier", "callbacks", [], "decided by the service", id="code"),
        pytest.param(FOREST, "verbose", 2, "decided by the service", id="output"),
    ],
)
def test_an_argument_that_cannot_be_taken_is_refused(model, argument, value, words):
    with pytest.raises(InvalidParameters) as refused:
        checked(model, {argument: value})
    (fault,) = refused.value.faults
    assert fault.pointer == f"/params/model_training/model_args/{argument}"
    assert words in fault.detail


@pytest.mark.parametrize(("argument", "most"), params.CEILINGS.items())
def test_every_ceiling_is_of_an_argument_that_some_model_has(argument, most):
    models = [model for model in SklearnEngine().models() if argument in params.build(model, {}).get_params(deep=False)]
    assert models, "no model has this argument; the ceiling holds nothing"
    with pytest.raises(InvalidParameters, match="does not take") as refused:
        params.check(models[0], {argument: most + 1})
    assert refused.value.faults[0].detail == f"must be at most {most}"


def test_all_faults_are_told_at_once():
    arguments = {"n_estimators": 0, "trees": 1, "max_depth": 3}
    with pytest.raises(InvalidParameters) as refused:
        params.check(FOREST, arguments)
    assert [fault.pointer.rpartition("/")[2] for fault in refused.value.faults] == ["n_estimators", "trees"]


@pytest.mark.parametrize("labels", [("no", "yes"), (1, 2), (False, True), (0.5, 1.5)], ids=str)
def test_class_weight_names_the_callers_labels(problem, labels):
    X = pd.DataFrame({"a": np.linspace(0, 1, 20)})
    arguments = {"class_weight": {str(labels[1]): 5.0, str(labels[0]): 1.0}}
    of = problem(X, np.array([labels[0]] * 10 + [labels[1]] * 10, dtype="object"), LOGISTIC, model_args=arguments)
    checked(LOGISTIC, arguments, of.classes)
    found = SklearnEngine().search(of, Taking())
    assert found.pipeline[-1].class_weight == {0: 1.0, 1: 5.0}


def test_class_weight_with_a_class_that_no_row_has_is_refused_with_the_known_ones():
    with pytest.raises(InvalidParameters) as refused:
        checked(LOGISTIC, {"class_weight": {"maybe": 1}}, ("no", "yes"))
    assert refused.value.faults[0].detail == "known classes are no, yes"


def test_the_seed_of_the_training_is_the_models_unless_it_names_one(problem):
    X, y = pd.DataFrame({"a": np.zeros(10)}), np.array([0, 1] * 5)
    for named, expected in (({}, 7), ({"random_state": 3}, 3)):
        found = SklearnEngine().search(problem(X, y, FOREST, seed=7, model_args=named), Taking())
        assert found.pipeline[-1].random_state == expected


def test_lightgbm_writes_nothing(problem, capfd):
    of = problem(*rows(), "lightgbm.LGBMClassifier")
    evaluate.fit(SklearnEngine().search(of, Taking()).pipeline, of.X, of.y)
    assert capfd.readouterr() == ("", "")


def test_weights_are_for_models_that_take_them():
    checked(FOREST, {}, sample_weight="w")
    with pytest.raises(InvalidParameters, match="cannot weigh") as refused:
        checked("sklearn.neighbors.KNeighborsClassifier", {}, sample_weight="w")
    assert refused.value.faults[0].pointer == "/params/sample_weight"


def rows():
    """Return rows, and labels of which the first column tells something."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 3)), columns=list("abc"))
    return X, (X["a"] + np.random.default_rng(1).normal(size=120) > 0).to_numpy(dtype=int)


@pytest.mark.parametrize("metric", metrics.known_names(2)[:4])
def test_the_model_is_tried_over_the_folds_by_any_metric(problem, board, metric):
    of = problem(*rows(), LOGISTIC, metric=metric)
    made = board(of)
    found = SklearnEngine().search(of, made)
    assert (found.name, found.engine, made.trials) == (LOGISTIC, "sklearn", [found])
    assert len(found.fold_scores) == 3
    assert found.score == pytest.approx(np.mean(evaluate.over_folds(of, found)[metric]["folds"]))
    assert made.stopped is None


def test_a_limit_of_one_candidate_stops_nothing(problem, board):
    of = problem(*rows(), LOGISTIC, limits={"candidates": 1})
    assert SklearnEngine().search(of, board(of)).score is not None


def test_a_model_that_fails_says_why(problem, board):
    X, y = rows()
    of = problem(X, y.astype("float64"), "sklearn.isotonic.IsotonicRegression")
    with pytest.raises(TrainingFailed, match=r"IsotonicRegression could not be trained on this data: .*1 feature"):
        SklearnEngine().search(of, board(of))


def test_a_model_that_is_not_trained_in_time_says_so(problem, board):
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(20_000, 30)))
    X.columns = [f"x{number}" for number in X.columns]
    of = problem(X, generator.integers(0, 2, 20_000), "sklearn.svm.SVC", model_args={"C": 1e6}, seconds=2.0)
    started = time.monotonic()
    with pytest.raises(OutOfTime) as stopped:
        SklearnEngine().search(of, board(of))
    # What is left after the features is a number that nobody has set.
    assert str(stopped.value) == "The training was stopped at its time limit. Raise limits.seconds."
    assert time.monotonic() - started < 12
