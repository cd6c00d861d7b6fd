"""Predictions in portions: the same answers, and an end between two of them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from app import deadline
from app.errors import DeadlinePassed
from app.payloads.parameters import Task
from app.pipelines import portions


@dataclass
class Doubling:
    """A pipeline that doubles its column, and after some calls has no more time."""

    task: Task = Task.REGRESSION
    calls: int = 1000
    sizes: list = field(default_factory=list)
    # What is compiled takes microseconds a row, and is not timed.
    compiled: object = True

    def predict(self, rows):
        self.sizes.append(len(rows))
        if len(self.sizes) == self.calls:
            deadline.begin(0)
        return rows["a"].to_numpy() * 2.0


@pytest.fixture(autouse=True)
def none_left_behind():
    """Other tests have time without end."""
    yield
    deadline.end()


@pytest.mark.parametrize(
    ("n_rows", "sizes"),
    [(0, [0]), (1, [1]), (10_000, [10_000]), (10_001, [10_000, 1]), (25_000, [10_000] * 2 + [5_000])],
)
def test_rows_are_answered_in_their_order(n_rows, sizes):
    pipeline, rows = Doubling(), pd.DataFrame({"a": np.arange(n_rows)})
    assert (portions.predict(pipeline, rows) == np.arange(n_rows) * 2.0).all()
    assert pipeline.sizes == sizes


def test_a_forecast_is_made_whole():
    pipeline = Doubling(Task.FORECASTING)
    portions.predict(pipeline, pd.DataFrame({"a": np.arange(20_000)}))
    assert pipeline.sizes == [20_000]


@pytest.mark.parametrize(("n_rows", "begun"), [(30_000, 1), (10, 1)])
def test_past_the_time_of_the_request_no_portion_is_begun_and_nothing_answered(n_rows, begun):
    pipeline = Doubling(calls=1)
    with pytest.raises(DeadlinePassed):
        portions.predict(pipeline, pd.DataFrame({"a": np.arange(n_rows)}))
    assert len(pipeline.sizes) == begun
