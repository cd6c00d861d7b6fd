"""Warnings of data that makes scores too good: rows that are there twice, windows of one recording that overlap."""

import numpy as np
import pandas as pd
import pytest

from app.payloads.training import assemble
from app.pipelines import leakage, samples


def recording(length=400, seed=0):
    return np.random.default_rng(seed).normal(size=length)


def windows(values, width, step):
    return [values[start : start + width] for start in range(0, len(values) - width + 1, step)]


def long(series):
    """Return series, arrays of shape (n_samples,) or (n_samples, n_signals), as a long table, and labels."""
    values = np.concatenate([one.reshape(len(one), -1) for one in series])
    ids = np.repeat(np.arange(len(series)), [len(one) for one in series])
    frame = pd.DataFrame(values, columns=[f"x{number}" for number in range(values.shape[1])]).assign(id=ids)
    return frame, pd.DataFrame({"id": np.arange(len(series)), "label": np.arange(len(series)) % 2})


SERIES = {"extract_features": {"column_id": "id", "default_fc_parameters": {"mean": None}, "missing": "interpolate"}}


@pytest.fixture
def share(tables):
    """Return a function that gives the share of series that overlap, in percent, as the warning tells it."""

    def told(series):
        frame, labels = long(series)
        beside = samples.Samples(X=labels, y=labels["label"].to_numpy(), kinds={}, classes=(0, 1))
        sentences = leakage.warnings(assemble(tables(frame, labels, **SERIES)), beside)
        return int(sentences[0].partition("%")[0]) if sentences else 0

    return told


def test_windows_of_one_recording_that_overlap_are_found(share):
    assert share(windows(recording(), 50, 10)) > 90


def test_windows_side_by_side_do_not_overlap(share):
    assert share(windows(recording(600), 50, 50)) == 0


def test_series_of_their_own_do_not_overlap(share):
    assert share([recording(60, seed) for seed in range(50)]) == 0


def test_a_series_that_is_there_twice_is_found(share):
    series = [recording(60, seed) for seed in range(9)]
    assert share([*series, series[0]]) == 20


def test_the_share_is_of_the_series_that_begin_within_another(share):
    whole = recording(100)
    others = [recording(60, seed) for seed in range(1, 9)]
    assert share([whole, whole[40:], *others]) == 10


@pytest.mark.parametrize("shared", [leakage.STRETCH, leakage.STRETCH + 1])
def test_a_common_beginning_that_parts_is_no_overlap(share, shared):
    head = recording(shared, 7)
    assert share([np.concatenate([head, recording(40, seed)]) for seed in range(10)]) == 0


@pytest.mark.parametrize("line", [np.zeros(50), np.arange(float(leakage.STRETCH))], ids=["as it is", "short"])
def test_lines_that_stay_as_they_are_and_very_short_series_tell_nothing(share, line):
    assert share([line] * 10) == 0


def test_series_of_different_lengths_and_with_gaps_are_looked_at(share):
    with_gaps = recording(80)
    with_gaps[5] = np.nan
    others = [recording(60, seed) for seed in range(3, 9)]
    assert share([with_gaps, recording(9, 1), recording(200, 2), recording(200, 2)[20:], *others]) == 10


def test_thousands_of_series_that_are_all_alike_are_looked_at_once_each(share):
    assert share([recording(40)] * 5000) == 100


def beside(*signals):
    """Return series of several signals, each given as a list of arrays."""
    return [np.column_stack(of_one) for of_one in zip(*signals, strict=True)]


@pytest.mark.parametrize("level", [0.0, 7.5])
def test_a_signal_that_stays_as_it_is_hides_no_overlap(share, level):
    found = windows(recording(), 50, 10)
    still = [np.full(50, level)] * len(found)
    assert share(beside(still, found)) == share(beside(found, still)) > 90


def test_a_signal_that_all_series_share_is_no_overlap_of_what_differs(share):
    series = [recording(50, seed) for seed in range(20)]
    clock = [np.arange(50.0)] * 20
    assert share(clock) == 100
    assert share(beside(clock, series)) == 0


def test_signals_that_overlap_at_different_places_do_not_agree(share):
    found = windows(recording(), 50, 10)
    assert share(beside(found, windows(recording(seed=1), 50, 10)[::-1])) == 0


@pytest.fixture
def warned(tables):
    """Return a function that gives the warnings of a training."""

    def tell(frame, labels=None, **named):
        training = assemble(tables(frame, labels, **named))
        return leakage.warnings(training, samples.make(training, lambda *report, **more: None))

    return tell


def table(rows=100):
    generator = np.random.default_rng(0)
    return pd.DataFrame({"a": generator.normal(size=rows), "who": np.arange(rows) // 2, "label": [0, 1] * (rows // 2)})


def test_rows_that_are_there_twice_are_told_of(warned):
    frame = pd.concat([table(), table()[:40]], ignore_index=True)
    (sentence,) = warned(frame, target="label")
    assert sentence.startswith("29% of the rows repeat an earlier one")
    assert "groups" in sentence


def test_a_few_of_them_are_not_worth_a_warning(warned):
    assert warned(pd.concat([table(), table()[:3]], ignore_index=True), target="label") == []


@pytest.mark.parametrize("named", [{"groups": "who"}, {"time": "who"}])
def test_folds_by_groups_or_time_are_the_answer_and_need_no_warning(warned, named):
    frame = pd.concat([table(), table()], ignore_index=True)
    assert warned(frame, target="label", **named) == []


def test_series_that_overlap_are_told_of(warned):
    (sentence,) = warned(*long(windows(recording(), 50, 10)), **SERIES)
    assert "overlap" in sentence
    assert "groups" in sentence


def test_series_that_do_not_are_not(warned):
    assert warned(*long([recording(30, seed) for seed in range(20)]), **SERIES) == []


def test_series_that_overlap_within_their_groups_need_no_warning(warned):
    frame, labels = long(windows(recording(), 50, 10))
    assert warned(frame, labels.assign(recording=np.arange(len(labels)) // 6), groups="recording", **SERIES) == []


@pytest.mark.parametrize("role", ["groups", "time"])
def test_a_first_model_of_some_series_warns_of_nothing_that_the_caller_has_answered(tables, role):
    frame, labels = long(windows(recording(), 50, 10))
    named = {role: "recording", **SERIES}
    training = samples.few(assemble(tables(frame, labels.assign(recording=np.arange(len(labels)) // 6), **named)))
    assert leakage.warnings(training, samples.make(training, lambda *report, **more: None)) == []


def stacked(**signals):
    """Return long series of signals that are stacked, each a list of arrays, and labels."""
    rows = [
        pd.DataFrame({"id": number, "kind": kind, "x": values})
        for kind, series in signals.items()
        for number, values in enumerate(series)
    ]
    count = len(next(iter(signals.values())))
    return pd.concat(rows, ignore_index=True), pd.DataFrame({"id": np.arange(count), "label": np.arange(count) % 2})


STACKED = {"extract_features": SERIES["extract_features"] | {"column_kind": "kind", "column_value": "x"}}


@pytest.mark.parametrize("first", [0, 1], ids=["still first", "still last"])
def test_all_signals_are_looked_at(warned, first):
    found, still = windows(recording(), 50, 10), [np.zeros(50)] * 36
    named = [("still", still), ("found", found)]
    (sentence,) = warned(*stacked(**dict(named if first == 0 else named[::-1])), **STACKED)
    assert sentence.startswith("97% of the series begin")


def test_signals_of_different_rates_are_each_looked_at_and_must_agree(warned):
    fast, slow = windows(recording(), 100, 20), windows(recording(200, 1), 50, 10)
    assert len(fast) == len(slow) == 16
    (sentence,) = warned(*stacked(fast=fast, slow=slow), **STACKED)
    assert "overlap" in sentence
    assert warned(*stacked(fast=fast, slow=[recording(50, seed) for seed in range(16)]), **STACKED) == []
