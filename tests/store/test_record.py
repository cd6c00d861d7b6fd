"""Records as bytes, of this protocol and of those before it."""

from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from app.store.record import PROTOCOL, Record

EXAMPLES = sorted((Path(__file__).parent / "records").glob("protocol-*.json"))


def test_a_record_comes_back_as_it_was(make_record):
    record = make_record(7, seed=2**32 - 1, result={"classes": ["ü", 1, None, True], "score": 0.1})
    assert Record.from_bytes(record.to_bytes()) == record


def test_what_is_no_finite_number_is_stored_as_null(make_record):
    record = make_record(metrics={"roc_auc": float("nan")})
    assert Record.from_bytes(record.to_bytes()).metrics == {"roc_auc": None}


def test_a_name_that_a_later_version_added_is_left_out(make_record):
    record = make_record()
    later = orjson.dumps(asdict(record) | {"flavour": "new"})
    assert Record.from_bytes(later) == record


def test_there_is_an_example_of_every_protocol():
    assert [path.name for path in EXAMPLES] == [f"protocol-{number}.json" for number in range(1, PROTOCOL + 1)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_record_that_was_stored_is_still_read(path):
    record = Record.from_bytes(path.read_bytes())
    assert (record.pipeline_id, record.version, record.engine, record.task) == (2, 3, "sklearn", "classification")
    assert record.created_at == "2026-11-21T09:00:00+00:00"
    assert record.job_id == "3f1c0e6b8a1d4a5f9b6f0c2d7e8a9b10"
    assert record.result["mean_cv_accuracy"] == 0.9868
    assert record.parameters["model_training"]["model"] == "sklearn.tree.DecisionTreeClassifier"
    assert record.signature["columns"][0]["name"] == "bill_length_mm"
    assert record.metrics["accuracy"]["folds"] == [1.0, 0.9836, 0.9672, 1.0, 0.9833]
    assert record.holdout["confusion_matrix"] == [[27, 0], [1, 33]]
    assert record.libraries["scikit-learn"] == "1.9.1"
    assert record.times == {"features": 0.012, "search": 0.001, "evaluation": 0.211, "fit": 0.02}
    assert record.artifact == {"format": "skops", "bytes": 40213, "sha256": "0" * 64}
    assert record.seed == 0


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_names_its_own_protocol(path):
    assert orjson.loads(path.read_bytes())["protocol"] == int(path.stem.partition("-")[2])
