"""Random convolutions: their kernels, their shares, and what a linear model makes of them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from app.pipelines import kernels
from app.pipelines.convolutions import RandomConvolutions
from app.pipelines.kernels import KERNELS, LENGTH


def waves(n_series=60, length=64, signals=("x",)):
    """Return noisy waves of two frequencies, of any phase, and which of them each is."""
    generator = np.random.default_rng(0)
    y = np.arange(n_series) % 2
    X = pd.DataFrame(index=np.arange(n_series) + 100)
    for signal in signals:
        phases, noise = generator.uniform(0, 6, n_series), generator.normal(size=(n_series, length)) / 2
        cells = np.sin(np.arange(length) * (0.5 + 0.2 * y[:, None]) + phases[:, None]) + noise
        X[signal] = pd.Series(list(cells), X.index, dtype="object")
    return X, y


def test_there_are_84_kernels_that_do_not_see_the_level():
    assert (LENGTH, len(KERNELS)) == (9, 84)
    assert len({tuple(kernel) for kernel in KERNELS}) == 84
    generator = np.random.default_rng(0)
    series = generator.normal(size=(2, 40))
    for dilation in (1, 3):
        inside = slice(4 * dilation, 40 - 4 * dilation)
        convolved = kernels.convolve(series, dilation)
        assert convolved.shape == (84, 2, 40)
        np.testing.assert_allclose(
            kernels.convolve(series + 7, dilation)[..., inside], convolved[..., inside], atol=1e-9
        )
        weights = np.full(1 + 8 * dilation, 0.0)
        weights[::dilation] = -1
        weights[KERNELS[10] * dilation] = 2
        np.testing.assert_allclose(
            convolved[10, 0, inside], np.convolve(series[0], weights[::-1], mode="valid"), atol=1e-9
        )


@pytest.mark.parametrize(("asked", "given"), [(5_000, 4_956), (1_000, 924), (84, 84), (10, 84)])
def test_features_are_a_multiple_of_the_kernels_and_named(asked, given):
    X, _ = waves(10)
    convolved = RandomConvolutions(asked).fit(X)
    rows = convolved.transform(X)
    assert rows.shape == (10, given)
    assert convolved.get_feature_names_out().tolist() == [f"x__convolution_{number}" for number in range(given)]


def test_shares_are_shares():
    X, _ = waves()
    rows = RandomConvolutions(1_000).fit_transform(X)
    assert rows.min() >= 0
    assert rows.max() <= 1
    # Biases are quantiles of the training series, so most features tell series apart.
    assert (rows.std(axis=0) > 0).mean() > 0.95


def test_a_share_is_that_of_the_places_above_the_bias():
    X, _ = waves(5)
    convolved = RandomConvolutions(200).fit(X)
    rows = convolved.transform(X)
    (dilation, biases), series = convolved.biases_["x"][0], np.stack(list(X["x"]))
    values = kernels.convolve(series, dilation)
    np.testing.assert_allclose(rows[:, 0], (values[0] > biases[0, 0]).mean(axis=1), rtol=1e-6)
    inside = values[1][:, 4 * dilation : -4 * dilation]
    np.testing.assert_allclose(rows[:, biases.shape[1]], (inside > biases[1, 0]).mean(axis=1), rtol=1e-6)


def test_a_series_has_the_same_features_alone_and_among_others():
    X, _ = waves(signals=("a", "b"))
    convolved = RandomConvolutions(1_000).fit(X)
    rows = convolved.transform(X)
    for number in (0, 17, 59):
        np.testing.assert_array_equal(convolved.transform(X.iloc[[number]])[0], rows[number])


def test_the_seed_decides_the_biases():
    X, _ = waves()
    once, again = (RandomConvolutions(500, random_state=1).fit_transform(X) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, RandomConvolutions(500, random_state=2).fit_transform(X))
    fitted = RandomConvolutions(500, random_state=1).fit(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(X), once)  # noqa: S301  our own
    assert clone(fitted).get_params() == {"n_features": 500, "max_length": 1_024, "random_state": 1}


@pytest.mark.parametrize("model", [RidgeClassifier(), LogisticRegression(max_iter=1_000)], ids=str)
def test_a_linear_model_tells_frequencies_apart_whatever_their_phase(model):
    X, y = waves()
    found = cross_val_score(make_pipeline(RandomConvolutions(1_000), StandardScaler(), model), X, y, cv=3)
    plain = cross_val_score(model, np.stack(list(X["x"])), y, cv=3)
    assert found.mean() > 0.95
    assert plain.mean() < 0.8


def test_signals_share_the_features_and_one_that_tells_is_found():
    X, y = waves(signals=("a", "b"))
    X["b"] = X["b"].sample(frac=1, random_state=0).to_numpy()
    convolved = RandomConvolutions(1_000).fit(X)
    names = convolved.get_feature_names_out()
    assert {name.partition("__")[0] for name in names} == {"a", "b"}
    assert len(names) == 2 * 5 * 84
    model = make_pipeline(convolved, StandardScaler(), RidgeClassifier())
    assert cross_val_score(model, X, y, cv=3).mean() > 0.9
    np.testing.assert_array_equal(convolved.transform(X[["b", "a"]]), convolved.transform(X))


def test_series_of_other_lengths_are_resampled_to_the_median():
    X, _ = waves(9)
    uneven = X.copy()
    uneven["x"] = pd.Series([cell[: 20 + 5 * number] for number, cell in enumerate(X["x"])], X.index, dtype="object")
    convolved = RandomConvolutions(500).fit(uneven)
    assert convolved.lengths_ == {"x": 40}
    rows = convolved.transform(uneven)
    assert np.isfinite(rows).all()
    finer = pd.DataFrame({"x": [np.interp(np.linspace(0, 19, 77), np.arange(20), X["x"].iloc[0][:20])]})
    assert np.abs(convolved.transform(finer)[0] - rows[0]).mean() < 0.1


@pytest.mark.parametrize("length", [0, 1, 3, 8, 9, 10])
def test_short_series_are_stretched_to_a_kernel(length):
    X = pd.DataFrame({"x": pd.Series([np.arange(float(length)) * number for number in range(4)], dtype="object")})
    convolved = RandomConvolutions(200).fit(X)
    assert convolved.lengths_ == {"x": max(length, 9)}
    assert np.isfinite(convolved.transform(X)).all()


def test_long_series_are_shortened():
    X, _ = waves(4, 5_000)
    assert RandomConvolutions(200).fit(X).lengths_ == {"x": 1_024}
    assert RandomConvolutions(200, max_length=100).fit(X).transform(X).shape == (4, 168)


def test_levels_far_from_zero_lose_no_detail():
    X, _ = waves()
    inside = RandomConvolutions(2_000).fit(X)
    far = X.copy()
    far["x"] = pd.Series([cell + 1e9 for cell in X["x"]], X.index, dtype="object")
    there = RandomConvolutions(2_000).fit(far)
    # Every other kernel of a dilation stays inside the series and does not see the level.
    differences = np.abs(there.transform(far) - inside.transform(X)).max(axis=0)
    assert (differences < 1e-6).mean() > 0.4
