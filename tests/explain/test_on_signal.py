"""Contributions of features, spread over the stretches that they are read from."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from app.explain import on_signal
from app.explain.base import Case
from app.explain.on_signal import spread
from tests.explain.functions import asked, opaque


def test_a_feature_goes_to_the_stretches_that_change_it_in_proportion():
    changed = np.array([[1.0, 0.0], [2.0, 5.0], [0.0, 5.0]])
    shares, unplaced = spread(np.array([6.0, -4.0]), np.array([10.0, 20.0]), changed)
    assert shares == pytest.approx([2, 4 - 2, -2])
    assert not unplaced.any()


def test_what_no_stretch_changes_is_left_over():
    shares, unplaced = spread(np.array([1.0, 5.0]), np.array([3.0, 60.0]), np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert shares.tolist() == [1, 0]
    assert unplaced.tolist() == [False, True]


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e9])
def test_rounding_is_no_change(size):
    features = np.array([size, size])
    changed = np.array([[size * 1e-13, size * 0.5], [0.0, 0.0]])
    shares, unplaced = spread(np.array([7.0, 1.0]), features, changed)
    assert shares.tolist() == [1, 0]
    assert unplaced.tolist() == [True, False]


@pytest.mark.parametrize("seed", range(5))
def test_shares_and_what_is_left_add_up_to_the_contributions(seed):
    generator = np.random.default_rng(seed)
    contributions, features = generator.normal(size=8), generator.normal(size=8)
    changed = generator.random((6, 8)) * (generator.random((6, 8)) < 0.3)
    shares, unplaced = spread(contributions, features, changed)
    assert shares.sum() + contributions[unplaced].sum() == pytest.approx(contributions.sum())
    assert unplaced.tolist() == (changed == 0).all(axis=0).tolist()


@dataclass(frozen=True)
class Measured:
    """A series of one signal, and what is computed of it."""

    values: dict
    start: int = 0

    def rows(self, changed):
        cells = [one["s"] for one in changed]
        measured = {"s__begin": [np.mean(cell[:4]) for cell in cells], "s__last": [cell[-1] for cell in cells]}
        return pd.DataFrame({**measured, "s__length": [float(len(cell)) for cell in cells]})


@pytest.fixture
def measured():
    """A sum of three features of a series, rows of it, and one series."""
    generator = np.random.default_rng(0)
    series = [Measured({"s": generator.normal(size=12).cumsum()}) for _ in range(20)]
    X = pd.concat([one.rows([one.values]) for one in series], ignore_index=True).assign(
        s__length=np.resize([10.0, 12.0, 14.0], 20)
    )
    shown = opaque(lambda rows: 2 * rows["s__begin"] - rows["s__last"] + rows["s__length"], X)
    shown = replace(shown, of_series=True, computed=tuple(X.columns))
    one = series[3]
    return shown, Case(one.rows([one.values]), one)


@pytest.mark.parametrize(("algorithm", "told"), [("shap", "features_exact"), ("lime", "features_lime_tabular")])
def test_stretches_have_what_the_features_read_of_them_and_the_rest_is_said(measured, algorithm, told):
    shown, case = measured
    wanted = asked("features_on_signal", algorithm=algorithm, num_segments=6, num_samples=2_000)
    local = on_signal.explain(shown, case, wanted)
    found = {(one.part.start, one.part.end): one.value for one in local.contributions}
    assert list(found) == [(2 * place, 2 * place + 2) for place in range(6)]
    assert local.algorithm == told
    total = local.base_value + sum(found.values())
    assert total == pytest.approx(local.local_prediction)
    assert all(found[stretch] == pytest.approx(0, abs=1e-12) for stretch in ((4, 6), (6, 8), (8, 10)))
    assert all(abs(found[stretch]) > 0 for stretch in ((0, 2), (2, 4), (10, 12)))
    # The length is read of no stretch.
    assert 0 < local.trust["placed"] < 1


def test_the_shares_are_those_of_the_features(measured):
    shown, case = measured
    X = shown.background
    local = on_signal.explain(shown, case, asked("features_on_signal", num_segments=3))
    found = {one.part.start: one.value for one in local.contributions}
    row = case.row.iloc[0]
    assert found[0] == pytest.approx(2 * (row["s__begin"] - X["s__begin"].mean()))
    assert found[8] == pytest.approx(-(row["s__last"] - X["s__last"].mean()))
    assert local.base_value == pytest.approx(
        shown.predict(X).mean() + row["s__length"] - X["s__length"].mean(), abs=1e-9
    )


def test_features_that_read_nothing_of_the_series_are_all_left_over(measured):
    shown, case = measured
    shown = replace(opaque(lambda rows: rows["s__length"], shown.background), of_series=True, computed=shown.computed)
    local = on_signal.explain(shown, case, asked("features_on_signal", num_segments=3))
    assert [one.value for one in local.contributions] == pytest.approx([0, 0, 0], abs=1e-12)
    assert local.trust["placed"] == pytest.approx(0, abs=1e-12)


def test_a_model_that_never_changes_its_answer_has_all_of_nothing_placed(measured):
    shown, case = measured
    shown = replace(opaque(lambda rows: np.ones(len(rows)), shown.background), of_series=True, computed=shown.computed)
    assert on_signal.explain(shown, case, asked("features_on_signal")).trust["placed"] == 1


def test_a_stretch_that_is_straight_or_at_the_mean_is_read_all_the_same():
    """Its level decides here: a straight line between its ends changes nothing."""
    cell = np.repeat([0.0, 5.0, 1.0], 4)
    others = [Measured({"s": np.repeat([number, 5.0, 1.0], 4)}) for number in np.arange(10.0)]
    X = pd.concat([one.rows([one.values]) for one in others], ignore_index=True)
    shown = replace(opaque(lambda rows: rows["s__begin"], X), of_series=True, computed=tuple(X.columns))
    series = Measured({"s": cell})
    local = on_signal.explain(
        shown, Case(series.rows([series.values]), series), asked("features_on_signal", num_segments=3)
    )
    assert [one.value for one in local.contributions] == pytest.approx([-4.5, 0, 0])
    assert local.trust["placed"] == pytest.approx(1)


def test_of_trained_series_the_answer_adds_up(trained):
    model = trained("series")
    answer = model.explain("features_on_signal", ids=model.ids[:2], num_segments=8)
    for entry in answer["explanations"]:
        total = entry["base_value"] + sum(one["contribution"] for one in entry["contributions"])
        assert total + entry["rest"]["contribution"] == pytest.approx(entry["local_prediction"])
        assert entry["local_prediction"] == pytest.approx(entry["prediction"])
        assert 0.9 < entry["placed"] <= 1
        assert {one["feature"] for one in entry["contributions"]} == {"height", "wind"}
