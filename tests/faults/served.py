"""A model that web processes serve, put into a Redis without a training, and a request for a prediction by it."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

from sklearn.tree import DecisionTreeClassifier

from app.store.connection import connect
from app.store.publications import Publications
from conftest import SECRET
from tests import published

#: A request for a prediction, and what each version of the model answers.
BODY = json.dumps({"pipeline_id": 7, "data": [{"a": 1.5, "b": -1.5}, {"a": 18, "b": None}]}).encode()


def publish(url: str, labels: tuple[int, int] = (0, 1), pipeline_id: int | str = 7) -> None:
    """Put one more version of a model into a store, and make it the current one."""
    frame = published.numbers(list(labels))
    version = published.version(pipeline_id, frame, "label", DecisionTreeClassifier(random_state=0))
    # A job publishes once.
    version = replace(version, record=replace(version.record, job_id=uuid.uuid4().hex))
    with connect(url) as client:
        Publications(client, SECRET).publish(version)
