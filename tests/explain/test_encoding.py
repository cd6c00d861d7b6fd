"""Rows as numbers and back."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from app.errors import InvalidParameters
from app.explain import registry
from app.explain.base import Asked
from app.explain.encoding import Encoding
from app.payloads.parameters import Kind


@pytest.fixture
def mixed():
    """Every kind that can be mixed, with missing values; classes of which the date tells the most."""
    when = pd.date_range("2020-01-01", periods=80, freq="31h").astype("datetime64[us]")
    X = pd.DataFrame({"n": np.where(np.arange(80) % 9, np.arange(80.0) % 7, np.nan), "when": when})
    X.loc[5, "when"] = pd.NaT
    X["colour"] = pd.array(np.resize(["red", "blue", None], 80), dtype="str")
    X["said"] = pd.array([f"word{number % 9} and word{number % 7} again" for number in range(80)], dtype="str")
    return X, np.arange(80) >= 40


def test_rows_come_back_as_they_were_with_medians_for_what_is_missing(mixed):
    X, _ = mixed
    encoding = Encoding.fit(X, X.head(1))
    encoded = encoding.encode(X)
    assert encoded.dtype == "float64"
    assert np.isfinite(encoded).all()
    filled = X.assign(n=X["n"].fillna(X["n"].median()), when=X["when"].fillna(X["when"].median().round("us")))
    pd.testing.assert_frame_equal(encoding.decode(encoded), filled, check_exact=False)
    assert encoded[0, 1] == pd.Timestamp("2020-01-01").timestamp()


@pytest.mark.parametrize(
    "moment", ["0001-01-02", "1969-12-31T23:59:59.999999", "2262-05-01T00:00:00.000001", "9999-12-30"]
)
def test_dates_of_any_year_come_back(moment):
    X = pd.DataFrame({"when": pd.Series([moment], dtype="datetime64[us]")})
    encoding = Encoding.fit(X, X)
    back = encoding.decode(encoding.encode(X))["when"]
    assert abs(back[0] - X["when"][0]) < pd.Timedelta("50us")


def test_a_column_without_one_date_is_1970():
    X = pd.DataFrame({"when": pd.Series([None, None], dtype="datetime64[us]")})
    encoding = Encoding.fit(X, X)
    assert encoding.encode(X).tolist() == [[0], [0]]


@pytest.mark.parametrize("model", [LogisticRegression(), RandomForestClassifier(10, random_state=0), GaussianNB()])
@pytest.mark.parametrize("method", registry.EXPLAINERS)
def test_every_kind_of_column_has_its_share(mixed, subject, method, model):
    X, labels = mixed
    shown = subject(X, labels, model, said=Kind.TEXT)
    row = X.iloc[[70]]
    local = registry.resolve(method, "/method")(shown, row, Asked(output=1, num_features=10, num_samples=300, seed=0))
    assert set(local.contributions) == set(X.columns)
    assert max(local.contributions, key=lambda name: abs(local.contributions[name])) == "when"
    if method == "shap":
        assert local.local_prediction == pytest.approx(local.base_value + sum(local.contributions.values()))


@pytest.mark.parametrize("values", [[b"png"] * 3, [np.zeros(3)] * 3], ids=["images", "signals"])
def test_what_cannot_be_mixed_is_said(values):
    X = pd.DataFrame({"a": pd.Series(values, dtype="object"), "b": 1.0})
    with pytest.raises(InvalidParameters, match="not images or raw signals"):
        Encoding.fit(X, X.head(1))
