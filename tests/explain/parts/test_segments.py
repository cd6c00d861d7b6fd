"""Stretches of signals that are masked."""

import numpy as np
import pytest

from app.explain.parts.segments import Segments
from app.payloads.parameters import Kind
from tests.explain.functions import Series, Watched


def cut(values, count, fill="line", start=0, function=lambda rows: [sum(map(np.sum, row)) for row in rows.to_numpy()]):
    """Return the stretches of signals, and what watches what the model is asked for."""
    signals = Series({name: np.array(one, dtype="float64") for name, one in values.items()}, start)
    model = Watched(function, signals.rows([signals.values]), **dict.fromkeys(values, Kind.SIGNAL))
    return Segments.of(model.subject, signals, count, fill), model


def masked(values, count, keep, fill, start=0):
    """Return a signal without the stretches that are not kept."""
    stretches, model = cut({"s": values}, count, fill, start)
    stretches.answers(np.array([keep], dtype=bool))
    return model.asked[0]["s"][0].tolist()


def test_stretches_cover_each_signal_once_and_are_nearly_as_long():
    stretches, _ = cut({"a": np.arange(23), "b": np.arange(7)}, 5)
    for name, length in (("a", 23), ("b", 7)):
        places = [(part.start, part.end) for part in stretches.parts if part.feature == name]
        assert len(places) == 5
        assert [place for start, end in places for place in range(start, end)] == list(range(length))
        sizes = [end - start for start, end in places]
        assert max(sizes) - min(sizes) <= 1
    assert all(part.value is None for part in stretches.parts)


def test_a_signal_shorter_than_the_stretches_has_one_a_sample():
    stretches, _ = cut({"a": [1, 2, 3], "b": [5]}, 20)
    assert [(part.feature, part.start, part.end) for part in stretches.parts] == [
        ("a", 0, 1), ("a", 1, 2), ("a", 2, 3), ("b", 0, 1)
    ]  # fmt: skip


def test_numbers_of_samples_are_those_of_the_whole_series():
    stretches, _ = cut({"a": [1, 2, 3, 4]}, 2, start=116)
    assert [(part.start, part.end) for part in stretches.parts] == [(116, 118), (118, 120)]
    assert stretches.details == {"signals": {"a": [1, 2, 3, 4]}, "start": 116}


@pytest.mark.parametrize("start", [0, 50])
@pytest.mark.parametrize(
    ("fill", "keep", "expected"),
    [
        ("line", [True, False, True], [1, 2, 3, 4, 5, 6]),
        ("line", [False, True, True], [9, 9, 9, 9, 5, 6]),
        ("line", [True, True, False], [1, 2, 9, 9, 9, 9]),
        ("line", [True, False, False], [1, 2, 2, 2, 2, 2]),
        ("line", [True, True, True], [1, 2, 9, 9, 5, 6]),
        ("mean", [True, False, True], [1, 2, 32 / 6, 32 / 6, 5, 6]),
        ("mean", [False, False, False], [32 / 6] * 6),
        ("zero", [False, True, False], [0, 0, 9, 9, 0, 0]),
        # A straight line between two ends needs one.
        ("line", [False, False, False], [32 / 6] * 6),
    ],
)
def test_a_masked_stretch_is_filled(fill, keep, expected, start):
    assert masked([1, 2, 9, 9, 5, 6], 3, keep, fill, start) == pytest.approx(expected)


def test_what_is_missing_stays_missing_where_it_is_kept_and_is_no_end_of_a_line():
    values = [1, np.nan, 5, 5, np.nan, 4]
    line, mean = [1, np.nan, 2.2, 2.8, np.nan, 4], [3.75, 3.75, 5, 5, np.nan, 4]
    assert masked(values, 3, [True, False, True], "line") == pytest.approx(line, nan_ok=True)
    assert masked(values, 3, [False, True, True], "mean") == pytest.approx(mean, nan_ok=True)
    stretches, _ = cut({"s": values}, 3)
    assert stretches.details["signals"] == {"s": [1, None, 5, 5, None, 4]}


def test_signals_are_masked_by_themselves_and_not_in_place():
    values = {"a": [1, 2, 3, 4], "b": [10, 20, 30, 40, 50, 60]}
    stretches, model = cut(values, 2, "zero")
    stretches.answers(np.array([[False, True, True, False]]))
    assert {name: cell[0].tolist() for name, cell in model.asked[0].items()} == {
        "a": [0, 0, 3, 4],
        "b": [10, 20, 30, 0, 0, 0],
    }
    assert stretches.signals.values["a"].tolist() == [1, 2, 3, 4]


def test_the_same_series_is_asked_for_once_and_answered_in_the_order_asked():
    stretches, model = cut({"s": [1, 2, 4, 8]}, 4, "zero")
    masks = np.random.default_rng(0).random((300, 4)) < 0.5
    answers = stretches.answers(masks)
    assert len(model.drawn) == 16
    assert answers[:, 0].tolist() == (masks @ [1, 2, 4, 8]).tolist()


def test_more_series_than_are_asked_for_at_once_keep_their_order():
    stretches, model = cut({"s": 2.0 ** np.arange(10)}, 10, "zero")
    masks = (np.arange(1024)[:, None] >> np.arange(10)) & 1 == 1
    assert stretches.answers(masks)[:, 0].tolist() == list(range(1024))
    assert len(model.asked) > 1
