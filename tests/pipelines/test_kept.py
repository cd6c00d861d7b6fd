"""Rows of a training as a request has them: sent again they are predicted as they were."""

import json

import pytest

from app.payloads import frames
from app.payloads.uploads import Upload
from app.pipelines import kept
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.settings import Settings
from tests import published

SETTINGS = Settings(redis_url="redis://127.0.0.1:1", signing_secret="s" * 40)


@pytest.fixture(scope="module")
def birds():
    from sklearn.linear_model import LogisticRegression

    version = published.version("birds", published.birds(), "size", LogisticRegression(max_iter=500), id_column="id")
    return TrainedPipeline.from_artifact(version.artifact, installed_versions())


def test_rows_that_are_kept_are_predicted_as_they_were_when_they_are_sent_again(birds):
    found = kept.rows(birds, 0, 100)
    assert found["total"] == len(found["rows"]) == len(birds.background)
    upload = Upload("raw_data", value=json.loads(json.dumps(found["rows"])))
    rows = birds.rows(frames.read(upload, SETTINGS))
    assert birds.predict(rows) == pytest.approx(birds.predict(birds.background))


def test_some_of_them_are_asked_for(birds):
    every, some = kept.rows(birds, 0, 100)["rows"], kept.rows(birds, 5, 3)
    assert some["rows"] == every[5:8]
    assert kept.rows(birds, 1000, 3)["rows"] == []
