"""From rows and labels to what an estimator learns from."""

import numpy as np
import pandas as pd
import pytest

from app.payloads.parameters import Kind
from app.payloads.training import assemble
from app.pipelines import samples
from tests.pipelines.series import silent


@pytest.fixture
def made(tables):
    """Return a function that makes the samples of a training."""

    def make(frame, labels=None, **named):
        return samples.make(assemble(tables(frame, labels, **named)), lambda *report, **more: None)

    return make


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["no", "yes"], ("no", "yes")),
        ([0, 1], (0, 1)),
        ([False, True], (False, True)),
        ([1.5, 0.5], (0.5, 1.5)),
        (["c", "a", "b"], ("a", "b", "c")),
        ([10, 9, 100], (9, 10, 100)),
    ],
)
def test_classes_are_sorted_and_keep_their_types(labels, classes):
    values = np.array(labels * 3, dtype="object")
    found, codes = samples.encode(values, classes[-1])
    assert found == classes
    assert [type(name) for name in found] == [type(name) for name in classes]
    assert [found[code] for code in codes] == values.tolist()


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_of_two_classes_the_positive_one_is_the_last(positive):
    values = np.array(["yes", "no", "no"], dtype="object")
    classes, codes = samples.encode(values, positive)
    assert classes[-1] == positive
    assert [classes[code] for code in codes] == ["yes", "no", "no"]


def test_of_several_classes_the_order_stays():
    classes, _ = samples.encode(np.array(["c", "a", "b"], dtype="object"), "a")
    assert classes == ("a", "b", "c")


def test_a_table_is_its_features_in_the_order_of_the_rows(made):
    frame = pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(10)],
            "n": np.arange(10.0),
            "b": [True, False] * 5,
            "c": pd.Series(["x", "y"] * 5, dtype="str"),
            "who": np.arange(10) // 2,
        }
    )
    labels = pd.DataFrame({"id": [f"r{row}" for row in range(9, -1, -1)], "label": np.arange(10) % 2})
    found = made(frame, labels, id_column="id", groups="who")
    assert found.X.index.tolist() == frame["id"].tolist()
    assert found.kinds == {"n": Kind.NUMBER, "b": Kind.BOOLEAN, "c": Kind.CATEGORY}
    assert list(found.X.columns) == list(found.kinds)
    assert found.X["b"].tolist() == [1.0, 0.0] * 5
    assert found.y.tolist() == [1, 0] * 5
    assert found.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found.features is found.order is found.times is found.weights is None


def test_a_regression_has_targets_and_no_classes(made):
    frame = pd.DataFrame({"a": np.arange(20.0), "label": np.arange(20)})
    found = made(frame, target="label", model="sklearn.linear_model.Ridge")
    assert found.classes == ()
    assert found.y.dtype == "float64"
    assert found.y.tolist() == list(range(20))


def series():
    frame = pd.DataFrame({"id": np.repeat(np.arange(10)[::-1], 12), "x": np.random.default_rng(0).normal(size=120)})
    return frame, pd.DataFrame({"id": np.arange(10), "label": np.arange(10) % 2, "w": np.arange(10) + 1.0})


FEATURES = {"column_id": "id", "default_fc_parameters": {"mean": None, "maximum": None}}


def test_a_series_is_a_sample_of_the_features_that_its_model_reads(made):
    frame, labels = series()
    found = made(frame, labels, extract_features=FEATURES, sample_weight="w")
    assert found.X.index.tolist() == list(range(10))[::-1]
    assert found.kinds == {"x__mean": Kind.NUMBER, "x__maximum": Kind.NUMBER}
    np.testing.assert_allclose(found.X["x__mean"], frame.groupby("id", sort=False)["x"].mean())
    assert found.weights.tolist() == [10.0 - row for row in range(10)]
    assert found.y.tolist() == [row % 2 for row in range(10)][::-1]


def test_the_portfolio_reads_the_series_themselves_too(made):
    frame, labels = series()
    found = made(frame, labels[["id", "label"]], extract_features=FEATURES, model=None)
    assert set(found.kinds.values()) == {Kind.NUMBER, Kind.SIGNAL}
    signals = [name for name, kind in found.kinds.items() if kind is Kind.SIGNAL]
    assert len(signals) == 1
    np.testing.assert_allclose(found.X[signals[0]].iloc[0], frame["x"][:12])


@pytest.mark.parametrize(("seconds", "chosen"), [(1e-6, "MinimalFCParameters()"), (600.0, "EfficientFCParameters()")])
def test_an_engine_that_picks_takes_the_features_that_there_is_time_for(tables, seconds, chosen):
    frame, labels = series()
    training = assemble(tables(frame, labels[["id", "label"]], extract_features={"column_id": "id"}, model=None))
    found = samples.with_affordable_features(training, seconds, silent)
    assert found.parameters.extract_features.default_fc_parameters == chosen
    # Another attempt has the features that the scores of the first are of, whatever time it has.
    again = samples.with_affordable_features(training, 601.0 - seconds, silent, chosen)
    assert again.parameters.extract_features.default_fc_parameters == chosen


def test_a_first_forecast_is_of_the_newest_rows(tables):
    n_series, length = 3, 400
    frame = pd.DataFrame(
        {
            "shop": np.repeat(["a", "b", "c"], length),
            "day": np.tile(np.arange(length), n_series),
            "sold": np.random.default_rng(0).normal(size=n_series * length),
        }
    )
    training = assemble(
        tables(
            frame.sample(frac=1, random_state=0),
            model=None,
            task="forecasting",
            target="sold",
            extract_features={"column_id": "shop", "column_sort": "day"},
            forecast={"horizon": 3, "window": 10},
        )
    )
    few = samples.few(training)
    kept = few.frame.groupby("shop")["day"].agg(["min", "max", "count"])
    assert (kept["max"] == length - 1).all()
    assert (kept["count"] == 10 + 3 + samples.FEW // n_series).all()
    assert (kept["max"] - kept["min"] + 1 == kept["count"]).all()
    made = samples.make(few, lambda *report, **more: None)
    assert len(made.X) > samples.FEW


def test_a_first_model_of_a_table_has_few_rows_of_each_class(tables):
    labels = ["rare"] * 12 + ["often"] * 900 + ["rare"] * 8
    frame = pd.DataFrame({"key": range(len(labels)), "number": np.arange(920.0), "label": labels, "day": range(920)})
    training = assemble(tables(frame, target="label", id_column="key", time="day"))
    few = samples.few(training)
    assert few.labels.value_counts().to_dict() == {"often": 100, "rare": 20}
    assert few.times is None
    made = samples.make(few, silent)
    assert [labels[int(number)] for number in made.X["number"]] == few.labels.tolist()
