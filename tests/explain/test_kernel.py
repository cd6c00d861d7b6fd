"""Shapley values by regression, beside those of all coalitions and those of walks."""

import numpy as np
import pytest
from scipy.special import stdtrit

from app.explain import kernel, shapley


def game(n_parts, seed=0):
    """Return what answers for masks: each part by itself, pairs of them, and a bend."""
    generator = np.random.default_rng(seed)
    alone = generator.normal(size=n_parts)
    pairs = generator.normal(size=(n_parts, n_parts)) * (generator.random((n_parts, n_parts)) < 0.3)
    return lambda masks: np.tanh((masks @ pairs * masks).sum(axis=1) / 2) + masks @ alone / 3


def exact(answers, n_parts):
    """Return the values of all coalitions."""
    return shapley.shares(lambda masks, _: answers(masks), n_parts, None, 0).values


@pytest.mark.parametrize("n_parts", range(1, 9))
def test_from_all_coalitions_they_are_the_values_themselves(n_parts):
    answers = game(n_parts)
    found = kernel.shares(answers, n_parts, 2**n_parts, 0)
    assert found.values == pytest.approx(exact(answers, n_parts), abs=1e-9)
    assert (found.ended, found.asked, found.errors.max()) == ("exact", 2**n_parts, 0)


@pytest.mark.parametrize(("n_parts", "budget"), [(9, 120), (12, 300), (12, 1_500)])
def test_errors_told_are_those_over_seeds(n_parts, budget):
    answers = game(n_parts)
    runs = [kernel.shares(answers, n_parts, budget, seed) for seed in range(100)]
    values, errors = (np.array([getattr(run, name) for run in runs]) for name in ("values", "errors"))
    scores = (values - exact(answers, n_parts)) / errors
    assert (np.abs(scores) < stdtrit(runs[0].degrees, 0.975)).mean() == pytest.approx(0.95, abs=0.03)
    assert errors.mean() == pytest.approx(values.std(axis=0).mean(), rel=0.15)
    assert np.abs(values.mean(axis=0) - exact(answers, n_parts)).max() < 0.5 * values.std(axis=0).max()


@pytest.mark.parametrize(("n_parts", "budget"), [(9, 120), (12, 300)])
def test_of_as_many_answers_they_miss_the_values_by_less_than_walks(n_parts, budget):
    answers = game(n_parts)
    truth = exact(answers, n_parts)
    ours = [kernel.shares(answers, n_parts, budget, seed).values for seed in range(40)]
    walks = [shapley.shares(lambda masks, _: answers(masks), n_parts, budget, seed).values for seed in range(40)]
    assert np.sqrt(np.square(ours - truth).mean()) < 0.7 * np.sqrt(np.square(walks - truth).mean())


@pytest.mark.parametrize(("n_parts", "budget"), [(2, 10), (7, 40), (15, 200), (60, 500), (200, 800)])
def test_they_add_up_to_what_all_parts_change_and_keep_the_budget(n_parts, budget):
    answers, asked = game(n_parts), []

    def counted(masks):
        asked.append(len(masks))
        return answers(masks)

    found = kernel.shares(counted, n_parts, budget, 0)
    base, full = answers(np.array([[False] * n_parts, [True] * n_parts]))
    assert (found.base, found.full) == (base, full)
    assert found.values.sum() == pytest.approx(full - base, abs=1e-9)
    assert found.asked == sum(asked) <= budget
    assert (found.errors >= 0).all()


def test_parts_that_add_up_have_their_own_whatever_is_drawn():
    alone = np.arange(30.0)
    found = kernel.shares(lambda masks: masks @ alone + 5, 30, 150, 0)
    assert found.values == pytest.approx(alone, abs=1e-9)
    assert found.errors == pytest.approx(np.zeros(30), abs=1e-9)
    assert found.ended == "num_samples"


def test_fewer_than_four_answers_a_part_are_asked_for_as_four():
    found = kernel.shares(game(20), 20, 10, 0)
    assert found.asked == 80
    assert np.isfinite(found.errors).all()


@pytest.mark.parametrize("max_error", [0.2, 0.1])
def test_an_error_that_is_small_enough_ends_the_sampling(max_error):
    found = kernel.shares(game(20), 20, 20_000, 0, max_error)
    assert found.ended == "max_error"
    assert found.errors.max() <= max_error
    assert found.asked < kernel.shares(game(20), 20, 20_000, 0, max_error / 3).asked <= 20_000
    assert kernel.shares(game(20), 20, 300, 0, 1e-9).ended == "num_samples"


def test_the_same_seed_gives_the_same_and_another_others():
    first, again, other = (kernel.shares(game(15), 15, 200, seed).values for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
