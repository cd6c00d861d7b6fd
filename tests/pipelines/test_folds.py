"""Which rows are learned from and which are tested on: nothing of a test row is in its training."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters
from app.payloads.parameters import TrainParameters
from app.payloads.training import assemble
from app.pipelines import folds

#: Rows of the examples.
ROWS = 200


def labels(seed=0):
    """Return classes of unequal shares."""
    return np.random.default_rng(seed).choice(3, ROWS, p=[0.6, 0.3, 0.1])


def parts(y, classified=True, count=5, seed=0, groups=None, times=None):
    """Return (training positions, test positions) of the hold-out and of each fold, in positions of all rows."""
    seen, unseen = folds.hold_out(y, classified, seed, groups, times)

    def of(values):
        return None if values is None else values[seen]

    inside = folds.folds(y[seen], classified, count, seed, of(groups), of(times))
    return [(seen, unseen), *((seen[train], seen[test]) for train, test in inside)]


def test_every_row_is_held_out_or_tested_once():
    (seen, unseen), *inside = parts(labels())
    assert sorted([*seen, *unseen]) == list(range(ROWS))
    assert sorted(np.concatenate([test for _, test in inside])) == sorted(seen)
    for train, test in inside:
        assert sorted([*train, *test]) == sorted(seen)


@pytest.mark.parametrize("kind", ["groups", "times", "plain", "numbers"])
def test_no_row_is_learned_and_tested(kind):
    y = labels() if kind != "numbers" else np.arange(float(ROWS))
    beside = {kind: np.arange(ROWS) // 7} if kind in ("groups", "times") else {}
    found = parts(y, classified=kind != "numbers", **beside)
    for train, test in found:
        assert not set(train) & set(test)
        assert len(train)
        assert len(test)
    held = set(found[0][1])
    assert not any(held & {*train, *test} for train, test in found[1:])


@pytest.mark.parametrize("classified", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_a_group_is_never_on_both_sides(classified, seed):
    generator = np.random.default_rng(seed)
    groups = generator.choice(12, ROWS, p=generator.dirichlet(np.ones(12)))
    y = labels(seed) if classified else generator.normal(size=ROWS)
    for train, test in parts(y, classified, groups=groups, seed=seed):
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("classified", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_learned_is_older_than_what_is_tested(classified, seed):
    generator = np.random.default_rng(seed)
    times = generator.integers(0, 15, ROWS)
    y = labels(seed) if classified else generator.normal(size=ROWS)
    for train, test in parts(y, classified, times=times, seed=seed):
        assert times[train].max() < times[test].min()


def test_the_latest_fifth_is_held_out():
    times = np.random.default_rng(0).permutation(ROWS)
    seen, unseen = folds.hold_out(labels(), True, 0, times=times)
    assert times[unseen].min() == ROWS - ROWS // 5
    assert len(seen) == ROWS - ROWS // 5


def test_dates_are_in_their_order():
    times = np.datetime64("2020-01-01") + np.random.default_rng(1).permutation(ROWS).astype("timedelta64[D]")
    for train, test in parts(labels(), times=times):
        assert times[train].max() < times[test].min()


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_rows_of_one_time_stay_together_however_many(share):
    times = np.sort(np.random.default_rng(0).choice(4, ROWS, p=[share, *[(1 - share) / 3] * 3]))
    for order in (times, 3 - times):
        for train, test in parts(np.arange(ROWS) % 2, times=order):
            assert order[train].max() < order[test].min()


def test_three_times_are_enough_for_a_hold_out_and_one_fold():
    times = np.repeat([5, 6, 7], [ROWS - 20, 10, 10])
    (_, unseen), (train, test) = parts(np.arange(ROWS) % 2, times=times)
    assert (set(times[train]), set(times[test]), set(times[unseen])) == ({5}, {6}, {7})


def test_each_class_has_its_share_in_every_part():
    y = labels()
    shares = np.bincount(y) / ROWS
    for train, test in parts(y):
        for part in (train, test):
            np.testing.assert_allclose(np.bincount(y[part], minlength=3) / len(part), shares, atol=0.06)


def test_groups_keep_the_shares_of_classes_where_they_can():
    y = np.repeat(np.arange(40) % 2, 5)
    groups = np.repeat(np.arange(40), 5)
    for _, test in parts(y, groups=groups):
        assert set(y[test]) == {0, 1}


def test_groups_are_shuffled():
    groups = np.arange(ROWS) // 10
    _, unseen = folds.hold_out(np.zeros(ROWS), False, 0, groups=groups)
    assert len(unseen) == ROWS // 5
    assert (np.diff(unseen) > 1).any()


@pytest.mark.parametrize("classified", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 30, 34])
def test_a_group_of_most_rows_is_not_held_out(classified, seed):
    groups = np.repeat(np.arange(10), [1000, *[10] * 9])
    y = np.random.default_rng(seed).integers(0, 3, len(groups))
    seen, unseen = folds.hold_out(y if classified else y.astype("float64"), classified, seed, groups=groups)
    assert set(groups[unseen]) <= set(range(1, 10))
    assert len(unseen) >= 20
    assert sorted([*seen, *unseen]) == list(range(len(groups)))


@pytest.mark.parametrize(
    ("n_classes", "rows", "held"),
    [
        pytest.param(2, 100, 20, id="two classes"),
        pytest.param(60, 300, 60, id="as many classes as held-out rows"),
        pytest.param(100, 500, 100, id="the most classes, each with the fewest rows"),
    ],
)
def test_each_class_is_held_out_in_its_share(n_classes, rows, held):
    y = np.arange(rows) % n_classes
    seen, unseen = folds.hold_out(y, True, 0)
    assert len(unseen) == held
    assert list(np.bincount(y[unseen])) == [held // n_classes] * n_classes
    assert list(seen) == sorted(seen)


def test_classes_of_few_rows_beside_a_large_one_are_in_every_part():
    y = np.repeat(np.arange(21), [400, *[5] * 20])
    for train, test in parts(y, count=10):
        assert set(y[train]) == set(range(21))
        assert set(y[test]) >= {0}


def test_a_rare_class_makes_fewer_folds():
    y = np.repeat([0, 1], [195, 5])
    _, *inside = parts(y, count=10)
    assert len(inside) == 4
    for train, test in inside:
        assert set(y[train]) == set(y[test]) == {0, 1}


def test_the_smallest_regression_holds_out_a_fifth_and_has_no_more_folds_than_rows():
    (seen, unseen), *inside = parts(np.arange(10.0), classified=False, count=20)
    assert (len(seen), len(unseen), len(inside)) == (8, 2, 8)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
@pytest.mark.parametrize("beside", ["groups", "times", "none"])
def test_there_are_as_many_folds_as_asked_for(count, beside):
    given = {} if beside == "none" else {beside: np.arange(ROWS) // 4}
    assert len(parts(np.arange(ROWS) % 2, count=count, **given)) == 1 + count


@pytest.mark.parametrize("beside", ["groups", "times"])
def test_few_groups_or_times_make_fewer_folds(beside):
    assert len(parts(np.arange(ROWS) % 2, count=10, **{beside: np.arange(ROWS) * 4 // ROWS})) in (3, 4)


def test_a_fold_that_would_learn_a_single_class_is_left_out():
    y = np.concatenate([np.zeros(80, dtype=int), np.arange(120) % 2])
    _, *inside = parts(y, times=np.arange(ROWS) // 10)
    assert len(inside) == 3
    for train, _ in inside:
        assert set(y[train]) == {0, 1}


@pytest.mark.parametrize(
    ("beside", "y"),
    [
        pytest.param({"times": np.arange(ROWS)}, np.arange(ROWS) >= 170, id="a class that comes last"),
        pytest.param({"groups": np.arange(ROWS) * 3 // ROWS}, np.arange(ROWS) * 3 // ROWS == 2, id="a group"),
    ],
)
def test_classes_that_cannot_be_learned_from_any_fold_are_refused(beside, y):
    with pytest.raises(InvalidData, match="more than one class"):
        parts(y.astype(int), **beside)


@pytest.mark.parametrize(("beside", "name"), [("groups", "groups"), ("times", "time")])
@pytest.mark.parametrize("different", [1, 2])
def test_fewer_than_three_groups_or_times_are_refused(beside, name, different):
    with pytest.raises(InvalidData, match=f"{different} value") as refused:
        folds.hold_out(labels(), True, 0, **{beside: np.arange(ROWS) % different})
    assert refused.value.faults[0].pointer == f"/params/{name}"


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_sizes_of_groups_and_times_there_are_folds_or_a_refusal(seed):
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.repeat([0, 1, 2], [5, 6, generator.integers(5, 20)]))
    values = generator.choice(4, len(y), p=generator.dirichlet(np.ones(4) / 2))
    for beside in ("groups", "times"):
        try:
            found = parts(y, count=int(generator.integers(2, 8)), **{beside: values})
        except InvalidData:
            continue
        for train, test in found:
            assert len(train)
            assert len(test)


@pytest.mark.parametrize("beside", ["groups", "plain", "numbers"])
def test_the_split_is_the_seeds(beside):
    y = labels() if beside != "numbers" else np.arange(float(ROWS))
    given = {"groups": np.arange(ROWS) // 5} if beside == "groups" else {}

    def said(seed):
        return [test.tolist() for _, test in parts(y, beside != "numbers", seed=seed, **given)]

    assert said(0) == said(0) != said(1)


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({}, 5),
        ({"folds": 3}, 3),
        ({"model_training": {"model": "tpot.TPOTClassifier", "model_args": {"cv": 4}}}, 4),
        ({"folds": 3, "model_training": {"model": "tpot.TPOTClassifier", "model_args": {"cv": 4}}}, 3),
        ({"model_training": {"model": "sklearn.calibration.CalibratedClassifierCV", "model_args": {"cv": 4}}}, 5),
    ],
)
def test_tpots_cv_is_the_number_of_folds_where_nothing_else_says_it(given, count):
    assert folds.wanted(TrainParameters(pipeline_id="p", **given)) == count


@pytest.fixture
def checked(tables):
    """Return a function that checks the folds of a training of labels and groups or times."""

    def of(y, groups=None, times=None, **named):
        column = {"groups": "beside"} if times is None else {"time": "beside"}
        frame = pd.DataFrame({"a": 1.0, "beside": groups if times is None else times, "label": y})
        training = assemble(tables(frame, target="label", **column, **named))
        folds.check(training, y)
        return training

    return of


@pytest.mark.parametrize(("beside", "role", "most"), [("groups", "groups", 3), ("times", "time", 2)])
@pytest.mark.parametrize("count", [4, 20])
def test_a_number_of_folds_that_is_named_must_be_possible(checked, beside, role, most, count):
    with pytest.raises(InvalidParameters, match=f"4 different values, too few for {count} folds") as refused:
        checked(np.arange(ROWS) % 2, **{beside: np.arange(ROWS) % 4}, folds=count)
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/folds"
    assert f"at most {most}" in fault.detail


@pytest.mark.parametrize(("beside", "most"), [("groups", 3), ("times", 2)])
def test_as_many_folds_as_there_can_be_are_made(checked, beside, most):
    y, values = np.arange(ROWS) % 2, np.arange(ROWS) // 50
    for named in ({"folds": most}, {}):
        checked(y, **{beside: values}, **named)
    assert len(parts(y, count=most, **{beside: values})) == 1 + most


def test_tpots_cv_is_pointed_at_where_it_is_too_many(checked):
    arguments = {"model": "tpot.TPOTClassifier", "model_args": {"cv": 10}}
    with pytest.raises(InvalidParameters) as refused:
        checked(np.arange(ROWS) % 2, groups=np.arange(ROWS) % 4, **arguments)
    assert refused.value.faults[0].pointer == "/params/model_training/model_args/cv"


@pytest.mark.parametrize(("beside", "role"), [("groups", "groups"), ("times", "time")])
@pytest.mark.parametrize("y", [np.arange(ROWS) % 2, np.arange(ROWS) / 3], ids=["classes", "numbers"])
def test_two_groups_or_times_are_refused_before_a_training(checked, beside, role, y):
    model = {} if y.dtype.kind == "i" else {"model": "sklearn.tree.DecisionTreeRegressor"}
    with pytest.raises(InvalidData, match=r"2 value\(s\)") as refused:
        checked(y, **{beside: np.arange(ROWS) % 2}, **model)
    assert refused.value.faults[0].pointer == f"/params/{role}"


@pytest.mark.parametrize(
    ("beside", "y"),
    [
        pytest.param({"times": np.arange(ROWS)}, np.arange(ROWS) >= 170, id="a class that comes last"),
        pytest.param({"groups": np.arange(ROWS) * 3 // ROWS}, np.arange(ROWS) * 3 // ROWS == 2, id="a group"),
    ],
)
def test_folds_that_would_learn_a_single_class_are_refused_before_a_training(checked, beside, y):
    with pytest.raises(InvalidData, match="more than one class"):
        checked(y.astype(int), **beside)


def test_of_many_groups_the_folds_are_made_by_the_training(checked, monkeypatch):
    groups = np.arange(ROWS) * 3 // ROWS
    monkeypatch.setattr(folds, "FEW_GROUPS", 2)
    training = checked((groups == 2).astype(int), groups=groups)
    assert len(set(training.groups)) == 3
