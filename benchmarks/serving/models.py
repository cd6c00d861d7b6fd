"""The models that are served, trained by the service itself, and the requests that they are asked with.

Trained models stay in the folder of the benchmark's Redis as long as neither a file of the service nor this one
changes.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import requests

from app.errors import ModelNotFound
from app.store.record import Version
from benchmarks.serving import load
from benchmarks.serving.systems import ALL, ROOT, Ours

#: Trees of the forests.
TREES = 100

#: Seconds that a training may take; none comes near.
PATIENCE = 600.0

FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": TREES}}
LINEAR = {"model": "sklearn.linear_model.LogisticRegression"}
SERIES = {"column_id": "example_id", "default_fc_parameters": "MinimalFCParameters()"}


def cancer() -> pd.DataFrame:
    """Return 569 rows of 30 numbers, and the label."""
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(as_frame=True).frame


def noise(rows: int, columns: int) -> pd.DataFrame:
    """Return numbers, and labels that have nothing to do with them: a forest's trees grow until each row is told."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame(generator.normal(size=(rows, columns))).rename(columns="x{}".format)
    return table.assign(target=generator.integers(0, 2, rows))


def wide(columns: int) -> pd.DataFrame:
    """Return 300 rows of so many numbers, the label by the first of them."""
    table = noise(300, columns)
    return table.assign(target=(table["x0"] > 0).astype(int))


def long_series() -> pd.DataFrame:
    """Return the series of the samples: a row for each id and time."""
    return pd.read_json(ROOT / "data" / "data_train.json")


#: {pipeline: what trains it}; each is trained when a case first asks for it.
TRAININGS: dict[str, Callable[[], dict[str, Any]]] = {
    "forest": lambda: {"raw_data": cancer(), "model_training": FOREST, "target": "target"},
    "linear": lambda: {"raw_data": cancer(), "model_training": LINEAR, "target": "target"},
    "series": lambda: {
        "raw_data": long_series(),
        "labels": pd.read_json(ROOT / "data" / "label_train.json"),
        "model_training": FOREST,
        "extract_features": SERIES,
    },
    # 10,000 rows of noise make trees of some 5,000 nodes.
    "large": lambda: {
        "raw_data": noise(10_000, 10),
        "model_training": FOREST | {"model_args": {"n_estimators": 77}},
        "target": "target",
        "folds": 2,
    },
    "wide-10": lambda: {"raw_data": wide(10), "model_training": LINEAR, "target": "target", "folds": 2},
    "wide-100": lambda: {"raw_data": wide(100), "model_training": LINEAR, "target": "target", "folds": 2},
    "wide-1000": lambda: {"raw_data": wide(1000), "model_training": LINEAR, "target": "target", "folds": 2},
}


def ensure(ours: Ours, *names: str) -> None:
    """Train the models that are not there yet."""
    missing = [name for name in names if not _known(ours, name)]
    if not missing:
        return
    with ours.web(cores=ALL) as web, ours.workers():
        for name in missing:
            started = time.monotonic()
            answered = train(web.port, name, **TRAININGS[name]())
            answered.raise_for_status()
            print(f"  trained {name} in {time.monotonic() - started:.0f} s", flush=True)


def _known(ours: Ours, name: str) -> bool:
    try:
        ours.store.current(name)
    except ModelNotFound:
        return False
    return True


def train(
    port: int, name: str, raw_data: pd.DataFrame, labels: pd.DataFrame | None = None, prefer: str = "", **params: Any
) -> requests.Response:
    """Ask for a training without explanations at its end, and wait for it unless told otherwise."""
    params = {"pipeline_id": name, "explain": {"rows": 0}, **params}
    files = {"raw_data": ("raw_data.parquet", parquet(raw_data)), "params": ("params.yml", json.dumps(params))}
    if labels is not None:
        files["labels"] = ("labels.parquet", parquet(labels))
    headers = {"Prefer": prefer or f"wait={PATIENCE:.0f}"}
    return requests.post(f"http://127.0.0.1:{port}/train_pipeline", files=files, headers=headers, timeout=PATIENCE)


def copies(ours: Ours, name: str, ids: list[str], versions: int = 1) -> None:
    """Publish a model again under other ids, as many versions of each."""
    record = ours.store.record(name)
    version = Version(record, ours.store.artifact(name, record.version), {})
    for id_ in ids:
        known = len(ours.store.versions(id_)) if _known(ours, id_) else 0
        for number in range(known, versions):
            job = f"{id_}-{number}"
            ours.publications.publish(replace(version, record=replace(record, pipeline_id=id_, job_id=job)))


def digest_of_the_service() -> str:
    """Return a digest of all of the service's own code, and of what is trained here."""
    found = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted((ROOT / "app").rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def as_json(name: str, data: Any) -> bytes:
    """Return the request of a table as one body of JSON."""
    return load.post("/serve_prediction", json.dumps({"pipeline_id": name, "data": data}).encode())


def as_arrow(name: str, table: pd.DataFrame) -> bytes:
    """Return the request of a table as an Arrow stream."""
    kind = "application/vnd.apache.arrow.stream"
    return load.post(f"/serve_prediction?pipeline_id={name}", arrow(table), kind)


def as_of_2017(name: str, table: pd.DataFrame) -> bytes:
    """Return the multipart form that a client of 2017 sent."""
    made = requests.Request(
        "POST",
        "http://benchmark/serve_prediction",
        files={"raw_data": ("data.json", table.to_json()), "params": ("params.yml", f"pipeline_id: {name}")},
    ).prepare()
    assert isinstance(made.body, bytes)
    return load.post("/serve_prediction", made.body, made.headers["Content-Type"])


def rows(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return so many rows without the label; beyond those that there are they repeat."""
    features = table.drop(columns="target")
    return features.iloc[np.arange(count) % len(features)].reset_index(drop=True)


def series(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return so many series; beyond those that there are they repeat under other ids."""
    known = [part for _, part in table.groupby("example_id", sort=False)]
    parts = [known[number % len(known)].assign(example_id=number) for number in range(count)]
    return pd.concat(parts, ignore_index=True)


def arrow(table: pd.DataFrame) -> bytes:
    """Return an Arrow stream."""
    import pyarrow as pa

    made, sink = pa.Table.from_pandas(table, preserve_index=False), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made)
    return bytes(sink.getvalue().to_pybytes())


def parquet(table: pd.DataFrame) -> bytes:
    """Return a file of Parquet."""
    file = io.BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()


def kept_in(work: Path) -> Path:
    """Return the folder of the benchmark's Redis for the service as it is now."""
    return work / "serving" / digest_of_the_service()
