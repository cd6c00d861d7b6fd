"""Series of a report: of each class some, thinned without losing their peaks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from app.payloads.parameters import Task, TrainParameters
from app.payloads.training import Tables, assemble
from app.pipelines.reports import kept_series as module
from app.pipelines.reports.kept_series import examples
from tests import kinds


def training(labels, length=30, **series):
    """Series of a sine and of noise, in rows that are not in order."""
    ids = np.arange(len(labels))
    values = np.random.default_rng(0).normal(size=(len(ids), length))
    frame = pd.DataFrame({"who": ids.repeat(length), "at": np.tile(np.arange(length), len(ids)), "x": values.ravel()})
    frame["z"] = -frame["x"]
    told = pd.DataFrame({"who": ids, "label": labels})
    parameters = TrainParameters(pipeline_id="p", extract_features={"column_id": "who", "column_sort": "at", **series})
    return assemble(Tables(parameters, None, frame.sample(frac=1, random_state=0), told)), values


def test_of_each_class_there_are_some_with_all_their_signals_in_order():
    made, values = training(["b", "a"] * 10)
    found = examples(made)
    json.dumps(found, allow_nan=False)
    assert [one["label"] for one in found] == ["a"] * module.EACH + ["b"] * module.EACH
    first = found[0]
    assert [signal["name"] for signal in first["signals"]] == ["x", "z"]
    np.testing.assert_allclose(first["signals"][0]["value"], values[first["id"]], rtol=1e-5)


def test_of_numbers_the_least_a_middle_one_and_the_greatest_are_shown():
    made, _ = training(np.linspace(5, 9, 20).tolist())
    assert [one["label"] for one in examples(made)][::2] == [5.0, 9.0]


def test_of_a_long_series_what_is_least_and_greatest_stays():
    made, values = training(["a", "b"] * 5, length=5_000)
    signal = examples(made)[0]["signals"][0]
    assert len(signal["value"]) <= module.SAMPLES
    own = values[examples(made)[0]["id"]]
    assert max(signal["value"]) == np.float64(f"{own.max():.6g}")
    assert signal["place"] == sorted(set(signal["place"]))


def test_a_table_has_none_and_a_forecasting_has_some_without_a_label():
    frame = pd.DataFrame({"a": [1.0, 2.0] * 10, "b": ["x", "y"] * 10})
    table = assemble(Tables(TrainParameters(pipeline_id="p", target="b"), None, frame, None))
    assert examples(table) == []
    parameters = TrainParameters(
        pipeline_id="p",
        task="forecasting",
        target="sales",
        extract_features={"column_id": "store", "column_sort": "day"},
    )
    found = examples(assemble(Tables(parameters, Task.FORECASTING, kinds.sales(), None)))
    assert found
    assert {one["label"] for one in found} == {None}
