"""Shapley values against their definition."""

from itertools import permutations

import numpy as np
import pytest

from app.explain.shapley import LEAST, MOST_EXACT, shares


class Game:
    """A value for each coalition, which counts how often it is asked.

    Parameters
    ----------
    function
        From a set of players to its value.
    """

    def __init__(self, function):
        self.asked = 0
        self._function = function

    def __call__(self, masks, others=None):
        assert masks.dtype == bool
        self.asked += len(masks)
        return np.array([self._function(frozenset(np.flatnonzero(mask).tolist())) for mask in masks], dtype="float64")


def drawn(n_players, seed=0):
    """Return a game in which every coalition has a value of its own."""
    values = np.random.default_rng(seed).normal(size=2**n_players)
    return Game(lambda players: values[sum(1 << player for player in players)])


def by_definition(game, n_players):
    """Return what each player adds, meaned over all orders in which they can come."""
    orders = list(permutations(range(n_players)))
    found = np.zeros(n_players)
    for order in orders:
        masks = np.array([[player in order[:count] for player in range(n_players)] for count in range(n_players + 1)])
        found[list(order)] += np.diff(game(masks))
    return found / len(orders)


@pytest.mark.parametrize("n_players", [1, 2, 3, 5, 6])
def test_all_coalitions_give_the_mean_over_all_orders(n_players):
    game = drawn(n_players)
    found = shares(game, n_players, None, 0)
    assert game.asked == found.asked == 2**n_players
    assert found.ended == "exact"
    assert found.errors.tolist() == [0] * n_players
    assert found.values == pytest.approx(by_definition(game, n_players), abs=1e-12)


@pytest.mark.parametrize("budget", [None, 10, 200, 5_000])
@pytest.mark.parametrize("n_players", [1, 2, 5, 8])
def test_what_everybody_adds_is_shared_out(n_players, budget):
    game = drawn(n_players)
    found = shares(game, n_players, budget, 3)
    everybody, nobody = game(np.array([[True] * n_players, [False] * n_players]))
    assert (found.full, found.base) == pytest.approx((everybody, nobody))
    assert found.values.sum() == pytest.approx(everybody - nobody, abs=1e-12)


@pytest.mark.parametrize("budget", [None, 60])
def test_players_that_act_alike_share_alike_and_one_that_does_nothing_gets_nothing(budget):
    game = Game(lambda players: float(len(players & {0, 1}) == 2) + 3.0 * (2 in players))
    found = shares(game, 4, budget, 0)
    assert found.values.tolist() == [0.5, 0.5, 3, 0]


@pytest.mark.parametrize("budget", [None, 500])
def test_shares_of_a_sum_of_games_are_the_sums_of_shares(budget):
    first, second = drawn(5, 1), drawn(5, 2)
    whole, *each = (
        shares(game, 5, budget, 0) for game in (lambda masks, others: first(masks) + 2 * second(masks), first, second)
    )
    assert whole.values == pytest.approx(each[0].values + 2 * each[1].values, abs=1e-12)


def test_of_players_that_only_meet_in_pairs_every_walk_with_its_reverse_is_exact():
    pairs = np.random.default_rng(0).normal(size=(7, 7))
    game = Game(lambda players: sum(pairs[a, b] for a in players for b in players))
    found = shares(game, 7, 1, 0)
    assert found.values == pytest.approx(shares(game, 7, None, 0).values, abs=1e-12)
    assert found.errors.max() < 1e-12


def test_sampled_shares_are_within_their_standard_errors():
    """Of 40 seeds and 8 players: z scores that are nearly those of a normal distribution, and no bias."""
    game = drawn(8)
    exact = shares(game, 8, None, 0).values
    runs = [shares(game, 8, 2_000, seed) for seed in range(40)]
    scores = np.array([(run.values - exact) / run.errors for run in runs])
    assert abs(scores.mean()) < 0.15
    assert 0.85 < scores.std() < 1.15
    assert (np.abs(scores) < 1.96).mean() > 0.9


def test_errors_told_are_the_spread_over_seeds():
    game = drawn(10)
    runs = [shares(game, 10, 600, seed) for seed in range(60)]
    spread = np.std([run.values for run in runs], axis=0, ddof=1)
    told = np.sqrt(np.mean([run.errors**2 for run in runs], axis=0))
    assert (told / spread > 0.75).all()
    assert (told / spread < 1.33).all()


def test_four_times_the_budget_has_half_of_the_error():
    game = drawn(10)
    few, more = (np.mean([shares(game, 10, budget, seed).errors for seed in range(10)]) for budget in (1_000, 4_000))
    assert more == pytest.approx(few / 2, rel=0.15)


@pytest.mark.parametrize("max_error", [0.2, 0.1, 0.05])
def test_an_error_that_is_small_enough_ends_the_sampling(max_error):
    game = drawn(9)
    found = shares(game, 9, 100_000, 0, max_error)
    assert found.ended == "max_error"
    assert found.errors.max() <= max_error
    assert found.asked == game.asked < 100_000
    assert found.asked < shares(drawn(9), 9, 100_000, 0, max_error / 2).asked


def test_without_reaching_it_the_budget_ends_it():
    found = shares(drawn(9), 9, 300, 0, 1e-9)
    assert found.ended == "num_samples"
    assert found.errors.max() > 1e-9


@pytest.mark.parametrize("budget", [1, 50, 51, 500, 4_321])
@pytest.mark.parametrize("n_players", [1, 2, 12, 40])
def test_the_budget_is_kept_but_for_the_fewest_walks(n_players, budget):
    game = Game(len)
    found = shares(game, n_players, budget, 0)
    fewest = 1 + LEAST * (2 * (n_players - 1) + 1)
    assert found.asked == game.asked <= max(budget, fewest)
    assert found.ended == "num_samples"


def test_the_same_seed_draws_the_same_walks_and_another_others():
    first, again, other = (shares(drawn(8), 8, 200, seed).values.tolist() for seed in (4, 4, 5))
    assert first == again != other


def test_as_many_players_as_are_asked_exactly_are():
    found = shares(Game(len), MOST_EXACT, None, 0)
    assert found.asked == 4096
    assert found.values == pytest.approx(np.ones(MOST_EXACT))


def beside_others(n_players, n_others):
    """Return a game in which players that are absent are replaced by those of another row, and its mean over these."""
    own, others = (np.random.default_rng(seed).normal(size=(n, n_players)) for seed, n in ((1, 1), (2, n_others)))

    def value(rows):
        return rows.sum(axis=1) + 2 * rows[:, 0] * rows[:, 1]

    def game(masks, lenders=None):
        if lenders is not None:
            return value(np.where(masks, own, others[lenders]))
        return np.mean([value(np.where(masks, own, other)) for other in others], axis=0)

    return game


def test_errors_tell_of_the_choice_of_the_rows_compared_with_too():
    game = beside_others(6, 300)
    exact = shares(game, 6, None, 0)
    runs = [shares(game, 6, 400, seed, n_others=300) for seed in range(60)]
    scores = np.array([(run.values - exact.values) / run.errors for run in runs])
    assert abs(scores.mean()) < 0.2
    assert 0.8 < scores.std() < 1.25
    for run in runs:
        assert run.base + run.values.sum() == pytest.approx(run.full)
        assert run.full == pytest.approx(exact.full)


def test_with_the_budget_for_all_of_them_each_row_is_compared_with_as_often_as_another():
    game = beside_others(4, 20)
    found = shares(game, 4, 20 * 7 + 1, 0, n_others=20)
    assert found.base == pytest.approx(shares(game, 4, None, 0).base)
