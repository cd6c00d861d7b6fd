"""A training's input: assembled, and the same after its way through Redis."""

import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters
from app.payloads.parameters import Task
from app.payloads.training import SINGLE_SERIES, Tables, assemble

IDS = list(range(10))
FRAME = pd.DataFrame({"id": IDS, "n": [0.5] * 10, "t": pd.Series(["x", "y"] * 5, dtype="str")})
LABELS = pd.DataFrame({"id": IDS[::-1], "label": pd.Series(["b", "a"] * 5, dtype="str")})
SERIES = pd.DataFrame({"id": [3] * 2 + [1] * 2, "x": [1.0, 2.0, 3.0, 4.0]})


@pytest.fixture
def tables(train_parameters):
    """Return a function that makes the tables of a plain classification."""

    def make(frame=FRAME, labels=LABELS, task=Task.CLASSIFICATION, **parameters):
        return Tables(train_parameters(**{"id_column": "id"} | parameters), task, frame, labels)

    return make


def test_labels_and_rows_belong_together(tables):
    training = assemble(tables())
    assert training.labels.to_dict() == dict(zip(LABELS["id"], LABELS["label"], strict=True))
    assert training.labels.index.tolist() == IDS
    assert list(training.frame.columns) == ["n", "t"]
    assert training.positive_class == "b"


def test_a_target_column_of_the_table_gives_the_labels(tables):
    frame = FRAME.assign(label=[0, 1] * 5)
    with_id = assemble(tables(frame, None, target="label"))
    without = assemble(tables(frame.drop(columns="id"), None, target="label", id_column=None))
    assert with_id.labels.tolist() == without.labels.tolist() == [0, 1] * 5
    assert "label" not in with_id.frame
    assert without.labels.index.tolist() == IDS


def test_a_target_column_of_a_series_is_one_label_an_id(tables):
    frame = pd.DataFrame({"id": [number // 2 for number in range(20)], "x": 1.0})
    frame["label"] = frame["id"] % 2
    training = assemble(tables(frame, None, target="label", id_column=None, extract_features={"column_id": "id"}))
    assert training.labels.tolist() == [0, 1] * 5
    frame.loc[0, "label"] = 1
    with pytest.raises(InvalidData, match="more than once: 0") as refusal:
        assemble(tables(frame, None, target="label", id_column=None, extract_features={"column_id": "id"}))
    assert [fault.pointer for fault in refusal.value.faults] == ["/raw_data/label"]


@pytest.mark.parametrize("named", [{"id_column": "id"}, {"id_column": None}], ids=["an id column", "none"])
@pytest.mark.parametrize(
    ("values", "word"), [(["a"] * 10, "single class"), ([None, *["a", "b"] * 4, "a"], "empty label in y")]
)
def test_labels_that_are_a_column_of_the_table_are_pointed_at_there(tables, named, values, word):
    with pytest.raises(InvalidData, match=word) as refusal:
        assemble(tables(FRAME.assign(y=pd.Series(values, dtype="str")), None, target="y", **named))
    assert [fault.pointer for fault in refusal.value.faults] == ["/raw_data/y"]


def test_labels_of_a_part_of_their_own_are_pointed_at_there(tables):
    with pytest.raises(InvalidData) as refusal:
        assemble(tables(labels=LABELS.assign(label="a"), target="label"))
    assert [fault.pointer for fault in refusal.value.faults] == ["/labels"]


@pytest.mark.parametrize("column_id", [None, SINGLE_SERIES])
def test_the_name_of_a_single_series_is_no_column_of_the_callers(train_parameters, column_id):
    frame = pd.DataFrame({SINGLE_SERIES: [1, 2] * 5, "x": range(10)})
    parameters = train_parameters(task="forecasting", extract_features={"column_id": column_id})
    with pytest.raises(InvalidData) as refusal:
        assemble(Tables(parameters, Task.FORECASTING, frame, None))
    assert [fault.pointer for fault in refusal.value.faults] == [f"/raw_data/{SINGLE_SERIES}"]


@pytest.mark.parametrize(
    ("changes", "error", "word"),
    [
        pytest.param({"labels": None}, InvalidParameters, "labels part", id="no labels at all"),
        pytest.param({"labels": None, "target": "nope"}, InvalidParameters, "labels part", id="an unknown target"),
        pytest.param({"id_column": None}, InvalidParameters, "joined by id", id="labels without an id column"),
        pytest.param({"id_column": "nope"}, InvalidData, "lacks a column", id="an unknown id column"),
        pytest.param({"frame": FRAME.assign(id=1)}, InvalidData, "more than one row: 1", id="an id twice"),
        pytest.param({"frame": FRAME.assign(id=[None, *IDS[1:]])}, InvalidData, "no id", id="an empty id"),
        pytest.param(
            {"frame": FRAME.assign(y=[None, *IDS[1:]]), "labels": None, "target": "y"},
            InvalidData,
            "empty label",
            id="an empty target",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(tables, changes, error, word):
    with pytest.raises(error, match=word):
        assemble(tables(**changes))


@pytest.mark.parametrize("role", ["target", "groups", "time", "sample_weight"])
def test_the_file_names_of_images_are_their_ids_and_nothing_else(train_parameters, png, role):
    names = [f"{number}.png" for number in range(10)]
    images = {"file": pd.Series(names, dtype="str"), "image": pd.Series([png] * 10, dtype="object")}
    frame = pd.DataFrame(images | {"folder": pd.Series(["a", "b"] * 5, dtype="str")})
    with pytest.raises(InvalidParameters) as refusal:
        assemble(Tables(train_parameters(**{"target": "folder"} | {role: "file"}), None, frame, None))
    assert [fault.pointer for fault in refusal.value.faults] == [f"/params/{role}"]


def test_a_regression_has_no_positive_class(tables):
    labels = LABELS.assign(label=range(10))
    assert assemble(tables(labels=labels, task=Task.REGRESSION)).positive_class is None


@pytest.mark.parametrize(
    ("values", "found", "positive"),
    [
        ([0, 1] * 5, Task.CLASSIFICATION, 1),
        (["b", "a"] * 5, Task.CLASSIFICATION, "b"),
        ([number / 3 for number in range(10)], Task.REGRESSION, None),
    ],
)
def test_the_labels_decide_the_task_when_nobody_names_one(tables, values, found, positive):
    training = assemble(tables(labels=LABELS.assign(label=values), task=None))
    assert (training.task, training.positive_class) == (found, positive)


def test_a_task_that_is_named_stands_against_the_labels(tables):
    training = assemble(tables(labels=LABELS.assign(label=[1.0, 2.0] * 5), task=Task.REGRESSION))
    assert (training.task, training.positive_class) == (Task.REGRESSION, None)


def test_a_task_that_the_labels_decide_stays_open_on_the_way_through_bytes(tables):
    assert Tables.from_bytes(tables(task=None).to_bytes()).task is None


@pytest.mark.parametrize("labels", [LABELS, None], ids=["labels apart", "no labels"])
def test_tables_come_back_from_bytes_with_the_same_types(tables, labels):
    frame = FRAME.assign(b=[True, False] * 5, gap=[None, *map(float, IDS[1:])])
    before = tables(frame, labels, target="label", seed=7, positive_class="a")
    after = Tables.from_bytes(before.to_bytes())
    pd.testing.assert_frame_equal(after.frame, before.frame)
    assert (after.labels is None) == (labels is None)
    assert (after.parameters, after.task) == (before.parameters, before.task)


@pytest.mark.parametrize("weights", [{"a": 1, "b": 2}, {0: 1, 1: 2}, {False: 1, True: 2}])
def test_class_weights_name_the_same_classes_after_their_way_through_bytes(tables, weights):
    model = {"model": "sklearn.tree.DecisionTreeClassifier", "model_args": {"class_weight": weights}}
    after = Tables.from_bytes(tables(model_training=model).to_bytes())
    found = after.parameters.model_training.model_args["class_weight"]
    assert {str(name): value for name, value in found.items()} == {str(name): value for name, value in weights.items()}


def test_equal_tables_give_equal_bytes(tables):
    assert tables().to_bytes() == tables().to_bytes()
