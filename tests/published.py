"""Small fitted pipelines as versions of the store, made without a training."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
from PIL import Image

from app.payloads import signature as signatures
from app.payloads.parameters import Kind, Task, TrainParameters, check
from app.pipelines.compiling.attempt import attempt
from app.pipelines.original import Original
from app.pipelines.preprocess import preprocessor
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.pipelines.tsfresh import SeriesFeatures
from app.store.record import Record, Version
from tests import kinds

#: Rows of a table.
ROWS = 40


def birds():
    """A table of a number, an integer, a boolean, categories and dates, with ids, holes and three classes."""
    generator = np.random.default_rng(0)
    weight = generator.normal(5, 2, ROWS).round(2)
    frame = pd.DataFrame(
        {
            "id": [f"b{number:02}" for number in range(ROWS)],
            "weight": weight,
            "eggs": generator.integers(0, 9, ROWS),
            "ringed": generator.random(ROWS) > 0.5,
            "colour": np.resize(["red", "blue", "grün", None], ROWS),
            "seen": pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d"),
        }
    )
    frame["colour"] = frame["colour"].astype("str")
    frame.loc[::7, "weight"] = np.nan
    return frame.assign(size=np.where(weight < 4, "low", np.where(weight < 6, "mid", "top")))


def numbers(labels):
    """A table of two numbers and a label that follows from the first: one of `labels`, or where there are none 2 a."""
    a = np.arange(ROWS) / 2
    frame = pd.DataFrame({"a": a, "b": np.tile([0.25, -1.5], ROWS // 2)})
    return frame.assign(label=np.where(a < ROWS / 4, *labels) if labels else 2 * a)


def waves():
    """A long table of eight series of two kinds, whose ids are not in order, and the label of each."""
    ids = np.arange(8)[::-1] * 10
    values = np.sin(np.arange(12)) * np.where(np.arange(8) % 2, 1, 5)[:, None]
    frame = pd.DataFrame({"who": ids.repeat(12), "time": np.tile(np.arange(12), 8), "value": values.ravel()})
    return frame, pd.Series(np.where(np.arange(8) % 2, "calm", "wild"), index=ids)


def version(pipeline_id, frame, target, model, **parameters):
    """Fit a model to a table, as a version."""
    checked = check(TrainParameters, {"pipeline_id": pipeline_id, "target": target, **parameters})
    signature = signatures.infer(frame, checked)
    X, y = signature.conform(frame)[signature.names("feature")], frame[target]
    read = {column.name: column.kind for column in signature.columns}
    return _version(checked, signature, X, y, read, model)


def of_series(pipeline_id, model):
    """Fit a model to tsfresh's features of the waves, as a version."""
    series = {"column_id": "who", "column_sort": "time", "default_fc_parameters": {"maximum": None, "mean": None}}
    checked = check(TrainParameters, {"pipeline_id": pipeline_id, "extract_features": series})
    frame, labels = waves()
    signature = signatures.infer(frame, checked)
    features, X = SeriesFeatures.fit(signature.conform(frame), checked.extract_features, lambda *_, **__: None)
    read = dict.fromkeys(X.columns, Kind.NUMBER)
    return _version(checked, signature, X, labels[X.index], read, model, features)


def pictures():
    """A table of PNG files and of which side of each is bright."""
    found, sides = kinds.pixels()
    files = []
    for picture in found:
        png = io.BytesIO()
        Image.fromarray(picture).save(png, "PNG")
        files.append(png.getvalue())
    return pd.DataFrame({"image": pd.Series(files, dtype="object"), "side": sides})


def sentences():
    """A table of one column of text, and whether each is kind."""
    words = np.array(["good", "bad", "film", "a", "Very", "plot!", "Größe"])
    chosen = words[np.random.default_rng(0).integers(0, len(words), (ROWS, 6))]
    texts = pd.Series([" ".join(row) for row in chosen]).astype("str")
    return pd.DataFrame({"text": texts, "kind": np.where(texts.str.contains("good"), "yes", "no")})


def compiled_kinds():
    """Return {name: (version, rows to predict)}: one of everything that a pipeline is compiled to."""
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVR
    from xgboost import XGBClassifier

    models = {
        "forest": RandomForestClassifier(5, random_state=0),
        "histogram-boosting": HistGradientBoostingRegressor(max_iter=5),
        "xgboost": XGBClassifier(n_estimators=5),
        "lightgbm": LGBMClassifier(n_estimators=5, min_child_samples=2, verbose=-1),
        "perceptron": MLPClassifier((4,), solver="lbfgs", max_iter=5000, random_state=0),
        "kernel": SVR(),
        "graph": KNeighborsClassifier(3),
    }
    found = {}
    for name, model in models.items():
        frame = numbers([0, 1] if hasattr(model, "predict_proba") else None)
        found[name] = version(name, frame, "label", model), frame.drop(columns="label")
    text = version("text", sentences(), "kind", LogisticRegression(), columns={"text": "text"})
    found["text"] = text, sentences().drop(columns="kind")
    birds_ = version("table", birds(), "size", LogisticRegression(), id_column="id")
    found["table"] = birds_, birds().drop(columns="size")
    found["waves"] = of_series("waves", RandomForestClassifier(5, random_state=0)), waves()[0]
    return found


def made():
    """Return {pipeline_id: version} of each."""
    from sklearn.linear_model import LinearRegression
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    versions = {
        "birds": version("birds", birds(), "size", tree, id_column="id"),
        7: version(7, numbers([0, 1]), "label", tree),
        "doubles": version("doubles", numbers(None), "label", LinearRegression()),
        "waves": of_series("waves", tree),
        "pictures": version("pictures", pictures(), "side", tree),
    }
    assert all(name == one.record.pipeline_id for name, one in versions.items())
    return versions


def _version(parameters, signature, X, y, read, model, features=None):
    from sklearn.pipeline import Pipeline

    classified = y.dtype.kind != "f"
    classes, codes = np.unique(y.to_numpy(dtype="object"), return_inverse=True) if classified else ((), y)
    fitted = Pipeline([("preprocess", preprocessor(read, scaled=True)), ("model", model)]).fit(X, codes)
    task = Task.CLASSIFICATION if classified else Task.REGRESSION
    classes = np.asarray(classes).tolist()
    pipeline = TrainedPipeline(
        task=task,
        signature=signature,
        features=features,
        classes=tuple(classes),
        positive_class=classes[-1] if len(classes) == 2 else None,
        columns=tuple(X.columns),
        original=Original.of(fitted, X.reset_index(drop=True)),
        libraries=installed_versions(),
    )
    compiled, told = attempt(fitted, X, read, len(classes), 60.0)
    pipeline = replace(pipeline, compiled=compiled)
    record = Record(
        pipeline_id=parameters.pipeline_id,
        version=0,
        created_at="2026-01-01T00:00:00+00:00",
        job_id=f"job of {parameters.pipeline_id}",
        engine="sklearn",
        task=task.value,
        seed=0,
        result={"modelId": parameters.pipeline_id, "classes": classes},
        parameters={},
        signature=signature.as_json(),
        metrics={},
        holdout={},
        libraries={},
        times={},
        compiled=told,
    )
    return Version(record, pipeline.to_artifact(), {})
