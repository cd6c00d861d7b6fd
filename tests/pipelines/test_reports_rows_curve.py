"""Scores by how many rows were learned from, of real datasets."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline

from app.payloads.parameters import TrainParameters, check
from app.payloads.training import Tables, assemble
from app.pipelines import evaluate
from app.pipelines.clock import Clock
from app.pipelines.dataset import Dataset
from app.pipelines.reports import rows_curve


def dataset_of(frame, **parameters):
    known = check(TrainParameters, {"pipeline_id": "rows", "target": "y", **parameters})
    return Dataset(assemble(Tables(known, None, frame, None)), Clock(60), lambda *_, **__: None)


def fit(dataset, model, rows):
    return evaluate.fit(Pipeline([("model", model)]), dataset.samples.X.iloc[rows], dataset.samples.y[rows])


def curve(dataset, model, took=0.0):
    fits = partial(fit, dataset, model)
    return rows_curve(dataset, fits, fits(dataset.seen), took, 1.0)


def table(rows=200):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(rows, 12)), columns=[f"x{number}" for number in range(12)])
    return frame.assign(y=frame.sum(axis=1) + draw.normal(size=rows))


def test_more_rows_help_on_those_held_out_and_ever_less_is_learned_by_heart():
    dataset = dataset_of(table())
    found = curve(dataset, Ridge(1e-3))
    assert found["metric"] == "r2"
    assert found["rows"] == [20, 40, 80, 160]
    assert found["held_out"][0] < found["held_out"][-1]
    assert found["learned_from"][0] > found["learned_from"][-1]


def test_each_class_is_among_the_rows_of_each_part():
    frame = table()
    frame["y"] = np.where(frame["y"] > 2.5, "few", "many")
    found = curve(dataset_of(frame), LogisticRegression())
    assert len(found["rows"]) == 4
    assert all(0.5 < score <= 1 for score in found["held_out"])


def test_in_time_the_latest_rows_are_learned_from():
    frame = table().assign(when=np.arange(200))
    # What came early says the contrary, so that any of it would do harm.
    frame.loc[:99, "y"] *= -1
    found = curve(dataset_of(frame, time="when"), Ridge(1e-3))
    assert found["held_out"][1] > 0.5
    assert found["held_out"][-1] < 0.5


def test_a_part_that_an_estimator_refuses_is_left_out():
    found = curve(dataset_of(table()), KNeighborsRegressor(30))
    assert found["rows"] == [20, 40, 80, 160]
    assert found["held_out"][0] is None
    assert found["held_out"][1] is not None


@pytest.mark.parametrize("rows", [30, 90])
def test_few_rows_have_no_curve(rows):
    assert curve(dataset_of(table(rows)), Ridge()) is None


def test_what_would_take_too_long_is_not_begun():
    assert curve(dataset_of(table()), Ridge(), took=0.7) is None
