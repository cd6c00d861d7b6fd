"""What stands beside the labels: groups, times and weights, one a row or series, in the order of the samples."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters
from app.payloads.parameters import Task
from app.payloads.training import Tables, assemble

ROWS = 10
IDS = [f"r{row}" for row in range(ROWS)]
FRAME = pd.DataFrame(
    {
        "id": pd.Series(IDS, dtype="str"),
        "a": np.arange(ROWS) / 2,
        "patient": pd.Series(list("xxyyzzxxyy"), dtype="str"),
        "day": pd.Series([f"2020-01-{30 - row:02}" for row in range(ROWS)], dtype="str"),
        "w": np.arange(ROWS) + 0.5,
    }
)
LABELS = pd.DataFrame({"id": pd.Series(IDS[::-1], dtype="str"), "label": pd.Series(["no", "yes"] * 5, dtype="str")})


@pytest.fixture
def assembled(train_parameters):
    """Return a function that assembles a training of a table with an id column."""

    def make(frame=FRAME, labels=LABELS, task=Task.CLASSIFICATION, **parameters):
        return assemble(Tables(train_parameters(**{"id_column": "id"} | parameters), task, frame, labels))

    return make


def features(training):
    return [column.name for column in training.signature.columns]


def test_without_names_there_is_nothing_beside(assembled):
    training = assembled()
    assert training.groups is training.times is training.weights is None
    assert features(training) == ["a", "patient", "day", "w"]


def test_columns_of_the_table_are_taken_and_are_no_features(assembled):
    training = assembled(groups="patient", sample_weight="w")
    assert training.groups.tolist() == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1]
    assert training.weights.tolist() == FRAME["w"].tolist()
    assert features(training) == ["a", "day"]
    assert list(training.frame.columns) == ["a", "day"]


def test_without_an_id_column_they_are_in_the_order_of_the_rows(assembled):
    frame = FRAME.drop(columns="id").assign(label=[0, 1] * 5)
    training = assembled(frame, None, target="label", id_column=None, time="day", sample_weight="w")
    assert (np.diff(training.times) < np.timedelta64(0)).all()
    assert training.weights.tolist() == FRAME["w"].tolist()
    assert features(training) == ["a", "patient"]


def test_columns_of_the_labels_are_joined_by_id(assembled):
    labels = LABELS.assign(site=list("aabbccddee"), weight=np.arange(ROWS) + 1)
    training = assembled(labels=labels, groups="site", sample_weight="weight")
    assert training.weights.tolist() == list(range(1, ROWS + 1))[::-1]
    assert training.groups.tolist() == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]
    assert training.labels.tolist() == LABELS["label"].tolist()[::-1]


def test_a_column_of_the_labels_goes_before_one_of_the_table(assembled):
    training = assembled(labels=LABELS.assign(w=1.0), sample_weight="w")
    assert training.weights.tolist() == [1.0] * ROWS
    assert "w" not in features(training)


SERIES = pd.DataFrame(
    {
        "id": np.repeat(np.arange(ROWS)[::-1], 3),
        "x": np.arange(3.0 * ROWS),
        "subject": np.repeat(list("aabbccaabb"), 3),
        "weight": np.repeat(np.arange(1, ROWS + 1), 3),
        "label": np.repeat([0, 1] * 5, 3),
    }
)


@pytest.fixture
def of_series(assembled):
    """Return a function that assembles a training of series."""

    def make(frame=SERIES, labels=None, **parameters):
        named = {"id_column": None, "extract_features": {"column_id": "id"}, **parameters}
        return assembled(frame, labels, **({"target": "label"} if labels is None else {}) | named)

    return make


def test_a_series_has_one_value_of_each_in_the_order_of_the_series(of_series):
    training = of_series(groups="subject", sample_weight="weight")
    assert training.labels.index.tolist() == list(range(ROWS))[::-1]
    assert training.groups.tolist() == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1]
    assert training.weights.tolist() == list(range(1, ROWS + 1))
    assert features(training) == ["id", "x"]


def test_labels_of_series_may_bring_them(of_series):
    labels = pd.DataFrame({"id": np.arange(ROWS), "label": [0, 1] * 5, "when": np.arange(ROWS) * 10})
    frame = SERIES.drop(columns=["subject", "weight", "label"])
    training = of_series(frame, labels, time="when")
    assert training.times.tolist() == [10 * number for number in range(ROWS)][::-1]


@pytest.mark.parametrize(("role", "column"), [("groups", "subject"), ("sample_weight", "weight"), ("time", "weight")])
def test_a_value_that_changes_within_a_series_is_refused(of_series, role, column):
    frame = SERIES[["id", "x", "label", column]].copy()
    frame.loc[1, column] = frame.loc[8, column]
    with pytest.raises(InvalidData, match="one value for each id") as refused:
        of_series(frame, **{role: column})
    assert refused.value.faults[0].pointer == f"/raw_data/{column}"


@pytest.mark.parametrize("role", ["groups", "time", "sample_weight"])
def test_a_column_that_nobody_has_is_refused(assembled, role):
    with pytest.raises(InvalidData) as refused:
        assembled(**{role: "nowhere"})
    assert refused.value.faults[0].pointer == "/raw_data/nowhere"


@pytest.mark.parametrize(
    ("role", "column", "empty"), [("groups", "patient", None), ("time", "day", None), ("sample_weight", "w", np.nan)]
)
def test_a_column_that_is_empty_in_places_is_refused_with_their_number(assembled, role, column, empty):
    frame = FRAME.copy()
    frame.loc[[2, 5], column] = empty
    with pytest.raises(InvalidData, match=r"empty in 2 row\(s\)") as refused:
        assembled(frame, **{role: column})
    assert refused.value.faults[0].pointer == f"/params/{role}"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1.0, -0.5] * 5, id="less than 0"),
        pytest.param([0.0] * ROWS, id="all of them 0"),
        pytest.param([0] * ROWS, id="all of them the whole number 0"),
        pytest.param([1.0, np.inf] * 5, id="without bound"),
        pytest.param(["1", "2"] * 5, id="text"),
        pytest.param([True, False] * 5, id="booleans"),
    ],
)
def test_weights_are_numbers_of_at_least_0_and_not_all_of_them_0(assembled, values):
    with pytest.raises(InvalidData, match="at least 0") as refused:
        assembled(FRAME.assign(w=values), sample_weight="w")
    assert refused.value.faults[0].pointer == "/params/sample_weight"


@pytest.mark.parametrize("values", [[0.0, 1.0], [0, 3], [1e-9, 1e-9]])
def test_some_weights_may_be_0(assembled, values):
    ids = [f"r{row}" for row in range(40)]
    frame = pd.DataFrame({"id": pd.Series(ids, dtype="str"), "a": np.arange(40.0), "w": values * 20})
    labels = pd.DataFrame({"id": pd.Series(ids, dtype="str"), "label": [0, 0, 1, 1] * 10})
    np.testing.assert_array_equal(assembled(frame, labels, sample_weight="w").weights, frame["w"])


@pytest.mark.parametrize(
    ("task", "labels", "weights"),
    [
        pytest.param(Task.CLASSIFICATION, [0, 1] * 10, [0, 1] * 10, id="a class that weighs nothing"),
        pytest.param(Task.CLASSIFICATION, [0, 1] * 10, [1] * 8 + [0] * 12, id="four rows of a class"),
        pytest.param(Task.REGRESSION, [float(row) for row in range(20)], [1] * 9 + [0] * 11, id="nine rows"),
        pytest.param(Task.REGRESSION, [1.0] * 10 + [2.0] * 10, [1] * 10 + [0] * 10, id="one value"),
    ],
)
def test_enough_rows_weigh_more_than_0(assembled, task, labels, weights):
    frame = pd.DataFrame({"a": np.arange(20.0), "w": weights, "label": labels})
    with pytest.raises(InvalidData, match="weigh more than 0") as refused:
        assembled(frame, None, task, target="label", id_column=None, sample_weight="w")
    assert {fault.pointer for fault in refused.value.faults} == {"/params/sample_weight"}


@pytest.mark.parametrize(
    ("values", "order"),
    [
        pytest.param([3, 1, 2, *range(4, 11)], [1, 2, 0, *range(3, 10)], id="whole numbers"),
        pytest.param([0.3, 0.1, 0.2, *range(4, 11)], [1, 2, 0, *range(3, 10)], id="numbers"),
        pytest.param([f"2020-{month:02}" for month in range(10, 0, -1)], list(range(10))[::-1], id="months"),
        pytest.param([f"2020-01-01T{hour:02}:00:00Z" for hour in range(10)], list(range(10)), id="instants"),
        pytest.param(
            ["2020-01-01T12:00:00+05:00", "2020-01-01T11:00:00+00:00", *[f"2021-01-{d:02}" for d in range(1, 9)]],
            list(range(10)),
            id="zones of time",
        ),
    ],
)
def test_times_are_numbers_or_dates_and_are_ordered_as_such(assembled, values, order):
    training = assembled(FRAME.assign(day=values), time="day")
    assert np.argsort(training.times, kind="stable").tolist() == order


@pytest.mark.parametrize(
    "values",
    [["soon", *["2020-01-01"] * 9], ["01/02/2020"] * 10, [True, False] * 5],
    ids=["words", "a form", "booleans"],
)
def test_times_that_cannot_be_ordered_are_refused(assembled, values):
    with pytest.raises(InvalidData, match="must hold numbers or") as refused:
        assembled(FRAME.assign(day=values), time="day")
    assert refused.value.faults[0].pointer == "/params/time"


def test_groups_may_be_numbers(assembled):
    assert assembled(FRAME.assign(patient=[7, 3] * 5), groups="patient").groups.tolist() == [1, 0] * 5


def test_no_column_has_two_roles(assembled):
    with pytest.raises(InvalidParameters):
        assembled(groups="w", sample_weight="w")
