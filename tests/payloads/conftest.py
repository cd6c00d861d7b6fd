"""Frames and parameters as the checks take them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from app.payloads.parameters import TrainParameters, check
from app.settings import Settings


@pytest.fixture
def limits():
    """Return settings with narrow limits on tables."""
    return Settings(max_columns=4, max_cells=100)


@pytest.fixture
def train_parameters():
    """Return a function that makes the parameters of a training of a plain table."""

    def make(**changes):
        model = {"model_training": {"model": "sklearn.tree.DecisionTreeClassifier"}}
        return check(TrainParameters, {"pipeline_id": "p", **model, **changes})

    return make


@pytest.fixture
def png():
    """A PNG of 6 x 4 pixels, red."""
    sink = io.BytesIO()
    Image.new("RGB", (6, 4), "red").save(sink, "PNG")
    return sink.getvalue()
