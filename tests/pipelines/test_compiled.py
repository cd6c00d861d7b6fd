"""Compiled pipelines: what is compiled, that it answers as the original does, and what is served where it does not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA, FastICA
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_classif
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
)
from sklearn.tree import DecisionTreeClassifier

from app.errors import InvalidData
from app.payloads.parameters import Kind, Task
from app.pipelines.compiled import models, stored
from app.pipelines.compiled.operation import Declined, columns_of
from app.pipelines.compiling.agreement import compare
from app.pipelines.compiling.attempt import attempt
from app.pipelines.compiling.compiler import compiled
from app.pipelines.compiling.uncompiled import Uncompiled
from app.pipelines.original import Original
from app.pipelines.portfolio.ensemble import EnsembleClassifier, EnsembleRegressor
from app.pipelines.preprocess import preprocessor
from app.pipelines.sklearn.params import CLASSIFIERS, REGRESSORS, SCALED, build, names
from app.pipelines.trained import TrainedPipeline
from app.pipelines.tsfresh.relative import RelativeToLast

ROWS = 80

#: Estimators that have no compiled form, and why: the original serves them.
ORIGINAL = {
    "sklearn.compose.TransformedTargetRegressor": "nothing compiles",
    "sklearn.ensemble.AdaBoostClassifier": "does not take the rows",
    "sklearn.ensemble.AdaBoostRegressor": "does not take the rows",
    "sklearn.gaussian_process.GaussianProcessClassifier": "",
    "sklearn.kernel_ridge.KernelRidge": "nothing compiles",
    "sklearn.linear_model.TheilSenRegressor": "",
    "sklearn.neighbors.NearestCentroid": "nothing compiles",
    "sklearn.neighbors.RadiusNeighborsClassifier": "",
    "sklearn.neighbors.RadiusNeighborsRegressor": "",
    "sklearn.semi_supervised.LabelPropagation": "nothing compiles",
    "sklearn.semi_supervised.LabelSpreading": "nothing compiles",
}

#: Estimators that need other data than this, which is scaled and of many columns.
UNFIT = {
    "CategoricalNB", "ComplementNB", "MultinomialNB", "QuadraticDiscriminantAnalysis", "IsotonicRegression", "Lars",
    "LassoLarsIC", "OrthogonalMatchingPursuitCV", "RANSACRegressor",
}  # fmt: skip

#: Classifiers whose answers of more than two classes are made otherwise.
MANY = {
    "LogisticRegression", "SGDClassifier", "LinearSVC", "SVC", "MLPClassifier", "DecisionTreeClassifier",
    "RandomForestClassifier", "GradientBoostingClassifier", "HistGradientBoostingClassifier", "XGBClassifier",
    "LGBMClassifier",
}  # fmt: skip

#: Arguments that make an estimator quick here.
QUICK = {"n_estimators": 8, "Cs": 2}


@pytest.fixture(scope="module")
def table():
    """Numbers with holes, categories of which some are rare, booleans, text and dates."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": random.normal(size=ROWS),
            "money": random.exponential(size=ROWS) * 1e4,
            "town": random.choice(["Rome", "Oslo", "Łódź", "", *(f"village {n}" for n in range(35))], ROWS),
            "flag": random.integers(0, 2, ROWS).astype("float64"),
            "text": [" ".join(random.choice(["good", "Bad", "a", "naïve", "film!"], 5)) for _ in range(ROWS)],
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 10**6, ROWS), unit="min"),
        }
    ).astype({"town": "str", "text": "str", "date": "datetime64[us]"})
    frame.loc[::9, "number"] = np.nan
    frame.loc[::7, ["town", "text"]] = None
    frame.loc[::11, "date"] = pd.NaT
    return frame


KINDS = dict(
    zip(
        ["number", "money", "town", "flag", "text", "date"],
        [Kind.NUMBER, Kind.NUMBER, Kind.CATEGORY, Kind.BOOLEAN, Kind.TEXT, Kind.DATE],
        strict=True,
    )
)


def targets(table, classes):
    """Return codes of 2 or 3 classes, or numbers above 0."""
    score = table["number"].fillna(0) + table["flag"] + np.arange(ROWS) % 5
    if not classes:
        return score.to_numpy() - score.min() + 1.0
    return pd.qcut(score, classes, labels=False).to_numpy()


def fitted(table, name, classes):
    """Fit an estimator behind the preprocessing that the service puts before it."""
    model = build(name, {})
    known = model.get_params()
    if "Hist" in name or "ARD" in name:
        model.set_params(max_iter=8)
    model.set_params(**{key: value for key, value in QUICK.items() if key in known})
    if "verbose" in known and "lightgbm" in name:
        model.set_params(verbose=-1, min_child_samples=5)
    if classes and not hasattr(model, "predict_proba"):
        model = CalibratedClassifierCV(model, cv=2, ensemble=False)
    prepare = preprocessor(KINDS, name.rpartition(".")[0] in SCALED)
    return Pipeline([("preprocess", prepare), ("model", model)]).fit(table, targets(table, classes))


CASES = [
    *((name, 2) for name in names(CLASSIFIERS)),
    *((name, 3) for name in names(CLASSIFIERS) if name.rpartition(".")[2] in MANY),
    *((name, 0) for name in names(REGRESSORS)),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "classes"), [case for case in CASES if case[0].rpartition(".")[2] not in UNFIT])
def test_a_compiled_estimator_answers_as_the_original_does(table, name, classes):
    pipeline = fitted(table, name, classes)
    program, told = attempt(pipeline, table, KINDS, classes, 60.0)
    if name in ORIGINAL:
        assert program is None or not ORIGINAL[name]
        assert (told["serves"] == "original") == (program is None)
        assert ORIGINAL[name] in (told["why"] or "")
        return
    assert told["serves"] == "compiled", told
    assert told["rows"] > ROWS
    others = table.sample(frac=1, random_state=1).reset_index(drop=True)
    expected = pipeline.predict_proba(others) if classes else pipeline.predict(others).reshape(-1, 1)
    np.testing.assert_allclose(program(columns_of(others)), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "step",
    [
        Binarizer(threshold=0.1),
        FastICA(3, random_state=0, whiten="unit-variance", max_iter=1000, tol=0.1),
        FeatureUnion([("a", MinMaxScaler()), ("b", PCA(2))]),
        MaxAbsScaler(),
        MinMaxScaler(clip=True, feature_range=(-1, 2)),
        Normalizer(norm="l1"),
        Normalizer(norm="l2"),
        Normalizer(norm="max"),
        Nystroem(n_components=10, random_state=0),
        PCA(3, whiten=True),
        PolynomialFeatures(3),
        make_pipeline(QuantileTransformer(n_quantiles=20), SplineTransformer(n_knots=4)),
        SplineTransformer(n_knots=5, degree=2),
        RobustScaler(),
        SelectKBest(f_classif, k=2),
        VarianceThreshold(),
        "passthrough",
    ],
    ids=str,
)
def test_a_compiled_transformer_makes_of_numbers_what_the_original_does(step):
    random = np.random.default_rng(1)
    X = pd.DataFrame(random.normal(size=(ROWS, 4)).round(2), columns=list("abcd"))
    y = (X["a"] * X["b"] > 0).to_numpy().astype("int64")
    pipeline = Pipeline([("step", step), ("model", LogisticRegression(max_iter=5000))]).fit(X, y)
    program, told = attempt(pipeline, X, dict.fromkeys(X.columns, Kind.NUMBER), 2, 60.0)
    assert told["serves"] == "compiled", told
    assert "Graph(" not in repr(program)


def test_mixes_of_pipelines_and_forecasts_are_compiled(table):
    y = targets(table, 2)
    member = Pipeline([("preprocess", preprocessor(KINDS, True)), ("model", LogisticRegression(max_iter=500))])
    mix = EnsembleClassifier(
        [("a", member, 0.25), ("b", fitted(table, "sklearn.tree.DecisionTreeClassifier", 2), 0.75)]
    )
    assert attempt(Pipeline([("model", mix.fit(table, y))]), table, KINDS, 2, 60.0)[1]["serves"] == "compiled"
    numbers = pd.DataFrame(
        {"x__last": np.arange(50.0), "x__lag_1": np.arange(50.0) - 1, "step": np.tile([1.0, 2.0], 25)}
    )
    kinds = dict.fromkeys(numbers.columns, Kind.NUMBER)
    inner = Pipeline([("preprocess", preprocessor(kinds, True)), ("model", Ridge())])
    mean = EnsembleRegressor([("a", inner, 1.0)])
    forecast = Pipeline([("model", RelativeToLast(Pipeline([("model", mean)])).fit(numbers, np.arange(50.0) * 2))])
    assert attempt(forecast, numbers, kinds, 0, 60.0)[1]["serves"] == "compiled"


class Unknown(BaseEstimator):
    """A model of nobody's."""

    classes_ = np.array([0, 1])

    def fit(self, X, y):
        """Learn nothing."""
        return self

    def predict_proba(self, X):
        """Return the same for all."""
        return np.tile([0.25, 0.75], (len(X), 1))


def test_a_model_that_nothing_compiles_is_served_as_it_is_and_the_record_says_so(table):
    model = Pipeline([("preprocess", preprocessor(KINDS, True)), ("model", Unknown())]).fit(table, targets(table, 2))
    assert attempt(model, table, KINDS, 2, 60.0) == (None, {"serves": "original", "why": "nothing compiles Unknown"})


def test_a_step_in_a_state_that_nobody_thought_of_does_not_fail_its_training(table, caplog):
    # Called as one that is compiled, without what that one has learned.
    strange = type("LogisticRegression", (Unknown,), {"__module__": "sklearn.of_tomorrow"})
    model = Pipeline([("preprocess", preprocessor(KINDS, True)), ("model", strange())]).fit(table, targets(table, 2))
    program, told = attempt(model, table, KINDS, 2, 60.0)
    assert program is None
    assert told == {"serves": "original", "why": "it could not be compiled (AttributeError)"}
    assert "could not be compiled" in caplog.text


def test_without_time_the_comparison_ends_after_its_first_rows(table):
    pipeline = fitted(table, "sklearn.tree.DecisionTreeClassifier", 2)
    assert compare(compiled(pipeline, list(table.columns)), pipeline, table, KINDS, 2, 0.0) == ROWS


@pytest.mark.parametrize("off", [2e-6, 0.4])
def test_a_compiled_form_that_answers_otherwise_does_not_serve(table, off):
    pipeline = fitted(table, "sklearn.tree.DecisionTreeClassifier", 2)
    right = compiled(pipeline, list(table.columns))
    *before, last = right.steps

    class Wrong:
        def __call__(self, X):
            found = last(X)
            found[-1] += [-off, off]
            return found

    compare(right, pipeline, table, KINDS, 2, 60.0)
    with pytest.raises(Uncompiled, match=r"off by up to|another class"):
        compare(replace(right, steps=(*before, Wrong())), pipeline, table, KINDS, 2, 60.0)


def test_an_edge_is_compared_that_no_row_of_training_has(table):
    pipeline = fitted(table, "sklearn.linear_model.LogisticRegression", 2)
    right = compiled(pipeline, list(table.columns))

    class Wrong:
        """Right but for a town that nobody has seen."""

        def __call__(self, columns):
            found = right(columns)
            return np.where((columns["town"] == "never seen")[:, None], found[:, ::-1], found)

    with pytest.raises(Uncompiled):
        compare(Wrong(), pipeline, table, KINDS, 2, 60.0)


def test_numbers_that_estimators_refuse_are_left_to_the_original(table):
    pipeline = fitted(table, "sklearn.ensemble.RandomForestClassifier", 2)
    program = compiled(pipeline, list(table.columns))
    wild = table.iloc[:2].copy()
    wild.loc[0, "money"] = 1e300
    with pytest.raises(Declined):
        program(columns_of(wild))
    served = TrainedPipeline(
        task=Task.CLASSIFICATION,
        signature=None,
        features=None,
        classes=("a", "b"),
        positive_class="b",
        columns=tuple(table.columns),
        original=Original.of(pipeline, table),
        libraries={},
        compiled=program,
    )
    with pytest.raises(InvalidData, match="RandomForestClassifier cannot predict"):
        served.predict(wild)
    assert served.predict(wild.iloc[1:]).shape == (1, 2)


def test_another_protocol_is_not_read_but_the_original_serves(table, monkeypatch):
    data = stored.dumps(compiled(fitted(table, "sklearn.tree.DecisionTreeClassifier", 2), list(table.columns)))
    assert stored.loads(data) is not None
    monkeypatch.setattr(stored, "PROTOCOL", stored.PROTOCOL + 1)
    assert stored.loads(data) is None


def test_every_operation_is_stored_under_its_name():
    assert len(stored.OPERATIONS) == len({kind.__name__ for kind in stored.OPERATIONS.values()})
    kept = models.Linear(np.eye(2), np.zeros(2))
    again = stored.loads(stored.dumps(kept))
    np.testing.assert_array_equal(again(np.ones((1, 2))), [[1, 1]])


def test_a_tree_of_one_is_a_forest_of_one(table):
    X, y = table[["money"]], targets(table, 3)
    tree = Pipeline([("model", DecisionTreeClassifier(max_depth=3).fit(X, y))])
    program = compiled(tree, ["money"])
    np.testing.assert_array_equal(program(columns_of(X)), tree.predict_proba(X))
