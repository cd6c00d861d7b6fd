"""Local linear models, and how honest their errors are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from app.explain import surrogate
from app.explain.found import Part
from app.explain.surrogate import Rows, fit
from tests.explain.functions import Watched, asked


def masks_of(n_rows, n_parts=4, seed=0):
    """Return which parts each row has."""
    return np.random.default_rng(seed).random((n_rows, n_parts)) < 0.5


@pytest.fixture
def weighed():
    """300 masks, answers of two outputs that are no sums, and how near each row is."""
    masks = masks_of(300)
    generator = np.random.default_rng(1)
    answers = np.column_stack([masks @ [3, -2, 1, 0] + masks[:, 0] * masks[:, 1], masks @ [0, 1, 0, 5]])
    return masks, answers + generator.normal(0, 0.1, answers.shape), generator.uniform(0.1, 1, 300)


@pytest.mark.parametrize("output", [0, 1])
def test_it_is_the_ridge_regression_of_scikit_learn(weighed, output):
    masks, answers, near = weighed
    found = fit(Rows(masks, answers), near, output, classes=False)
    known = Ridge(alpha=1.0).fit(masks, answers[:, output], sample_weight=near)
    assert found.weights == pytest.approx(known.coef_, abs=1e-10)
    assert found.base == pytest.approx(known.intercept_, abs=1e-10)
    assert found.divergence is None


def test_the_fidelity_is_of_rows_that_a_model_of_the_others_predicts(weighed):
    masks, answers, near = weighed
    target, told = answers[:, 0], np.empty(len(masks))
    for row in range(len(masks)):
        others = np.arange(len(masks)) != row
        told[row] = Ridge(alpha=1.0).fit(masks[others], target[others], near[others]).predict(masks[[row]])[0]
    mean = near @ target / near.sum()
    expected = 1 - near @ (target - told) ** 2 / (near @ (target - mean) ** 2)
    assert fit(Rows(masks, answers), near, 0, classes=False).fidelity == pytest.approx(expected, abs=1e-3)


def test_a_model_of_many_parts_and_few_rows_of_noise_does_not_look_faithful():
    masks, noise = masks_of(60, 40), np.random.default_rng(3).normal(size=(60, 1))
    assert fit(Rows(masks, noise), np.ones(60), 0, classes=False).fidelity < 0.1


def test_of_classes_each_output_is_fitted_as_it_is_alone(weighed):
    masks, answers, near = weighed
    for output in (0, 1):
        alone = fit(Rows(masks, answers), near, output, classes=False)
        together = fit(Rows(masks, answers), near, output, classes=True)
        assert together.weights == pytest.approx(alone.weights, abs=1e-12)
        assert together.errors == pytest.approx(alone.errors, abs=1e-12)
        assert (together.base, together.fidelity) == pytest.approx((alone.base, alone.fidelity))


def test_the_weights_of_a_sum_are_found():
    masks = masks_of(5_000)
    found = fit(Rows(masks, (masks @ [2.0, -1.0, 0.5, 0.0] + 7)[:, None]), np.ones(5_000), 0, classes=False)
    assert found.weights == pytest.approx([2, -1, 0.5, 0], abs=0.01)
    assert found.base == pytest.approx(7, abs=0.01)
    assert found.fidelity > 0.999


def test_a_part_that_is_never_gone_or_always_weighs_nothing():
    masks = masks_of(200)
    masks[:, 1], masks[:, 2] = True, False
    found = fit(Rows(masks, masks[:, :1] * 4.0), np.ones(200), 0, classes=False)
    assert found.weights[1] == found.weights[2] == 0
    assert found.errors[1] == found.errors[2] == 0


def test_a_model_that_never_changes_its_answer_is_met_exactly():
    found = fit(Rows(masks_of(50), np.full((50, 1), 0.3)), np.ones(50), 0, classes=False)
    assert found.weights.tolist() == [0] * 4
    assert found.base == pytest.approx(0.3)
    assert found.fidelity == 1


def test_the_divergence_is_nothing_where_probabilities_are_linear_and_more_where_they_are_not():
    masks = masks_of(3_000)
    linear = 0.2 + masks @ [0.3, 0.1, 0.1, 0.1]
    steep = np.where(masks.sum(axis=1) > 2, 0.99, 0.01)
    near = np.ones(3_000)
    found = [fit(Rows(masks, np.column_stack([1 - p, p])), near, 1, classes=True).divergence for p in (linear, steep)]
    assert 0 <= found[0] < 1e-4
    assert found[1] > 0.1


def test_the_divergence_is_that_of_kullback_and_leibler():
    masks = masks_of(400)
    p = np.clip(0.5 + 0.2 * masks[:, 0] - 0.3 * masks[:, 1] * masks[:, 2], 0, 1)
    answers, near = np.column_stack([1 - p, p]), np.random.default_rng(0).uniform(0.5, 1, 400)
    local = np.column_stack(
        [Ridge().fit(masks, answers[:, place], sample_weight=near).predict(masks) for place in (0, 1)]
    )
    expected = near @ (answers * np.log(answers / local)).sum(axis=1) / near.sum()
    assert fit(Rows(masks, answers), near, 0, classes=True).divergence == pytest.approx(expected, rel=1e-6)


def explained(function, n_samples, max_error=None, seed=0, classes=()):
    """Explain a function of masks, and return the numbers of rows that it was asked for too."""
    counts = []

    def draw(count, generator, itself):
        counts.append(count)
        masks = generator.random((count, 4)) < 0.5
        masks[: int(itself)] = True
        return Rows(masks, function(masks))

    X = pd.DataFrame(masks_of(3).astype("float64"), columns=list("abcd"))
    model = Watched(lambda rows: rows["a"], X, classes)
    parts = [Part(name) for name in "abcd"]
    wanted = asked("lime", max_error=max_error, seed=seed)
    around = surrogate.Around(draw, lambda masks: np.exp(masks.sum(axis=1) / 4))
    return surrogate.explain(model.subject, parts, wanted, around, n_samples), counts


def uneven(masks):
    """Return answers that no linear model meets, and meets worse where the first part is."""
    return (masks @ [2.0, 1.0, -1.0, 0.0] + 3 * masks[:, 0] * (masks[:, 1] ^ masks[:, 2] ^ masks[:, 3]))[:, None]


@pytest.mark.parametrize("n_samples", [60, 500, 1_200])
def test_without_an_error_all_samples_are_drawn_at_once(n_samples):
    found, counts = explained(uneven, n_samples)
    assert counts == [n_samples]
    assert (found.num_samples, found.ended) == (n_samples, "num_samples")


def test_an_error_that_is_small_enough_ends_the_drawing():
    found, counts = explained(uneven, 50_000, max_error=0.05)
    assert counts == [500, 500, 1000, 2000][: len(counts)]
    assert found.ended == "max_error"
    assert found.num_samples == sum(counts) < 50_000
    assert max(one.error for one in found.contributions) == found.trust["standard_error"] <= 0.05
    fewer, _ = explained(uneven, found.num_samples // 2)
    assert fewer.trust["standard_error"] > 0.05


@pytest.mark.parametrize(("n_samples", "expected"), [(300, [300]), (1_700, [500, 500, 700])])
def test_an_error_that_is_not_reached_ends_with_all_samples(n_samples, expected):
    found, counts = explained(uneven, n_samples, max_error=1e-6)
    assert counts == expected
    assert (found.num_samples, found.ended) == (n_samples, "num_samples")


def test_errors_told_are_the_spread_over_seeds():
    runs = [explained(uneven, 600, seed=seed)[0] for seed in range(30)]
    spread = np.std([[one.value for one in run.contributions] for run in runs], axis=0, ddof=1)
    told = np.sqrt(np.mean([[one.error**2 for one in run.contributions] for run in runs], axis=0))
    assert (told / spread > 0.7).all()
    assert (told / spread < 1.4).all()


def test_base_value_and_contributions_are_the_local_prediction():
    found, _ = explained(uneven, 400)
    assert found.local_prediction == pytest.approx(found.base_value + sum(one.value for one in found.contributions))
    assert found.trust.keys() == {"fidelity", "standard_error"}
    classes, _ = explained(lambda masks: np.column_stack([1 - masks[:, 0], masks[:, 0]]), 400, classes=("no", "yes"))
    assert classes.trust.keys() == {"fidelity", "standard_error", "divergence"}
    assert (found.scale, classes.scale) == ("value", "probability")
