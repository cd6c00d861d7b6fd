"""Work that is more than there is time for: refused before it is begun, and left where time runs out on the way."""

from __future__ import annotations

import io
import time
from contextvars import copy_context

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from app import deadline
from app.errors import DeadlinePassed, TooCostly
from app.payloads.parameters import Kind, TrainParameters, check
from app.pipelines import costs, pace
from app.pipelines.tsfresh import SeriesFeatures, params
from app.pipelines.tsfresh.calculators.plan import Plan
from app.pipelines.tsfresh.extract import compute, features
from app.pipelines.tsfresh.series import Signal
from tests import published
from tests.security.slow import Slow

#: Seconds within which a refusal has to be there, where the work would be hours: the machine may be busy.
SOON = 30

#: Seconds that the slow model takes for a row.
PACE = 0.02

#: Calculators that compare each sample with each.
PAIRS = {"approximate_entropy": [{"m": 2, "r": 0.1}], "sample_entropy": None, "mean": None}


@pytest.fixture(scope="session")
def dear():
    """Versions of a model of features that compare samples, and of one that is slow."""
    from sklearn.tree import DecisionTreeClassifier

    series = {"column_id": "who", "column_sort": "time", "default_fc_parameters": PAIRS}
    checked = check(TrainParameters, {"pipeline_id": "pairs", "extract_features": series})
    frame, labels = published.waves()
    signature = published.signatures.infer(frame, checked)
    described, X = SeriesFeatures.fit(signature.conform(frame), checked.extract_features, lambda *_, **__: None)
    read = dict.fromkeys(X.columns, Kind.NUMBER)
    tree = DecisionTreeClassifier(random_state=0)
    return [
        published._version(checked, signature, X, labels[X.index], read, tree, described),
        published.version("slow", published.numbers(["no", "yes"]), "label", Slow()),
    ]


@pytest.fixture
def priced(dear, publications, client, monkeypatch):
    monkeypatch.setattr(Slow, "pace", PACE)
    for version in dear:
        publications.publish(version)
    return client


def arrow(**columns):
    sink = io.BytesIO()
    table = pa.table(columns)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {"data": sink.getvalue(), "headers": {"Content-Type": "application/vnd.apache.arrow.stream"}}


def a_series(n_samples):
    return arrow(
        who=np.zeros(n_samples, dtype="int64"),
        time=np.arange(n_samples),
        value=np.random.default_rng(0).normal(size=n_samples),
    )


def too_costly(answer, since):
    assert (answer.status_code, answer.json["type"]) == (422, "urn:problem:too-costly"), answer.text
    assert "would take about" in answer.json["detail"]
    assert time.monotonic() - since < SOON


def test_a_series_whose_features_take_hours_is_not_predicted(priced):
    path = "/serve_prediction?pipeline_id=pairs"
    assert priced.post(path, **a_series(2_000)).status_code == 200
    since = time.monotonic()
    too_costly(priced.post(path, **a_series(200_000)), since)


def test_a_series_whose_features_take_hours_is_not_explained(priced):
    path = "/explain?pipeline_id=pairs&method=segments&num_segments=2"
    assert priced.post(path, **a_series(200)).status_code == 200
    since = time.monotonic()
    too_costly(priced.post(path, **a_series(200_000)), since)


def test_a_training_whose_features_take_longer_than_its_limit_is_refused(refused, series_training):
    options = series_training(default_fc_parameters="ComprehensiveFCParameters()")
    # One long series, and others that are short.
    n_samples = 38_000
    ids = np.minimum(np.arange(n_samples), 19)
    table = pd.DataFrame({"id": ids, "time": np.arange(n_samples), "value": 0.5})
    csv = table.to_csv(index=False).encode()
    spoilt = b'"limits": {"seconds": 5}, "pipeline_id"'
    parameters = options["data"]["params"][0].read().replace(b'"pipeline_id"', spoilt)
    options["data"] |= {"params": (io.BytesIO(parameters), "p.yml"), "raw_data": (io.BytesIO(csv), "raw_data.csv")}
    problem = refused(422, **options)
    assert problem["type"] == "urn:problem:too-costly"
    assert "limits.seconds" in problem["detail"]


@pytest.mark.parametrize("method", ["lime", "kernel_shap", "shap"])
def test_more_samples_than_any_method_draws_are_refused(refused, priced, method):
    body = {"pipeline_id": "slow", "data": [{"a": 1, "b": 2}], "method": method, "num_samples": 10**9}
    refused(422, path="/explain", json=body)


def test_samples_of_a_slow_model_that_take_longer_than_a_request_has_are_refused(priced):
    rows = [{"a": number, "b": 0.5} for number in range(3)]
    body = {"pipeline_id": "slow", "data": rows, "method": "lime", "num_samples": 50_000}
    since = time.monotonic()
    too_costly(priced.post("/explain", json=body), since)
    assert priced.post("/explain", json=body | {"num_samples": 50, "ids": [0]}).status_code == 200


def test_rows_that_a_slow_model_has_no_time_for_are_refused(priced):
    # Longer than a request may take, and fewer than are predicted at once.
    n_rows = int(200 / PACE)
    since = time.monotonic()
    sent = arrow(a=np.ones(n_rows), b=np.ones(n_rows))
    too_costly(priced.post("/serve_prediction?pipeline_id=slow", **sent), since)
    assert priced.post("/serve_prediction?pipeline_id=slow", **arrow(a=np.ones(70), b=np.ones(70))).status_code == 200


def signals(n_series, n_samples, wanted):
    values = np.random.default_rng(0).normal(size=n_series * n_samples)
    return [(Signal(values, np.arange(n_series + 1) * n_samples, None), Plan.of(wanted))], n_series


def test_features_end_between_chunks_when_the_time_is_over():
    def between(stage, fraction):
        seen.append(fraction)
        if len(seen) == 2:
            deadline.begin(0.0)

    def run():
        deadline.begin(60.0)
        with pytest.raises(DeadlinePassed):
            features(*signals(10_000, 10, {"mean": None}), progress=between)

    seen: list[float] = []
    copy_context().run(run)
    assert len(seen) == 2


def test_a_job_computes_what_its_own_limit_allows():
    comprehensive = params.fc_parameters("ComprehensiveFCParameters()")
    assert costs.of_features(comprehensive, np.array([1_000_000])) > 3_600
    # Nobody waits for it: no deadline, no refusal.
    costs.require_features([(comprehensive, np.array([1_000_000]))])


def test_a_model_is_asked_in_calls_that_end_when_the_time_is_over():
    def ask(rows):
        calls.append(len(rows))
        time.sleep(0.01 * len(rows))
        if len(calls) > 4:
            deadline.begin(0.0)
        return rows[:, 0]

    def run():
        deadline.begin(60.0)
        with pytest.raises(DeadlinePassed):
            pace.Paced(ask)(np.ones((500, 1)))

    calls: list[int] = []
    copy_context().run(run)
    assert sum(calls) < 500


def test_the_answers_of_a_model_are_those_of_its_rows_however_it_is_asked():
    def run():
        deadline.begin(60.0)
        rows = np.arange(400.0).reshape(200, 2)
        slow = pace.Paced(lambda some: (time.sleep(0.02 * len(some)), some[:, 0] * 2)[1])
        np.testing.assert_array_equal(slow(rows), rows[:, 0] * 2)
        frame = pd.DataFrame(rows)
        np.testing.assert_array_equal(pace.Paced(lambda some: some[0].to_numpy())(frame), rows[:, 0])

    copy_context().run(run)


def test_blocks_of_which_all_would_take_too_long_are_refused_after_two():
    def run():
        deadline.begin(20.0)
        with pytest.raises(TooCostly):
            pace.in_blocks(lambda some: (asked.append(len(some)), time.sleep(0.2), some)[2], np.arange(100_000), 10)

    asked: list[int] = []
    copy_context().run(run)
    assert len(asked) == 2


@pytest.mark.nightly
@pytest.mark.parametrize("n_samples", [4_000, 8_000, 16_000])
def test_the_estimate_of_features_is_within_five_times_of_what_they_take(n_samples):
    comprehensive = params.fc_parameters("ComprehensiveFCParameters()")
    values = np.random.default_rng(0).normal(size=n_samples)
    compute([values[:500]], comprehensive)
    since = time.perf_counter()
    compute([values], comprehensive)
    taken = time.perf_counter() - since
    assert taken / 5 < costs.of_features(comprehensive, np.array([n_samples])) < 5 * taken
