"""Tables of so many rows that a search in its time would come to nothing."""

import re
import runpy
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.payloads.parameters import Kind
from app.pipelines import sizing


def rows(count, seed=0):
    """Return numbers whose products decide the label, which no linear model sees."""
    values = np.random.default_rng(seed).normal(size=(count, 4))
    frame = pd.DataFrame(values, columns=list("abcd"))
    return frame, np.where(values[:, 0] * values[:, 1] > 0, "yes", "no")


def paced(seconds, of_a_row):
    """Return what makes every model take so long for 1,000 rows, and for each one more."""
    return lambda *_: sizing._Pace(1_000, seconds, of_a_row)


@pytest.fixture
def many(problem):
    """Return a function that makes a problem of 20,000 rows in three folds and so many seconds."""
    frame, labels = rows(20_000)
    return lambda seconds: problem(frame, labels, seconds=seconds)


def affordable(problem, all_folds=False):
    return sizing.affordable(problem, all_folds, lambda *_: None)


def test_few_rows_are_all_learned_from_without_a_look(problem, monkeypatch):
    monkeypatch.setattr(sizing, "stream", None)
    assert affordable(problem(*rows(sizing.SMALL), seconds=1)) == (None, None)


def test_all_rows_and_folds_are_taken_where_there_is_the_time(many):
    told = []
    found = sizing.affordable(many(3_600), False, lambda *report: told.append(report))
    assert found == (None, None)
    assert set(told) == {("sizing", 0.0)}


@pytest.mark.parametrize(
    ("seconds", "of_a_row", "all_folds", "found"),
    [
        # A tenth of 60 s is for the three folds, of which each learns from two thirds of the rows.
        (1.0, 0.0, False, (None, None)),
        (1.0, 5e-5, False, (None, None)),
        (1.0, 1e-4, False, (None, 1)),
        (1.0, 1e-4, True, (16_500, None)),
        (1.0, 5e-4, False, (16_500, 1)),
        (1.0, 1e-3, False, (3_000, None)),
        (6.0, 3e-3, False, (sizing.LEAST, None)),
    ],
)
def test_folds_become_one_and_then_rows_are_fewer(many, monkeypatch, seconds, of_a_row, all_folds, found):
    monkeypatch.setattr(sizing, "_pace", paced(seconds, of_a_row))
    n_rows, n_folds = affordable(many(60), all_folds)
    assert n_folds == found[1]
    assert n_rows == found[0] or n_rows == pytest.approx(found[0], rel=1e-3)


def test_a_linear_model_decides_where_trees_take_long_for_the_columns(many, monkeypatch):
    asked = []

    def pace(model, *_):
        asked.append(model.__name__)
        return None if model is sizing._boosting else sizing._Pace(1_000, 0.1, 1e-5)

    monkeypatch.setattr(sizing, "_pace", pace)
    assert affordable(many(60)) == (None, None)
    assert asked == ["_boosting", "pipeline"]


def test_of_rows_that_take_too_long_to_look_at_the_least_are_learned_from(many, monkeypatch):
    monkeypatch.setattr(sizing, "_SECONDS", 0.0)
    assert affordable(many(60)) == (sizing.LEAST, None)


def test_images_and_signals_are_all_learned_from(many, monkeypatch):
    monkeypatch.setattr(sizing, "stream", None)
    for kind in (Kind.IMAGE, Kind.SIGNAL):
        assert affordable(replace(many(1), kinds={"a": kind})) == (None, None)


def test_texts_are_looked_at_when_they_are_fewer():
    assert sizing.is_small(sizing.SMALL, {Kind.NUMBER, Kind.CATEGORY})
    assert not sizing.is_small(sizing.SMALL + 1, {Kind.NUMBER})
    assert sizing.is_small(sizing.SMALL_WITH_TEXTS, {Kind.NUMBER, Kind.TEXT})
    assert not sizing.is_small(sizing.SMALL_WITH_TEXTS + 1, {Kind.NUMBER, Kind.TEXT})


def test_rows_are_drawn_in_their_order_and_the_same_again():
    y = np.array([0, 1] * 5_000)
    drawn = sizing.rows_drawn(y, 1_000, 3, True)
    assert len(drawn) == len(set(drawn)) == 1_000
    assert (np.diff(drawn) > 0).all()
    assert drawn[0] < 100
    assert drawn[-1] > 9_900
    assert np.array_equal(drawn, sizing.rows_drawn(y, 1_000, 3, True))
    assert not np.array_equal(drawn, sizing.rows_drawn(y, 1_000, 4, True))


def test_a_rare_class_and_each_of_few_groups_stay():
    y, groups = np.zeros(20_000, dtype=int), np.full(20_000, "a", dtype=object)
    y[:12], groups[5_000:5_003] = 1, ["b", "c", "d"]
    drawn = sizing.rows_drawn(y, 1_000, 0, True, [groups, None], np.ones(20_000))
    assert y[drawn].sum() >= 10
    assert set(groups[drawn]) == {"a", "b", "c", "d"}
    assert len(drawn) == 1_000


def test_a_rare_class_is_drawn_of_rows_that_weigh_something():
    y, weights = np.zeros(20_000, dtype=int), np.ones(20_000)
    y[:200], weights[10:200] = 1, 0.0
    drawn = sizing.rows_drawn(y, 1_000, 0, True, weights=weights)
    assert (weights[drawn][y[drawn] == 1] > 0).sum() == 10


@pytest.fixture
def hurried(monkeypatch):
    """Make a training find that it has the time for one split of a thousand rows."""
    monkeypatch.setattr(sizing, "affordable", lambda *_: (800, 1))


def test_a_training_of_many_rows_says_what_it_has_learned_from(train, kept, hurried):
    X, labels = rows(3_000)
    record = train(X.assign(label=labels), target="label", model=None, limits={"candidates": 3})
    assert record.result["trainShape"] == [1_000, 4]
    assert record.holdout["rows"] == 200
    assert record.metrics["folds"] == 1
    said = ("It has learned from 1000 of 3000 rows, drawn at random", "Its scores are of 1 of 5 folds")
    for words in said:
        assert any(one.startswith(words) and "Raise limits.seconds" in one for one in record.result["warnings"])
    chosen = {"features": None, "rows": 1_000, "folds": 1}
    assert kept.by_name["lightgbm"].manifest["chosen"] == record.result["chosen"] == chosen


def test_a_table_that_is_not_small_has_a_first_model_before_anything_else(train, hurried, monkeypatch):
    monkeypatch.setattr(sizing, "SMALL", 1_000)
    X, labels = rows(3_000)
    told = []
    record = train(
        X.assign(label=labels),
        target="label",
        model=None,
        limits={"candidates": 2},
        progress=lambda stage, *more, **named: told.append(stage),
    )
    assert told[0] == "first model"
    assert "first model" in record.times


def test_a_row_is_promoted_on_the_rows_that_it_was_scored_on(train, promote, kept, store, hurried, monkeypatch):
    X, labels = rows(3_000)
    given = {"target": "label", "limits": {"candidates": 3}}
    train(X.assign(label=labels), model=None, **given)
    monkeypatch.setattr(sizing, "affordable", lambda *_: (None, None))
    again = promote(kept.by_name["lightgbm"], X.assign(label=labels), **given)
    row = next(row for row in store.report("p", 1)["leaderboard"] if row["name"] == "lightgbm")
    assert again.result["trainShape"] == [1_000, 4]
    assert again.metrics["roc_auc"]["mean"] == pytest.approx(row["score"])


def test_a_named_model_learns_from_all_rows(train, hurried):
    X, labels = rows(3_000)
    record = train(X.assign(label=labels), target="label", model="sklearn.tree.DecisionTreeClassifier")
    assert record.result["trainShape"] == [3_000, 4]
    assert record.result["warnings"] == []


@pytest.mark.parametrize("beside", [{}, {"groups": "person", "sample_weight": "weight"}, {"time": "day"}], ids=str)
def test_the_code_of_a_version_draws_the_same_rows(train, store, hurried, tmp_path, monkeypatch, capsys, beside):
    X, labels = rows(3_000)
    frame = X.assign(label=labels)
    order = np.arange(len(frame))
    values = {"groups": order % 40, "sample_weight": order % 3, "time": order // 10}
    frame = frame.assign(**{name: values[role] for role, name in beside.items()})
    record = train(frame, target="label", model=None, limits={"candidates": 2}, **beside)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "drawn.py").write_text(store.report("p", 1)["code"], encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["drawn.py", str(tmp_path / "rows.csv")])
    runpy.run_path(str(tmp_path / "drawn.py"), run_name="__main__")
    told = [float(value) for value in re.findall(r"(?:folds: |held out: )(\S+)", capsys.readouterr().out)]
    expected = [record.metrics["roc_auc"]["mean"], record.holdout["roc_auc"]]
    assert told == pytest.approx(expected, rel=1e-4)
    assert record.holdout["rows"] < 300
