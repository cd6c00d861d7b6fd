"""Control variates: less noise, and the same on average."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from app.explain.surrogate import Rows, fit
from app.explain.variates import beside

N_STRATA = 8


def drawn(seed, n_rows=2_000, n_parts=4):
    """Return masks, groups of which the lower two have the part, and values that are higher in higher groups."""
    each = np.resize(np.arange(N_STRATA), (n_parts, n_rows))
    strata = np.random.default_rng(seed).permuted(each, axis=1).T
    return strata < 2, strata, strata / N_STRATA


def test_of_a_sum_all_is_explained_but_what_the_masks_tell():
    masks, strata, values = drawn(0)
    answers = values @ [4.0, 2.0, 1.0, 0.0]
    missed = answers - LinearRegression().fit(masks, answers).predict(masks)
    rest = answers - beside(masks, strata, missed, np.ones(len(answers)))
    found = fit(Rows(masks, rest[:, None]), np.ones(len(rest)), 0, classes=False)
    assert found.fidelity > 0.98
    assert fit(Rows(masks, answers[:, None]), np.ones(len(rest)), 0, classes=False).fidelity < 0.8


def test_it_is_nothing_on_average_with_each_part_and_without_it():
    masks, strata, values = drawn(1)
    near = np.random.default_rng(2).uniform(0.5, 1, len(masks))
    for part in range(3):
        found = beside(masks[:, [part]], strata[:, [part]], values[:, part] ** 2, near)
        assert np.abs(found).max() > 0.1
        for which in (masks[:, part], ~masks[:, part]):
            assert near[which] @ found[which] == pytest.approx(0, abs=1e-9)


def test_of_answers_that_have_nothing_to_do_with_the_values_hardly_anything_is_explained():
    masks, strata, _ = drawn(3)
    noise = np.random.default_rng(4).normal(size=len(masks))
    assert beside(masks, strata, noise, np.ones(len(masks))).std() < 0.1


def test_the_explained_row_itself_is_left_as_it_is():
    masks, strata, values = drawn(5)
    masks[0], strata[0] = True, N_STRATA
    answers = values.sum(axis=1)
    answers[0] = 1e6
    assert beside(masks, strata, answers, np.ones(len(answers)))[0] == 0


@pytest.mark.parametrize("n_rows", [1, 5, 40])
def test_few_rows_are_left_as_they_are(n_rows):
    masks, strata, values = drawn(6, n_rows)
    assert not beside(masks, strata, values.sum(axis=1), np.ones(n_rows)).any()


def answers_of(strata, values):
    """Return what is no sum: of each part its own, and of two together."""
    return (values @ [3.0, -2.0, 1.0, 0.0] + 2 * values[:, 0] * values[:, 1] + np.sin(40 * values[:, 3]))[:, None]


def test_weights_are_the_same_on_average_and_nearer_to_each_other_and_the_errors_tell_so():
    plain, steady, told = [], [], []
    for seed in range(60):
        masks, strata, values = drawn(seed, 1_000)
        answers, near = answers_of(strata, values), np.exp(masks.sum(axis=1) / 4)
        plain.append(fit(Rows(masks, answers), near, 0, classes=False).weights)
        found = fit(Rows(masks, answers, strata), near, 0, classes=False)
        steady.append(found.weights)
        told.append(found.errors**2)
    spread = np.std(steady, axis=0, ddof=1)
    assert (spread < 0.8 * np.std(plain, axis=0, ddof=1)).all()
    apart = np.std(np.subtract(plain, steady), axis=0, ddof=1) / 60**0.5
    assert (np.abs(np.mean(plain, axis=0) - np.mean(steady, axis=0)) < 4 * apart).all()
    # Each value is drawn as often as another, which the errors do not know of: they tell a little too much.
    of_spread = np.sqrt(np.mean(told, axis=0)) / spread
    assert (of_spread > 0.8).all()
    assert (of_spread < 1.5).all()


def test_of_classes_what_one_has_less_the_others_have_more():
    masks, strata, values = drawn(7)
    for share in (0.5 * values[:, [0]], np.column_stack([0.3 * values[:, 0], 0.2 * values[:, 1]])):
        answers = np.column_stack([share, 1 - share.sum(axis=1)])
        found = [
            fit(Rows(masks, answers, strata), np.ones(len(masks)), place, True) for place in range(answers.shape[1])
        ]
        if answers.shape[1] == 2:
            np.testing.assert_allclose(found[0].weights, -found[1].weights, atol=1e-12)
        assert all(0 <= one.divergence < 0.1 for one in found)
