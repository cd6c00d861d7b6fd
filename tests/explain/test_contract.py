"""What every method promises of every kind of model."""

import io
import json
import math

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectPercentile
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from tpot.builtin_modules import Passthrough, SkipTransformer
from xgboost import XGBClassifier, XGBRegressor

from app.errors import InvalidParameters, Unacceptable, listed
from app.explain import registry
from app.explain.base import Case
from app.explain.registry import METHODS, Scope
from app.payloads import explaining
from app.payloads.parameters import Kind, Task
from app.routes import schemas
from tests.explain.functions import asked, shares
from tests.explain.trained import RECIPES

#: Methods that fit every table of columns.
COLUMNS = [
    "lime", "shap", "counterfactual", "nearest", "ice", "partial_dependence", "permutation_importance", "summary",
    "sp_lime",
]  # fmt: skip

#: Those that fit what is computed of series as well.
OF_SERIES = [*COLUMNS, "segments", "features_on_signal"]

#: {model: the methods that fit it}. All others are refused.
FITTING = {
    "three classes": [*COLUMNS, "interactions"],
    "numbers": COLUMNS,
    "linear": COLUMNS,
    "customers": [*COLUMNS, "interactions"],
    "texts": ["lime", "shap", "summary", "sp_lime"],
    "network of texts": ["lime", "shap", "summary", "sp_lime"],
    "images": ["lime", "shap", "summary"],
    "network of images": ["lime", "shap", "grad_cam", "summary"],
    "series": [*OF_SERIES, "interactions"],
    "stacked series": [*OF_SERIES, "interactions"],
    "whole series": ["segments", "permutation_importance", "summary"],
    "forecast": OF_SERIES,
    "network of numbers": [*COLUMNS, "gradients"],
    "network of classes": [*COLUMNS, "gradients"],
}

#: What is asked for, so that it takes little time; nothing here is about how good an answer is.
FEW = {
    "lime": {"num_samples": 100},
    "shap": {"num_samples": 100},
    "segments": {"num_samples": 60, "num_segments": 6},
    "features_on_signal": {"num_samples": 200, "num_segments": 6},
    "gradients": {"num_samples": 50},
    # No deadline may end it, as another time would be another answer.
    "counterfactual": {"count": 1, "seconds": 60},
    "ice": {"grid_size": 2},
    "partial_dependence": {"grid_size": 2, "num_rows": 10},
    "permutation_importance": {},
    "interactions": {"num_rows": 10},
    "summary": {"num_samples": 50, "num_rows": 4},
    "sp_lime": {"num_samples": 60, "sample_size": 4, "num_explanations": 2},
}

#: Methods that draw something for each row; others only draw rows, or nothing.
DRAWN = {
    "lime": set(FITTING) - {"whole series"},
    # Of short texts all coalitions of words are asked for.
    "shap": {"numbers", "images", "network of images", "forecast", "network of numbers", "network of classes"},
    "segments": {"series", "stacked series", "whole series", "forecast"},
    "features_on_signal": {"forecast"},
    "gradients": {"network of numbers", "network of classes"},
}


def wanted(method, model, **more):
    """Return what is asked for of a model."""
    numbers = {"at_least": 0.0} if method == "counterfactual" and not model.pipeline.classes else {}
    return {"num_features": 3, **FEW.get(method, {}), **numbers, **more}


def answered(method, model, **more):
    """Ask a trained pipeline; series are sent wherever they can be."""
    if METHODS[method].scope is Scope.LOCAL:
        return model.explain(method, **wanted(method, model, ids=[model.ids[1], model.ids[0]], **more))
    whole = method == "summary" and model.pipeline.features is not None
    return model.explain(method, sent=whole, **wanted(method, model, **more))


def entries(answer):
    """Return all explanations of an answer."""
    return [*answer["explanations"], *answer["overall"]]


def test_every_method_has_its_parameters():
    assert list(METHODS) == list(explaining.METHODS)
    assert {name: method.scope is Scope.LOCAL for name, method in METHODS.items()} == {
        name: parameters.needs_rows for name, parameters in explaining.METHODS.items()
    }
    for name in METHODS:
        assert callable(registry.resolve(name))


def test_every_kind_of_model_has_the_methods_that_fit_it(trained):
    assert list(FITTING) == list(RECIPES)
    for name, methods in FITTING.items():
        assert set(registry.fitting(trained(name).subject)) == set(methods), name
    assert set().union(*FITTING.values()) == set(METHODS)


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for name in FITTING for method in METHODS if method not in FITTING[name]]
)
def test_a_method_that_does_not_fit_is_refused_with_those_that_do(trained, method, name):
    model = trained(name)
    with pytest.raises(InvalidParameters, match=f"^{method} does not fit this model: .*[a-z]\\.$") as refused:
        answered(method, model)
    assert refused.value.status == 422
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/method"
    assert fault.detail == f"those that fit are {listed(one for one in METHODS if one in FITTING[name])}"


@pytest.mark.parametrize(("method", "name"), [(method, name) for name in FITTING for method in FITTING[name]])
def test_every_answer_keeps_the_contract(trained, method, name):
    model = trained(name)
    answer = answered(method, model)
    _check_form(answer, method, model)
    for entry in entries(answer):
        _check_contributions(entry, model)
        classes = model.pipeline.classes if METHODS[method].by_class else ()
        assert entry["target"] in (classes or (None,))
    if METHODS[method].scope is Scope.LOCAL:
        # Of a forecast each step of the series that are named.
        steps = (1, 2, 3) if name == "forecast" else (None,)
        named = [(entry["id"], entry.get("step")) for entry in answer["explanations"]]
        assert named == [(one, step) for one in (model.ids[1], model.ids[0]) for step in steps]
        assert answer["overall"] == []
    else:
        assert len(answer["overall"]) == (_classes_told(model) if METHODS[method].by_class else 1)
        assert (answer["explanations"] != []) == (method == "sp_lime")

    again = answered(method, model)
    assert answer | {"seconds": 0} == again | {"seconds": 0}
    if name in DRAWN.get(method, ()):
        other = answered(method, model, seed=1)
        assert other["seed"] == 1
        assert other["explanations"] != answer["explanations"]


def _classes_told(model):
    """Return how many classes a model is explained for: of two one, or both of images, whose maps have no sign."""
    count = len(model.pipeline.classes)
    return count if count > 2 or (count and model.subject.images is not None) else 1


def _check_form(answer, method, model):
    """Hold an answer against its document: strict JSON with every field, and none that is unknown to it."""
    read = json.loads(json.dumps(answer, allow_nan=False))
    assert read == answer
    schemas.Explanations.model_validate(read, strict=True)
    assert set(answer) == set(schemas.Explanations.model_fields)
    assert answer["method"] == method
    assert answer["task"] == model.pipeline.task.value
    first = (answer["overall"] or answer["explanations"])[0]
    for name in ("algorithm", "scale", "num_samples", "background", "ended"):
        assert answer[name] == first[name]
    for entry, of in ((one, schemas.Explanation) for one in answer["explanations"]):
        assert {name for name, field in of.model_fields.items() if field.is_required()} <= set(entry)
    for entry in answer["overall"]:
        assert {n for n, field in schemas.OverallExplanation.model_fields.items() if field.is_required()} <= set(entry)
    for entry in entries(answer):
        for one in entry["contributions"]:
            assert set(one) <= set(schemas.Contribution.model_fields)


def _check_contributions(entry, model):
    """Hold contributions against the caller's columns, their order, their number, and what they add up to."""
    given = [one["contribution"] for one in entry["contributions"]]
    assert all(math.isfinite(share) for share in given)
    assert [abs(share) for share in given] == sorted(map(abs, given), reverse=True)
    assert len(given) <= 3
    assert entry["rest"]["features"] == 0 or len(given) == 3
    known = {*model.sent.columns, *model.pipeline.columns, *getattr(model.pipeline.features, "signals", ())}
    for one in entry["contributions"]:
        assert one["feature"] in known
        assert ("interval" in one) == ("standard_error" in one)
        if "interval" in one:
            assert one["interval"][0] <= one["contribution"] <= one["interval"][1]
    if entry.get("local_prediction") is not None and entry["base_value"] is not None:
        total = entry["base_value"] + math.fsum(given) + entry["rest"]["contribution"]
        assert total == pytest.approx(entry["local_prediction"], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", ["three classes", "numbers", "customers", "network of classes"])
@pytest.mark.parametrize("method", ["lime", "shap", "ice"])
def test_values_come_back_as_they_were_sent(trained, method, name):
    model = trained(name)
    sent = model.sent.set_index(model.pipeline.signature.id_column)
    answer = model.explain(method, **FEW[method], ids=model.ids[:3], num_features=100)
    for entry in answer["explanations"]:
        row = sent.loc[entry["id"]]
        assert entry["contributions"]
        for one in entry["contributions"]:
            value = row[one["feature"]]
            if one["feature"] == "since":
                assert one["value"] == f"{value}T00:00:00"
            elif pd.isna(value):
                assert one["value"] is None
            else:
                assert one["value"] == value
                assert isinstance(one["value"], bool) == (one["feature"] == "member")


#: {model: rows or series that nobody expects}, by what is odd in them.
ODD = {
    "three classes": lambda sent: {
        "nothing at all": sent.head(1).assign(**dict.fromkeys(sent.columns.drop("id"), None)),
        "unheard of": sent.head(1).assign(island="Atlantis", sex=""),
        "far away": sent.head(1).assign(body_mass_g=1e300, year=-1e300),
        "one row twice": pd.concat([sent.head(1)] * 2),
    },
    "customers": lambda sent: {
        "nothing at all": sent.head(1).assign(**dict.fromkeys(sent.columns.drop("customer"), None)),
        "unheard of": sent.head(1).assign(city="<b>=1+1</b>", plan="💶", note="???"),
        "long ago": sent.head(1).assign(since="0001-01-02", age=-5),
    },
    "network of numbers": lambda sent: {
        "nothing at all": sent.head(1).assign(age=None, bmi=None, bp=None, s5=None),
        "far away": sent.head(1).assign(age=1e9, bmi=-1e9),
    },
    "texts": lambda sent: {
        "one word": sent.head(1).assign(note="rude"),
        "one word again and again": sent.head(1).assign(note="rude " * 50),
        "no word of training": sent.head(1).assign(note="日本語 <script>alert(1)</script> =SUM(A1)"),
        "a book": sent.head(1).assign(note=" ".join(f"word{number}" for number in range(700))),
    },
    "series": lambda sent: {
        "flat": sent.groupby("wave", sort=False).head(50).assign(height=1.0).head(50),
        "a few samples": sent.head(3),
        "one sample": sent.head(1),
        "the same time for all": sent.head(20).assign(when="2024-01-01"),
    },
    "whole series": lambda sent: {"flat": sent.head(40).assign(height=1.0, wind=0.0), "one sample": sent.head(1)},
    "forecast": lambda sent: {"flat": sent.head(30).assign(sales=1.0), "as long as the window": sent.head(10)},
}


#: {model: {what is odd: the methods that refuse it}}: a forest takes no such numbers, as it says of a prediction too.
REFUSED = {"three classes": {"far away": {"lime", "shap", "counterfactual", "nearest", "ice"}}}


@pytest.mark.parametrize("name", ODD)
def test_odd_rows_and_series_are_explained_or_refused(trained, name):
    model, refused = trained(name), {}
    for odd, sent in ODD[name](model.sent).items():
        for method in FITTING[name]:
            if METHODS[method].scope is Scope.GLOBAL:
                continue
            try:
                answer = model.explain(method, sent=sent.reset_index(drop=True), **wanted(method, model))
            except Unacceptable:
                refused.setdefault(odd, set()).add(method)
                continue
            _check_form(answer, method, model)
            for entry in entries(answer):
                _check_contributions(entry, model)
    assert refused == REFUSED.get(name, {})


@pytest.mark.parametrize("name", ["images", "network of images"])
@pytest.mark.parametrize(
    "image",
    [np.zeros((1, 1), "uint8"), np.full((300, 7, 3), 255, "uint8"), np.arange(400, dtype="uint8").reshape(10, 10, 4)],
    ids=["a pixel", "a stripe", "with transparency"],
)
def test_odd_images_are_explained(trained, name, image):
    model = trained(name)
    written = io.BytesIO()
    Image.fromarray(image).save(written, "PNG")
    sent = model.sent.head(1).assign(image=[written.getvalue()])
    for method in ("lime", "shap", *(["grad_cam"] if name == "network of images" else [])):
        answer = model.explain(method, sent=sent, **wanted(method, model))
        _check_form(answer, method, model)
        assert len(answer["explanations"]) == 1


@pytest.mark.parametrize("name", ["three classes", "numbers", "texts", "images", "series", "whole series", "forecast"])
def test_one_row_is_enough_for_a_method_over_many(trained, name):
    model = trained(name)
    first = model.sent[model.sent[model.pipeline.signature.id_column] == model.ids[0]]
    for method in FITTING[name]:
        if METHODS[method].scope is Scope.LOCAL or method == "permutation_importance":
            continue
        answer = model.explain(method, sent=first.reset_index(drop=True), **wanted(method, model))
        _check_form(answer, method, model)
        # Of a forecast each step is a row.
        assert {entry["rows"] for entry in answer["overall"]} == {3 if name == "forecast" else 1}
        for entry in entries(answer):
            _check_contributions(entry, model)


def searched(last):
    """Return a pipeline as TPOT finds them: scaler, selector, union, estimator."""
    union = make_union(make_union(MinMaxScaler(), SkipTransformer()), Passthrough())
    return make_pipeline(StandardScaler(), SelectPercentile(percentile=60), union, last)


#: {model: (estimator, how SHAP is expected to explain two classes, and three)}.
CLASSIFIERS = {
    "linear": (LogisticRegression(), "linear", "linear"),
    "tree": (DecisionTreeClassifier(max_depth=4), "tree", "tree"),
    "forest": (RandomForestClassifier(10, random_state=0), "tree", "tree"),
    "extra trees": (ExtraTreesClassifier(10, random_state=0), "tree", "tree"),
    "gradient boosting": (GradientBoostingClassifier(n_estimators=10), "tree", "permutation"),
    "histogram boosting": (HistGradientBoostingClassifier(max_iter=10), "tree", "tree"),
    "xgboost": (XGBClassifier(n_estimators=10, n_jobs=1), "tree", "tree"),
    "lightgbm": (LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1), "tree", "tree"),
    "support vectors": (CalibratedClassifierCV(SVC(), ensemble=False, cv=2), "permutation", "permutation"),
    "linear support vectors": (CalibratedClassifierCV(LinearSVC(), ensemble=False, cv=2), "permutation", "permutation"),
    "searched forest": (searched(RandomForestClassifier(10, random_state=0)), "tree", "tree"),
    "searched linear": (searched(LogisticRegression()), "linear", "linear"),
    "principal components": (make_pipeline(PCA(3, random_state=0), LogisticRegression()), "permutation", "permutation"),
}

REGRESSORS = {
    "linear": (LinearRegression(), "linear"),
    "forest": (RandomForestRegressor(10, random_state=0), "tree"),
    "gradient boosting": (GradientBoostingRegressor(n_estimators=10), "tree"),
    "histogram boosting": (HistGradientBoostingRegressor(max_iter=10), "tree"),
    "xgboost": (XGBRegressor(n_estimators=10, n_jobs=1), "tree"),
    "lightgbm": (LGBMRegressor(n_estimators=10, n_jobs=1, verbose=-1), "tree"),
    "support vectors": (SVR(), "permutation"),
    "searched": (make_pipeline(StandardScaler(), Ridge()), "linear"),
    "principal components": (make_pipeline(PCA(3, random_state=0), LinearRegression()), "permutation"),
}

CASES = [
    *(
        pytest.param(kind, model, id=f"{kind} of {model}")
        for kind in ("two classes", "three classes")
        for model in CLASSIFIERS
    ),
    *(pytest.param("numbers", model, id=f"numbers of {model}") for model in REGRESSORS),
]

#: Samples that are enough for a contract that says nothing of their number, and too few for all coalitions.
SAMPLES = 300


@pytest.fixture(scope="module")
def explained(penguins, diabetes, subject):
    """Return a function that gives the fitted subject of a case, made once, and a row of it with a missing value."""
    made = {}

    def make(kind, model):
        if (kind, model) not in made:
            if kind == "numbers":
                made[kind, model] = subject(*diabetes, REGRESSORS[model][0], Task.REGRESSION)
            else:
                X, species = penguins
                labels = species == "Gentoo" if kind == "two classes" else species
                made[kind, model] = subject(X, labels, CLASSIFIERS[model][0])
        return made[kind, model]

    return make


def algorithm(kind, model):
    """Tell how SHAP is expected to explain a case."""
    if kind == "numbers":
        return REGRESSORS[model][1]
    return CLASSIFIERS[model][1 if kind == "two classes" else 2]


def ask(method, output=0, num_samples=SAMPLES, **more):
    """Ask a method that draws samples."""
    return asked(method, output, num_samples=num_samples, **more)


@pytest.mark.parametrize(("kind", "model"), CASES)
@pytest.mark.parametrize("method", ["lime", "shap"])
def test_every_estimator_is_explained_by_its_columns(explained, method, kind, model):
    shown, explain = explained(kind, model), registry.resolve(method)
    row = shown.background.iloc[[2]]
    for output in (0,) if kind == "numbers" else (0, 1):
        local = explain(shown, Case(row), ask(method, output))
        assert explain(shown, Case(row.copy()), ask(method, output)) == local
        assert list(shares(local)) == list(shown.columns)
        assert all(isinstance(share, float) and np.isfinite(share) for share in shares(local).values())
        assert local.local_prediction == pytest.approx(local.base_value + sum(shares(local).values()), rel=1e-6)
        answer = shown.predict(row)[0, output]
        if method == "lime":
            assert local.algorithm == "lime_tabular"
            assert set(local.trust) == {"fidelity", "standard_error", *({"divergence"} if kind != "numbers" else ())}
            assert local.trust["fidelity"] <= 1
            assert local.num_samples == SAMPLES
            assert all(one.condition and one.error is not None for one in local.contributions)
        else:
            assert local.algorithm == algorithm(kind, model)
            drawn = local.algorithm == "permutation"
            assert set(local.trust) == {"additivity_error", *(["standard_error"] if drawn else ())}
            assert all((one.error is not None) == drawn for one in local.contributions)
            assert local.trust["additivity_error"] < 1e-6 * max(1, abs(local.local_prediction))
            if local.scale in ("probability", "value"):
                assert local.local_prediction == pytest.approx(answer, abs=1e-4)
            elif local.scale == "log_odds":
                assert 1 / (1 + np.exp(-local.local_prediction)) == pytest.approx(answer, abs=1e-6)


@pytest.mark.parametrize("model", ["linear", "forest", "support vectors", "principal components"])
@pytest.mark.parametrize("method", ["lime", "shap"])
def test_a_row_is_explained_the_same_whatever_was_explained_before(explained, method, model):
    shown, explain = explained("three classes", model), registry.resolve(method)
    rows = [shown.background.iloc[[place]] for place in (0, 1, 2)]
    forward = [explain(shown, Case(row), ask(method)) for row in rows]
    backward = [explain(shown, Case(row), ask(method)) for row in rows[::-1]]
    assert forward == backward[::-1]


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_another_seed_draws_other_rows(explained, method):
    shown, explain = explained("two classes", "support vectors"), registry.resolve(method)
    row = shown.background.iloc[[0]]
    first, other = (explain(shown, Case(row), ask(method, num_samples=100, seed=seed)) for seed in (0, 1))
    assert first.contributions != other.contributions


@pytest.mark.parametrize("kind", ["two classes", "three classes"])
@pytest.mark.parametrize("model", ["linear", "forest", "histogram boosting", "support vectors"])
def test_the_column_that_decides_has_the_largest_share(subject, kind, model):
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.uniform(size=(200, 3)), columns=["noise", "decides", "more_noise"])
    labels = np.digitize(X["decides"], [0.5] if kind == "two classes" else [0.3, 0.6])
    shown = subject(X, labels, CLASSIFIERS[model][0])
    row = X.iloc[[int(X["decides"].argmax())]]
    for method in ("lime", "shap"):
        found = shares(registry.resolve(method)(shown, Case(row), ask(method, int(labels.max()))))
        assert max(found, key=lambda name: abs(found[name])) == "decides"
        assert found["decides"] > 0


@pytest.fixture(scope="module")
def mixed():
    """Every kind that can be mixed, with missing values; classes of which the date tells the most."""
    when = pd.date_range("2020-01-01", periods=80, freq="31h").astype("datetime64[us]")
    X = pd.DataFrame({"n": np.where(np.arange(80) % 9, np.arange(80.0) % 7, np.nan), "when": when})
    X.loc[5, "when"] = pd.NaT
    X["colour"] = pd.array(np.resize(["red", "blue", None], 80), dtype="str")
    X["said"] = pd.array([f"word{number % 9} and word{number % 7} again" for number in range(80)], dtype="str")
    return X, np.arange(80) >= 40


@pytest.mark.parametrize("model", [LogisticRegression(), RandomForestClassifier(10, random_state=0), GaussianNB()])
@pytest.mark.parametrize("method", ["lime", "shap"])
def test_every_kind_of_column_has_its_share(mixed, subject, method, model):
    X, labels = mixed
    shown = subject(X, labels, model, said=Kind.TEXT)
    local = registry.resolve(method)(shown, Case(X.iloc[[70]]), ask(method, 1))
    assert set(shares(local)) == set(X.columns)
    assert max(shares(local), key=lambda name: abs(shares(local)[name])) == "when"
    if method == "shap":
        assert local.local_prediction == pytest.approx(local.base_value + sum(shares(local).values()))
