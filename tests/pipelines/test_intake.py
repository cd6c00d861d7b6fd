"""Uploads as they are written into what is learned: labels and ids in the caller's own characters."""

import json

import pytest

from app.payloads.uploads import Upload
from app.pipelines import intake
from app.settings import Settings

MODEL = {"model": "sklearn.tree.DecisionTreeClassifier"}


def csv(*rows, header):
    return "\n".join([header, *rows]).encode()


def read(raw_data, labels=None, **params):
    parts = {"raw_data": Upload("raw_data", raw_data, filename="t.csv")}
    if labels is not None:
        parts["labels"] = Upload("labels", labels, filename="l.csv")
    given = json.dumps({"pipeline_id": "p", "model_training": MODEL, **params}).encode()
    return intake.read(parts | {"params": Upload("params", given, filename="p.yml")}, Settings())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(["01", "02"], ["01", "02"], id="padded"),
        pytest.param(["1", "02"], ["1", "02"], id="one of them padded"),
        pytest.param(["1", "2"], [1, 2], id="plain"),
        pytest.param(["0", "10"], [0, 10], id="with zeros in them"),
    ],
)
def test_classes_are_what_was_written(written, expected):
    values = [written[row % 2] for row in range(20)]
    table = read(csv(*(f"{row},{value}" for row, value in enumerate(values)), header="x,y"), target="y")
    assert table.frame["y"].tolist() == expected * 10
    features = csv(*(f"{row},{row % 3}" for row in range(20)), header="id,x")
    own = csv(*(f"{row},{value}" for row, value in enumerate(values)), header="id,label")
    apart = read(features, own, id_column="id")
    assert apart.labels["label"].tolist() == expected * 10
    assert apart.frame["x"].dtype == "int64"


def test_padded_numbers_that_are_no_classes_stay_numbers():
    rows = [f"{row:03},{row:02},{row % 2}" for row in range(20)]
    assert read(csv(*rows, header="y,x,z"), target="z").frame["x"].tolist() == list(range(20))
    model = {"model": "sklearn.linear_model.Ridge"}
    assert read(csv(*rows, header="y,x,z"), target="y", model_training=model).frame["y"].tolist() == list(range(20))
    labels = csv(*(f"{row},{row:02},{'ab'[row % 2]}" for row in range(20)), header="id,w,label")
    data = csv(*(f"{row},{row * 2}" for row in range(20)), header="id,x")
    weighed = read(data, labels, id_column="id", sample_weight="w")
    assert weighed.labels["w"].tolist() == list(range(20))
