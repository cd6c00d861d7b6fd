"""Which column is behind each input of the last step."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier
from tpot.builtin_modules import (
    AddTransformer,
    ColumnOneHotEncoder,
    EstimatorTransformer,
    Passthrough,
    SkipTransformer,
    ZeroCount,
)

from app.explain.structure import final_step, members
from app.payloads.parameters import Kind
from app.pipelines import preprocess
from app.pipelines.portfolio.ensemble import EnsembleClassifier


@pytest.fixture(scope="module")
def rows():
    """Two numbers and a text of three values, and classes of which `b` tells the most."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"a": generator.normal(size=60), "b": generator.normal(size=60)})
    X["text"] = pd.array(np.resize(["x", "y", "z"], 60), dtype="str")
    return X, (X["b"] > 0).to_numpy().astype(int)


#: Before any other step: the numbers first, then a column a category.
KNOWN = ["a", "b", "text", "text", "text"]


@pytest.mark.parametrize(
    ("steps", "origins"),
    [
        pytest.param([], KNOWN, id="nothing between"),
        *(
            pytest.param([step], KNOWN, id=type(step).__name__)
            for step in (
                Binarizer(), FunctionTransformer(), MaxAbsScaler(), MinMaxScaler(), Passthrough(), PowerTransformer(),
                QuantileTransformer(n_quantiles=10), RobustScaler(), StandardScaler(),
            )
        ),
        pytest.param([SplineTransformer(n_knots=3)], [name for name in KNOWN for _ in range(5)], id="splines"),
        pytest.param([SelectKBest(k=1)], ["b"], id="a selector"),
        pytest.param([StandardScaler(), SelectKBest(k=1), MinMaxScaler()], ["b"], id="a selector between scalers"),
        pytest.param([VarianceThreshold()], KNOWN, id="a selector that keeps all"),
        pytest.param([make_union(Passthrough(), SelectKBest(k=1))], [*KNOWN, "b"], id="a union"),
        pytest.param([ColumnOneHotEncoder()], ["text"] * 6 + ["a", "b"], id="categories of few values"),
        pytest.param([ColumnOneHotEncoder(columns=[1])], ["b"] * 60 + ["a"] + ["text"] * 3, id="of a number"),
        pytest.param([SelectKBest(k=1), ColumnOneHotEncoder()], ["b"], id="no categories"),
        pytest.param([make_union(SkipTransformer(), SelectKBest(k=1))], ["b"], id="a union that skips"),
        pytest.param([make_union(make_union(SelectKBest(k=1)), Passthrough())], ["b", *KNOWN], id="unions in a union"),
        pytest.param([PCA(3)], None, id="principal components"),
        pytest.param([PCA(5)], None, id="as many principal components as columns"),
        pytest.param([Normalizer()], None, id="rows of one length"),
        pytest.param([PolynomialFeatures(2)], None, id="products"),
        pytest.param([ZeroCount()], None, id="counts of zeros"),
        pytest.param([AddTransformer()], None, id="sums"),
        pytest.param([EstimatorTransformer(LogisticRegression())], None, id="a stacked estimator"),
        pytest.param([make_union(Passthrough(), PCA(2))], None, id="a union with principal components"),
        pytest.param([make_union(EstimatorTransformer(LogisticRegression()))], None, id="a union of a stack"),
    ],
)  # fmt: skip
def test_each_input_has_its_origin_or_the_trace_is_given_up(rows, assembled, steps, origins):
    X, y = rows
    model = make_pipeline(*steps, LogisticRegression()) if steps else LogisticRegression()
    fitted = assembled(X, model, scaled=False).fit(X, y)
    final = final_step(members(fitted), X)
    if origins is None:
        assert final is None
        return
    assert list(final.origins) == origins
    assert isinstance(final.model, LogisticRegression)
    inputs = final.transform(X)
    assert inputs.shape == (60, len(origins))
    # The last step, given its inputs, answers as the whole pipeline does.
    np.testing.assert_array_equal(final.model.predict_proba(inputs), fitted.predict_proba(X))


def test_pipelines_in_pipelines_are_followed(rows, assembled):
    X, y = rows
    inner = make_pipeline(SelectKBest(k=2), make_pipeline(StandardScaler(), LogisticRegression()))
    final = final_step(members(assembled(X, inner, scaled=True).fit(X, y)), X)
    assert len(final.origins) == 2
    assert "b" in final.origins


def test_a_pipeline_of_features_that_are_all_numbers_is_followed():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=["s__mean", "s__max", "s__min"])
    y = (X["s__max"] > 0).to_numpy()
    for scaled in (False, True):
        fitted = Pipeline([("preprocess", preprocess.numbers_only(scaled)), ("model", LogisticRegression())]).fit(X, y)
        assert list(final_step(members(fitted), X).origins) == list(X.columns)


def test_every_kind_of_column_is_behind_inputs_of_its_own(assembled):
    X = pd.DataFrame({"n": np.arange(60.0), "when": pd.date_range("2020-01-01", periods=60).astype("datetime64[us]")})
    X["code"] = pd.array([f"k{number}" for number in range(60)], dtype="str")
    X["said"] = pd.array([f"word{number % 9} and word{number % 7}" for number in range(60)], dtype="str")
    y = np.arange(60) % 2
    final = final_step(members(assembled(X, LogisticRegression(), said=Kind.TEXT).fit(X, y)), X)
    assert set(final.origins) == set(X.columns)
    for name in X.columns:
        changed = X.assign(**{name: X[name].to_numpy()[::-1]}).astype(X.dtypes.to_dict())
        moved = (final.transform(changed) != final.transform(X)).any(axis=0)
        assert {final.origins[place] for place in np.flatnonzero(moved)} == {name}


def mix(*members):
    """Return a mix of pipelines, each with the same share."""
    shares = [(str(place), member, 1 / len(members)) for place, member in enumerate(members)]
    return Pipeline([("model", EnsembleClassifier(shares))])


def test_of_a_mix_the_inputs_of_all_are_side_by_side(rows, assembled):
    X, y = rows
    inner = make_pipeline(SelectKBest(k=1), DecisionTreeClassifier(max_depth=2))
    fitted = mix(assembled(X, LogisticRegression(), scaled=True), assembled(X, inner)).fit(X, y)
    final = final_step(members(fitted), X)
    assert final.origins == (*KNOWN, "b")
    np.testing.assert_array_equal(final.answers(final.transform(X)), fitted.predict_proba(X))


def test_a_mix_of_which_one_mixes_columns_is_not_followed_but_taken_apart(rows, assembled):
    X, y = rows
    inner = make_pipeline(PCA(2), LogisticRegression())
    found = members(mix(assembled(X, LogisticRegression()), assembled(X, inner)).fit(X, y))
    assert [member.share for member in found] == [0.5, 0.5]
    assert [len(member.steps) for member in found] == [1, 2]
    assert final_step(found, X) is None


def test_pipelines_of_other_steps_are_not_followed(rows, assembled):
    X, y = rows
    whole = assembled(X, LogisticRegression())
    mixed = VotingClassifier([("a", whole), ("b", assembled(X, DecisionTreeClassifier()))])
    for pipeline in (
        Pipeline([("model", mixed)]),
        Pipeline([("model", whole)]),
        Pipeline([("numbers", FunctionTransformer(lambda rows: rows[["a", "b"]])), ("model", LogisticRegression())]),
        Pipeline([("pick", FunctionTransformer()), *assembled(X, LogisticRegression()).steps]),
        mix(Pipeline([("pick", FunctionTransformer()), *assembled(X, LogisticRegression()).steps]), whole),
        mix(mix(whole, whole), whole),
    ):
        assert members(pipeline.fit(X, y)) == ()
        assert final_step(members(pipeline.fit(X, y)), X) is None
