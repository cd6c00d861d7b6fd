"""Small rows of each kind that a network can learn, and the problem that an engine is given of them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from PIL import Image

from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines import folds, metrics
from app.pipelines.autokeras import params
from app.pipelines.base import Problem

#: Rows of each kind; even ones are of one class, odd ones of the other.
N = 80

CODES = np.arange(N) % 2
TARGETS = 1000.0 + 5.0 * CODES


def table():
    """Numbers, categories and dates, some of each missing."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": CODES + draw.normal(0, 0.2, N),
            "category": np.where(CODES, "yes", draw.choice(["no", "never"], N)),
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 900, N), unit="D"),
        }
    )
    frame.loc[3, "number"] = np.nan
    frame.loc[4, "category"] = None
    frame.loc[5, "date"] = pd.NaT
    return frame


def numbers():
    """What is made of a table for a network; some are missing."""
    return table()[["number"]].assign(other=np.arange(N) % 3 * 1e9)


def images():
    """Dark and bright ones, as PNG."""

    def png(code, number):
        content = io.BytesIO()
        Image.new("RGB", (9, 7), (200 * code + number % 5,) * 3).save(content, "PNG")
        return content.getvalue()

    return pd.DataFrame({"image": [png(code, number) for number, code in enumerate(CODES)]})


def texts():
    """Two moods."""
    moods = ("an awful, awful day", "A good and happy Day")
    return pd.DataFrame({"text": [f"{moods[code]} number {number % 7}" for number, code in enumerate(CODES)]})


def series():
    """Two signals of several lengths; one of them is slow or fast."""
    draw = np.random.default_rng(0)
    waves = [np.sin(np.arange(20 + row % 4) * (0.3 + 1.2 * code)) for row, code in enumerate(CODES)]
    return pd.DataFrame({"wave": waves, "noise": [draw.normal(size=len(wave)) for wave in waves]})


ROWS = {"table": table, "image": images, "text": texts, "series": series}

#: What a network itself takes of each.
INPUTS = {**ROWS, "table": numbers}

#: What the columns of each are.
KINDS = {
    "table": {"number": Kind.NUMBER, "category": Kind.CATEGORY, "date": Kind.DATE},
    "image": {"image": Kind.IMAGE},
    "text": {"text": Kind.TEXT},
    "series": {"wave": Kind.SIGNAL, "noise": Kind.SIGNAL},
}


def parameters(model, metric=None, model_args=None, **named):
    """Parameters of a training."""
    training = {"model": model, "metric": metric, "model_args": model_args or {}}
    return TrainParameters(**{"pipeline_id": "p", **named}, model_training=training)


def problem(model, seconds=120.0, X=None, y=None, groups=None, weights=None, kinds=None, **named):
    """Return the problem of a model, of two classes or of numbers."""
    task, kind = params.MODELS[model]
    classified = task is Task.CLASSIFICATION
    X = ROWS[kind]() if X is None else X
    y = (CODES if classified else TARGETS) if y is None else y
    wanted = parameters(model, groups=None if groups is None else "group", **named)
    classes = tuple(f"class {code}" for code in np.unique(y)) if classified else ()
    return Problem(
        X=X,
        y=y,
        kinds=kinds or KINDS[kind],
        task=task,
        classes=classes,
        parameters=wanted,
        metric=metrics.resolve(wanted.model_training.metric, task, len(classes)),
        folds=folds.folds(y, classified, 4, 0, groups=groups),
        weights=weights,
        seconds=seconds,
    )
