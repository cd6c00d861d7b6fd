"""Agreement of what a method names over seeds."""

import numpy as np
import pandas as pd
import pytest

from app.explain import lime, stability
from app.explain.base import Case
from app.explain.found import Contribution, Local, Part
from tests.explain.functions import asked, opaque


@pytest.fixture
def case():
    """A row that no method here looks at."""
    return Case(pd.DataFrame({"a": [1.0]}))


def naming(tops, ended="num_samples", count=12):
    """Return a method that gives the largest weights to other parts for each seed."""
    seen = []

    def explain(subject, case, asked):
        seen.append(asked.seed)
        top = tops[(asked.seed - 7) % len(tops)]
        return Local([Contribution(Part(f"p{n}", n), (10.0 if n in top else 0.1)) for n in range(count)], ended=ended)

    return explain, seen


def agreement(case, tops, **more):
    """Return how far a method agrees with itself, and the seeds that it was repeated with."""
    explain, seen = naming(tops, **more)
    wanted = asked("lime", seed=7)
    found = stability.of(explain, None, case, wanted, explain(None, case, wanted))
    return found, seen[1:]


def test_the_same_parts_agree_whatever_the_seed(case):
    found, seeds = agreement(case, [{0, 1, 2, 3, 4}])
    assert found == 1
    assert seeds == [8, 9, 10, 11]


def test_other_parts_do_not_agree(case):
    assert agreement(case, [{n} for n in range(5)], count=2 * 5 - 5)[0] < 0.5


def test_it_is_the_mean_jaccard_similarity_of_any_two_runs(case):
    # Four runs name the same five of twelve, one shares four of them: 4 of 6 in common, in four of ten pairs.
    found, _ = agreement(case, [{0, 1, 2, 3, 4}] * 4 + [{0, 1, 2, 3, 11}])
    assert found == pytest.approx((6 + 4 * 4 / 6) / 10)


@pytest.mark.parametrize(("count", "compared"), [(1, 1), (3, 1), (4, 2), (9, 4), (10, 5), (40, 5)])
def test_five_are_compared_or_half_of_fewer(case, count, compared):
    disjoint = [set(range(compared)), set(range(count - compared, count))]
    found, _ = agreement(case, disjoint, count=count)
    # Runs 0, 2 and 4 name the same, as do 1 and 3: 4 of 10 pairs agree.
    shared = len(disjoint[0] & disjoint[1]) / len(disjoint[0] | disjoint[1])
    assert found == pytest.approx((4 + 6 * shared) / 10)


def test_what_is_exact_is_not_repeated(case):
    found, seeds = agreement(case, [{0}, {1}], ended="exact")
    assert found == 1
    assert seeds == []


def test_values_that_are_no_keys_can_be_compared(case):
    def explain(subject, case, asked):
        return Local([Contribution(Part(name, np.zeros(3)), 1.0) for name in "abc"], ended="num_samples")

    assert stability.of(explain, None, case, asked("lime"), explain(None, case, asked("lime"))) == 1


def test_the_greatest_seed_goes_on_from_the_first(case):
    explain, seen = naming([{0}])
    wanted = asked("lime", seed=2**32 - 2)
    stability.of(explain, None, case, wanted, explain(None, case, wanted))
    assert seen[1:] == [2**32 - 1, 0, 1, 2]


def test_few_samples_of_a_noisy_model_agree_less_than_many():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 12))).add_prefix("x")
    weights = np.linspace(1, 3, 12)
    shown = opaque(lambda rows: rows.to_numpy() @ weights + 5 * np.sin(40 * rows.to_numpy().sum(axis=1)), X)
    found = []
    for num_samples in (30, 20_000):
        wanted = asked("lime", num_samples=num_samples)
        local = lime.explain(shown, Case(X.iloc[[0]]), wanted)
        found.append(stability.of(lime.explain, shown, Case(X.iloc[[0]]), wanted, local))
    assert 0 <= found[0] < found[1] <= 1


@pytest.mark.parametrize(
    ("method", "name", "parameters", "expected"),
    [
        ("lime", "three classes", {"num_samples": 200}, None),
        ("shap", "three classes", {}, 1),
        ("shap", "network of numbers", {"num_samples": 50, "algorithm": "permutation"}, None),
        ("segments", "series", {"num_samples": 50}, None),
    ],
)
def test_an_answer_says_it_when_asked(trained, method, name, parameters, expected):
    model = trained(name)
    plain, repeated = (
        model.explain(method, ids=model.ids[:1], **parameters, **more) for more in ({}, {"stability": True})
    )
    (entry,) = repeated["explanations"]
    assert "stability" not in plain["explanations"][0]
    assert 0 <= entry["stability"] <= 1
    assert expected is None or entry["stability"] == expected
    # Repeating it changes nothing else.
    assert replaced(entry) == plain["explanations"][0]


def replaced(entry):
    """Return an explanation without its stability."""
    return {name: value for name, value in entry.items() if name != "stability"}
